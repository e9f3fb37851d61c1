"""`gauge`: a value that goes up and down, in a declared unit."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.diagnostics import Problem, Problems
from tocsin.document import MapNode, Node
from tocsin.indicators.api import PROMQL, UNBOUNDED, Indicator, Separate, field, kind, only_selector, read_vector
from tocsin.promql import build
from tocsin.promql.ast import Expr, VectorSelector
from tocsin.quantity import Unit


@dataclass(frozen=True, slots=True)
class Gauge(Separate):
    """Any expression; with `by`, the groups' series are combined by `aggregate`."""

    expr: Expr
    unit: Unit
    by: tuple[str, ...]
    aggregate: str
    bounds: tuple[float, float] = UNBOUNDED
    smoothed: bool = False

    def value(self, window: int | None) -> Expr:
        smooth = build.smooth(self.expr, window)
        return build.aggregate(self.aggregate, smooth, self.by) if self.by else smooth

    def watched(self) -> VectorSelector | None:
        return only_selector(self.expr)


@kind(
    "gauge",
    "A value that goes up and down: a metric or any expression, and its unit.",
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["value", "unit"],
        "properties": {
            "value": {**PROMQL, "description": "The metric with its labels, or an expression."},
            "unit": {
                "description": "The value's unit.",
                "enum": [unit.value for unit in Unit],
                "x-expected": "a unit",
            },
            "aggregate": {
                "description": "How the series of a group become one, where `by` is given.",
                "enum": ["max", "min", "avg", "sum"],
                "x-expected": "a way to combine series",
            },
        },
        "x-expected": "`value` and `unit`",
    },
)
def read(node: Node, by: tuple[str, ...], problems: Problems) -> Indicator | None:
    expr = read_vector(field(node, "value"), problems)
    unit, aggregate = field(node, "unit"), field(node, "aggregate")
    assert unit is not None
    if by and aggregate is None:
        message = "`by` groups the series, and nothing says how those of a group become one value"
        span = node.entries[0][0].span if isinstance(node, MapNode) else node.span
        problems.add(
            Problem("spec/missing-key", message, span, help="add `aggregate` to the gauge: max, min, avg or sum")
        )
        return None
    return Gauge(expr, Unit(unit.text.value), by, aggregate.text.value if aggregate else "") if expr else None
