"""Expressions to what is alike in them: the same but for layout, series that both select, thresholds that nest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from tocsin.lint.api import AnyRule, Subject
from tocsin.lint.conditions import branches
from tocsin.lint.matchers import selectors
from tocsin.lint.memo import once
from tocsin.promql.ast import Expr, Matcher, Paren, VectorSelector, transform
from tocsin.promql.compare import Comparison, comparison
from tocsin.promql.match import accepts, matchers_of


@once
def canonical(expr: Expr) -> Expr:
    """The expression without parentheses, matchers and groupings in the order of their names."""
    return transform(expr, _plain)


def _plain(node: Expr) -> Expr:
    if isinstance(node, Paren):
        return node.expr
    if isinstance(node, VectorSelector) and len(node.matchers) > 1:
        return replace(node, matchers=tuple(sorted(set(node.matchers), key=_order)))
    return node


def _order(matcher: Matcher) -> tuple[str, str, str]:
    return matcher.label, matcher.op, matcher.value


def may_share_series(first: Expr, second: Expr) -> bool:
    """Whether two expressions are of one selector each, and some series surely may meet both.

    None does where one wants a value of a label that the other rejects, and of two different patterns nobody knows.
    """
    left, right = list(selectors(first)), list(selectors(second))
    if len(left) != 1 or len(right) != 1 or left[0].name != right[0].name:
        return False
    return not any(
        _may_part(one, other)
        for one in matchers_of(left[0])
        for other in matchers_of(right[0])
        if one.label == other.label and one != other
    )


def _may_part(one: Matcher, other: Matcher) -> bool:
    """Whether two different matchers of a label may leave no value to both."""
    if "=" in (one.op, other.op):
        wanted, asked = (one, other) if one.op == "=" else (other, one)
        return not accepts(asked, wanted.value)
    return "=~" in (one.op, other.op)


def together(first: AnyRule, second: AnyRule) -> bool:
    """Whether two rules seem to be for the same server: folders often hold the same rules for others."""
    one, other = first.place("rule").source.path, second.place("rule").source.path
    return one.rpartition("/")[0] == other.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Threshold:
    """An alert on a value above or below a number; `rest` is what else must hold."""

    subject: Subject
    found: Comparison
    value: Expr
    above: bool
    rest: frozenset[Expr]

    def implies(self, other: Threshold) -> bool:
        """Whether the other's condition holds wherever this one's does; both are on the same value."""
        mine, theirs = self.found.threshold, other.found.threshold
        strict = other.found.op in (">", "<") and self.found.op in (">=", "<=")
        if mine == theirs:
            return not strict
        return (mine > theirs) == self.above


def nested(alerts: Iterable[Subject]) -> list[tuple[Threshold, ...]]:
    """The alerts that hold the same value against a number in the same direction, all else being the same."""
    alike: Mapping[object, list[Threshold]] = defaultdict(list)
    for one in _thresholds(alerts):
        alike[one.value, one.above, one.rest].append(one)
    return [tuple(group) for group in alike.values() if len(group) > 1]


def _thresholds(alerts: Iterable[Subject]) -> Iterator[Threshold]:
    for subject in alerts:
        ways = list(branches(subject.rule.expr))
        if len(ways) != 1:
            continue
        parts = [(conjunct, comparison(conjunct)) for conjunct in ways[0]]
        for conjunct, found in parts:
            if found and found.op in (">", ">=", "<", "<="):
                rest = frozenset(canonical(other) for other, _ in parts if other is not conjunct)
                yield Threshold(subject, found, canonical(found.value), found.op[0] == ">", rest)
