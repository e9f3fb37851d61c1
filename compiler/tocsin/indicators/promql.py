"""`promql`: whatever the other kinds cannot say, with `$window` where the window goes."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.diagnostics import Problem, Problems
from tocsin.document import Node
from tocsin.indicators.api import PROMQL, UNBOUNDED, Indicator, Separate, field, kind, only_selector, read_vector
from tocsin.promql import build
from tocsin.promql.ast import Expr, VectorSelector
from tocsin.quantity import Unit


@dataclass(frozen=True, slots=True)
class Promql(Separate):
    """An expression as the author wrote it."""

    expr: Expr
    unit: Unit
    smoothed: bool
    by: tuple[str, ...] = ()
    bounds: tuple[float, float] = UNBOUNDED

    def value(self, window: int | None) -> Expr:
        return build.with_window(self.expr, window) if window else self.expr

    def watched(self) -> VectorSelector | None:
        return only_selector(self.expr)


@kind(
    "promql",
    "PromQL for whatever the other kinds cannot say; `$window` stands for the window.",
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["query", "unit"],
        "properties": {
            "query": {**PROMQL, "description": "The expression; `rate(x_total[$window])` takes the alert's window."},
            "unit": {
                "description": "The value's unit.",
                "enum": [unit.value for unit in Unit],
                "x-expected": "a unit",
            },
        },
        "x-expected": "`query` and `unit`",
    },
)
def read(node: Node, by: tuple[str, ...], problems: Problems) -> Indicator | None:
    query, unit = field(node, "query"), field(node, "unit")
    assert query is not None and unit is not None  # noqa: PT018 - the schema requires both
    if by:
        message = "write `by (...)` in the query itself"
        problems.add(Problem("spec/unknown-key", f"`promql` takes no `by`: {message}", query.span))
        return None
    expr = read_vector(query, problems, windowed=True)
    return Promql(expr, Unit(unit.text.value), "$window" in query.text.value) if expr else None
