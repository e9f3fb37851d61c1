"""A label or annotation of an alert to what its actions ask for, and what is wrong with them.

Few modules suffice to tell that one without actions asks for nothing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from tocsin.templates.scan import scan

if TYPE_CHECKING:
    from tocsin.templates.expand import Fault


def syntax_fault(text: str, compat: int = 3) -> Fault | None:
    """What is wrong with the syntax of a template; None where Prometheus accepts it."""
    if "{{" not in text:
        return None
    from tocsin.templates.expand import fault

    return fault(text, compat)


def reads(text: str, *what: Literal["value", "query", "now", "server"]) -> bool:
    """Whether a template may depend on the value of its alert, call `query`, or ask for the time or the server.

    Told by the words in its actions, so that it may be said of one that does not.
    """
    if "{{" not in text:
        return False
    words = _words(text)
    return any(words & _WORDS[one] for one in what)


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(token.value for token in scan(text) if token.kind in ("name", "variable", "field", "dot"))


_WORDS = {
    "value": {"$value", ".Value", ".", "$"},
    "query": {"query"},
    "now": {"now"},
    "server": {"$externalLabels", ".ExternalLabels", "$externalURL", ".ExternalURL", "externalURL", "pathPrefix"},
}
"""The words of a template that give away what it depends on."""
