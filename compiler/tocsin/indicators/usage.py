"""`usage`: how full something is, as a share of its capacity."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.diagnostics import Problems
from tocsin.document import MapNode, Node
from tocsin.indicators.api import PROMQL, SHARE, Indicator, Separate, field, kind, read_selector
from tocsin.promql import build
from tocsin.promql.ast import Expr, VectorSelector
from tocsin.quantity import Unit


@dataclass(frozen=True, slots=True)
class Usage(Separate):
    """`part` is what is used, or what is free where `free` is set; with `by`, the fullest of each group counts."""

    part: VectorSelector
    capacity: VectorSelector
    free: bool
    by: tuple[str, ...]
    unit: Unit = Unit.RATIO
    bounds: tuple[float, float] = SHARE
    smoothed: bool = False

    def value(self, window: int | None) -> Expr:
        return self._share(build.smooth(self.part, window))

    def watched(self) -> VectorSelector:
        return self.capacity

    def forecast(self, window: int, horizon: int) -> Expr:
        """The share that will be used, if what happened in the window goes on."""
        return self._share(build.call("predict_linear", build.over(self.part, window), build.number(horizon / 1000)))

    def _share(self, part: Expr) -> Expr:
        share = build.binary(part, "/", build.compare(self.capacity, ">", build.number(0)))
        used = build.binary(build.number(1), "-", share) if self.free else share
        return build.aggregate("max", used, self.by) if self.by else used


@kind(
    "usage",
    "How full something is: what is `used` (or `free`) over its `capacity`. With `by`, the fullest of each group.",
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["capacity"],
        "properties": {
            "used": {**PROMQL, "description": "How much is used."},
            "free": {**PROMQL, "description": "How much is left."},
            "capacity": {**PROMQL, "description": "How much there is, with the same labels."},
        },
        "oneOf": [{"required": ["used"]}, {"required": ["free"]}],
        "x-expected": "`capacity`, and one of `used` and `free`",
    },
)
def read(node: Node, by: tuple[str, ...], problems: Problems) -> Indicator | None:
    free = isinstance(node, MapNode) and node.get("free") is not None
    part = read_selector(field(node, "free" if free else "used"), problems)
    capacity = read_selector(field(node, "capacity"), problems)
    return Usage(part, capacity, free, by) if part and capacity else None
