"""`ratio`: the share of bad events among all, in a window."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.diagnostics import Problems
from tocsin.document import MapNode, Node
from tocsin.indicators.api import PROMQL, SHARE, Indicator, Plain, field, kind, read_selector
from tocsin.promql import build
from tocsin.promql.ast import Expr, VectorSelector
from tocsin.quantity import Unit


@dataclass(frozen=True, slots=True)
class Ratio(Plain):
    """`part` counts the bad events, or the good ones where `good` is set; `total` counts all."""

    part: VectorSelector
    total: VectorSelector
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

    def watched(self) -> VectorSelector:
        return self.total

    def events(self, window: int) -> Expr:
        return build.aggregate("sum", build.call("increase", build.over(self.total, window)), self.by)

    def _rate(self, selector: VectorSelector, window: int) -> Expr:
        return build.aggregate("sum", build.call("rate", build.over(selector, window)), self.by)


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
            "total": {**PROMQL, "description": "Counts all events."},
        },
        "oneOf": [{"required": ["bad"]}, {"required": ["good"]}],
        "x-expected": "`total`, and one of `bad` and `good`",
    },
)
def read(node: Node, by: tuple[str, ...], problems: Problems) -> Indicator | None:
    good = isinstance(node, MapNode) and node.get("good") is not None
    part = read_selector(field(node, "good" if good else "bad"), problems)
    total = read_selector(field(node, "total"), problems)
    return Ratio(part, total, good, by) if part and total else None
