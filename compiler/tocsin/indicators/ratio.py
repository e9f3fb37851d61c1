"""`ratio`: the share of bad events among all, in a window."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.diagnostics import Problems
from tocsin.document import MapNode, Node, Scalar
from tocsin.indicators.api import (
    PROMQL,
    SHARE,
    Counts,
    Indicator,
    Plain,
    field,
    kind,
    only_selector,
    read_selector,
    read_vector,
)
from tocsin.indicators.counting import since
from tocsin.promql import build
from tocsin.promql.ast import WINDOW, Call, Expr, MatrixSelector, Subquery, VectorSelector, unwrap, walk
from tocsin.quantity import Unit

LEAST = 5 * 60_000
"""The least window in ms of an author's own expression that needs several scrapes, as a rate does."""

SINGLE = {"count_over_time", "sum_over_time"}
"""The functions over a range that take each sample once, and so what they give for neighbouring ranges adds up."""


@dataclass(frozen=True, slots=True)
class Ratio(Plain):
    """`part` counts the bad events, or the good ones where `good` is set; `total` counts all.

    Each is a counter, or as the author wrote it an expression that gives the events in `$window`.
    """

    part: Expr
    total: Expr
    good: bool
    by: tuple[str, ...]
    unit: Unit = Unit.RATIO
    bounds: tuple[float, float] = SHARE
    smoothed: bool = True

    def value(self, window: int | None) -> Expr:
        """Bad events over all events. A part whose series are missing is zero; without events there is no value."""
        part, total = (self._rate(selector, window or 0) for selector in (self.part, self.total))
        missing = build.binary(build.number(0), "*", total) if self.by else build.call("vector", build.number(0))
        counted = build.binary(build.binary(part, "or", missing), "/", build.compare(total, ">", build.number(0)))
        return build.binary(build.number(1), "-", counted) if self.good else counted

    def watched(self) -> VectorSelector | None:
        return only_selector(self.total)

    def events(self, window: int) -> Expr:
        if isinstance(self.total, VectorSelector):
            return build.aggregate("sum", build.call("increase", build.over(self.total, window)), self.by)
        return build.with_window(self.total, window)

    def counts(self, step: int, tiled: int) -> Counts | None:
        """Of counters and sums over time exactly; of another expression a step's part of what a longer window has."""
        part, total = self.part, self.total
        if isinstance(part, VectorSelector) and isinstance(total, VectorSelector):
            if part.name is None or total.name is None:
                return None
            return Counts(since(total, step, tiled, self.by), since(part, step, tiled, self.by, total), self.good)
        if _adds_up(part) and _adds_up(total):
            return Counts(build.with_window(total, tiled), build.with_window(part, tiled), self.good)
        return Counts(_in_step(total, step), _in_step(part, step), self.good)

    def _rate(self, counted: Expr, window: int) -> Expr:
        if isinstance(counted, VectorSelector):
            return build.aggregate("sum", build.call("rate", build.over(counted, window)), self.by)
        return build.with_window(counted, window)


def _adds_up(counted: Expr) -> bool:
    """Whether an expression takes each sample of `$window` once."""
    over = [node.function for node in walk(counted) if isinstance(node, Call) and any(map(_is_window, node.args))]
    return bool(over) and SINGLE.issuperset(over)


def _in_step(counted: Expr, step: int) -> Expr:
    window = max(step, LEAST)
    whole = build.with_window(counted, window)
    return whole if window == step else build.binary(whole, "*", build.number(step / window))


def _is_window(arg: Expr) -> bool:
    range_ = unwrap(arg)
    return isinstance(range_, MatrixSelector | Subquery) and range_.range == WINDOW


@kind(
    "ratio",
    "The share of bad events: a counter of those that are `bad` (or `good`) over a counter of the `total`.",
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["total"],
        "properties": {
            "bad": {**PROMQL, "description": "Counts the bad events. Where its series are missing, it counts none."},
            "good": {**PROMQL, "description": "Counts the good events; what is not good is bad."},
            "total": {
                **PROMQL,
                "description": "Counts all events: a counter, or any expression that gives the events in `$window`.",
            },
        },
        "oneOf": [{"required": ["bad"]}, {"required": ["good"]}],
        "x-expected": "`total`, and one of `bad` and `good`",
    },
)
def read(node: Node, by: tuple[str, ...], problems: Problems) -> Indicator | None:
    good = isinstance(node, MapNode) and node.get("good") is not None
    part = read_counted(field(node, "good" if good else "bad"), problems)
    total = read_counted(field(node, "total"), problems)
    return Ratio(part, total, good, by) if part and total else None


def read_counted(node: Scalar | None, problems: Problems) -> Expr | None:
    """A counter, or an expression with `$window` that gives the events of a window."""
    if node is None or "$window" not in node.text.value:
        return read_selector(node, problems)
    return read_vector(node, problems, windowed=True)
