"""`rate`: how often something happens, per second."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.diagnostics import Problems
from tocsin.document import Node
from tocsin.indicators.api import POSITIVE, PROMQL, Indicator, Plain, field, kind, read_selector
from tocsin.promql import build
from tocsin.promql.ast import Expr, VectorSelector
from tocsin.quantity import Unit


@dataclass(frozen=True, slots=True)
class Rate(Plain):
    """A counter, summed over its series."""

    counter: VectorSelector
    by: tuple[str, ...]
    unit: Unit = Unit.PER_SECOND
    bounds: tuple[float, float] = POSITIVE
    smoothed: bool = True

    def value(self, window: int | None) -> Expr:
        return build.aggregate("sum", build.call("rate", build.over(self.counter, window or 0)), self.by)

    def watched(self) -> VectorSelector:
        return self.counter

    def events(self, window: int) -> Expr:
        return build.aggregate("sum", build.call("increase", build.over(self.counter, window)), self.by)


@kind(
    "rate",
    "How often something happens: a counter, per second.",
    {**PROMQL, "x-expected": "a counter, such as `requests_total`"},
)
def read(node: Node, by: tuple[str, ...], problems: Problems) -> Indicator | None:
    counter = read_selector(field(node, ""), problems)
    return Rate(counter, by) if counter else None
