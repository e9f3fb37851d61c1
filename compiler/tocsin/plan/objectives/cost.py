"""The rules of an objective to how many samples they read, counted in the expressions themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil

from tocsin.promql.ast import Expr, MatrixSelector, Subquery, VectorSelector, children
from tocsin.rules import RecordingRule, RuleGroup


@dataclass(frozen=True, slots=True)
class Cost:
    """Samples that an evaluation reads: so many for each series of a scraped metric, and for each recorded series.

    >>> Cost(3, 10) + Cost(1, 2)
    Cost(scraped=4, recorded=12)
    """

    scraped: int = 0
    recorded: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.scraped + other.scraped, self.recorded + other.recorded)

    def times(self, count: int) -> Cost:
        """That of several evaluations."""
        return Cost(self.scraped * count, self.recorded * count)

    def of(self, series: int, groups: int) -> int:
        """The samples where each selector of a scraped metric has so many series, of a recorded one so many groups."""
        return self.scraped * series + self.recorded * groups


def recorded(groups: Iterable[RuleGroup], interval: int) -> dict[str, int]:
    """How often each recorded series has a sample, in ms; `interval` is that of groups that give none."""
    return {
        rule.name: group.interval or interval
        for group in groups
        for rule in group.rules
        if isinstance(rule, RecordingRule)
    }


def cost(group: RuleGroup, recorded: Mapping[str, int], scraped: Callable[[VectorSelector], int]) -> Cost:
    """What one evaluation of a group reads; `scraped` tells how often the series of a selector are, in ms."""

    def every(selector: VectorSelector) -> int:
        return recorded.get(selector.name or "") or scraped(selector)

    def read(node: Expr) -> Cost:
        match node:
            case VectorSelector(name=name):
                return Cost(recorded=1) if name in recorded else Cost(scraped=1)
            case MatrixSelector(selector=selector, range=range):
                return read(selector).times(max(1, ceil(range / every(selector))))
            case Subquery(expr=expr, range=range, step=step):
                return read(expr).times(max(1, ceil(range / (step or group.interval or range))))
        return sum(map(read, children(node)), Cost())

    return sum((read(rule.expr) for rule in group.rules), Cost())
