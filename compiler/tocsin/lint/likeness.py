"""Expressions to what is alike in them: the same but for layout, series that both select, thresholds that nest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from tocsin.lint.api import Subject
from tocsin.lint.conditions import branches
from tocsin.lint.memo import once
from tocsin.promql.ast import Expr, Matcher, Paren, VectorSelector, transform, walk
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
    """Whether two expressions are of one selector each, and some series may meet both.

    None does where one wants a value of a label that the other rejects.
    """
    left, right = _selectors(first), _selectors(second)
    if len(left) != 1 or len(right) != 1:
        return False
    return left[0].name == right[0].name and not (_rejects(left[0], right[0]) or _rejects(right[0], left[0]))


def _selectors(expr: Expr) -> list[VectorSelector]:
    return [node for node in walk(expr) if isinstance(node, VectorSelector)]


def _rejects(selector: VectorSelector, other: VectorSelector) -> bool:
    """Whether a value that the other asks for is one that this selector does not take."""
    wanted = [matcher for matcher in matchers_of(other) if matcher.op == "="]
    return any(m.label == w.label and not accepts(m, w.value) for w in wanted for m in matchers_of(selector))


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
