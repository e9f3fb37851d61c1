"""Label matchers as Prometheus applies them: RE2, anchored at both ends, and a missing label is an empty one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import re2

from tocsin.labels import NAME, Labels
from tocsin.promql.ast import Matcher, VectorSelector


def matchers_of(selector: VectorSelector) -> tuple[Matcher, ...]:
    """All matchers of a selector, its name among them."""
    name = () if selector.name is None else (Matcher(NAME, "=", selector.name),)
    return (*name, *selector.matchers)


_ESCAPES = re.compile(r"\\Q.*?(?:\\E|$)|\\(?P<one>.)", re.DOTALL)


@lru_cache(maxsize=4096)
def regex(pattern: str) -> re2._Regexp[str]:
    """A compiled RE2 expression that must match the whole of a value; raises `re2.error`."""
    options = _options(dot_matches_newline=True)
    re2.compile(pattern, options)  # alone, for `a)(b` is only one inside the parentheses
    return anchored(pattern)


def anchored(pattern: str, dot_matches_newline: bool = True) -> re2._Regexp[str]:
    """An expression between `^(?:` and `)$`, to search with; raises `re2.error`."""
    if any(escape["one"] == "C" for escape in _ESCAPES.finditer(pattern)):
        raise re2.error("invalid escape sequence: `\\C`")  # a single byte; Go's RE2 has none
    return re2.compile(f"^(?:{pattern})$", _options(dot_matches_newline))


def _options(dot_matches_newline: bool) -> re2.Options:
    options = re2.Options()
    options.dot_nl = dot_matches_newline
    options.log_errors = False
    return options


def regex_fault(pattern: str) -> str | None:
    """What is wrong with an expression, in the words of Go's RE2; None where it is one."""
    try:
        regex(pattern)
    except re2.error as error:
        reason = error.args[0] if error.args else "it is too large"
        return _in_go(reason.decode() if isinstance(reason, bytes) else str(reason), pattern)
    return None


_GO = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid repetition size": "invalid repeat count",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
}
"""What RE2 says and Go's `regexp/syntax` says, where they differ."""


def _in_go(reason: str, whole: str) -> str:
    if reason == "trailing \\":
        return "trailing backslash at end of expression: ``"
    kind, _, piece = reason.partition(": ")
    if kind in ("missing )", "unexpected )"):
        piece = whole
    return f"{_GO.get(kind, kind)}: `{piece}`" if piece else _GO.get(kind, kind)


def matches(matchers: Sequence[Matcher], labels: Labels) -> bool:
    """Whether all matchers accept a label set."""
    values = dict(labels)
    return all(accepts(matcher, values.get(matcher.label, "")) for matcher in matchers)


def accepts(matcher: Matcher, value: str) -> bool:
    """Whether one matcher accepts the value of its label."""
    match matcher.op:
        case "=":
            return value == matcher.value
        case "!=":
            return value != matcher.value
        case "=~":
            return regex(matcher.value).fullmatch(value) is not None
        case "!~":
            return regex(matcher.value).fullmatch(value) is None
