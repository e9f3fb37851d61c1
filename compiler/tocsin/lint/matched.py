"""Sets of label matchers to what they accept: whether one accepts all that another does, or nothing at all.

Only what is surely so is answered with yes: of two regular expressions that are no lists of texts nothing is known
but whether they are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tocsin.lint.matchers import is_literal, literal
from tocsin.promql.ast import Matcher
from tocsin.promql.match import accepts


def texts(pattern: str) -> frozenset[str] | None:
    """The texts that a regular expression stands for, where it is a list such as `a|b` or `(a|b)`."""
    inner = pattern.removeprefix("^").removesuffix("$")
    for opening in ("(?:", "("):
        bare = inner.removeprefix(opening).removesuffix(")")
        if inner.startswith(opening) and inner.endswith(")") and not set(bare) & set("()"):
            inner = bare
            break
    parts = inner.split("|")
    return frozenset(map(literal, parts)) if all(map(is_literal, parts)) else None


def values(matchers: Iterable[Matcher], label: str) -> frozenset[str] | None:
    """The values of a label that matchers accept; None where they cannot be listed."""
    own = [matcher for matcher in matchers if matcher.label == label]
    for matcher in own:
        listed = frozenset((matcher.value,)) if matcher.op == "=" else None
        listed = texts(matcher.value) if matcher.op == "=~" else listed
        if listed is not None:
            return frozenset(value for value in listed if all(accepts(other, value) for other in own))
    return None


def contradiction(matchers: Sequence[Matcher]) -> str | None:
    """A label of which the matchers accept no value, so that they match no alert."""
    labels = dict.fromkeys(matcher.label for matcher in matchers)
    return next((label for label in labels if values(matchers, label) == frozenset()), None)


def implies(matchers: Sequence[Matcher], others: Iterable[Matcher]) -> bool:
    """Whether all that `matchers` match, `others` match too."""
    return all(_implied(matchers, other) for other in others)


def _implied(matchers: Sequence[Matcher], other: Matcher) -> bool:
    if (other.op, other.value) == ("=~", ".*") or other in matchers:
        return True
    listed = values(matchers, other.label)
    if listed is not None:
        return all(accepts(other, value) for value in listed)
    refused = _refused(other)
    own = [matcher for matcher in matchers if matcher.label == other.label]
    return refused is not None and all(any(not accepts(matcher, value) for matcher in own) for value in refused)


def _refused(matcher: Matcher) -> frozenset[str] | None:
    """The values that a matcher refuses; None where they cannot be listed."""
    if matcher.op == "!=":
        return frozenset((matcher.value,))
    if matcher.op == "!~":
        return texts(matcher.value)
    return frozenset(("",)) if (matcher.op, matcher.value) == ("=~", ".+") else None
