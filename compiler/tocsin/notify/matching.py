"""Matchers as Alertmanager applies them: anchored, `.` is not a line break, and a missing label is an empty one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import re2

from tocsin.labels import Labels
from tocsin.promql.ast import Matcher


@lru_cache(maxsize=4096)
def _regex(pattern: str) -> re2._Regexp[str]:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(f"^(?:{pattern})$", options)


def accepts(matcher: Matcher, value: str) -> bool:
    match matcher.op:
        case "=":
            return value == matcher.value
        case "!=":
            return value != matcher.value
        case "=~":
            return _regex(matcher.value).search(value) is not None
        case "!~":
            return _regex(matcher.value).search(value) is None


def predicate(matchers: Sequence[Matcher]) -> Callable[[Labels], bool]:
    """Whether all matchers accept a label set."""

    def test(labels: Labels) -> bool:
        values = dict(labels)
        return all(accepts(matcher, values.get(matcher.label, "")) for matcher in matchers)

    return test
