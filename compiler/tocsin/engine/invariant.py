"""An expression to the largest parts of it that do not hang on the step, which Prometheus evaluates once.

Source: prometheus/promql/engine.go, `PreprocessExpr`; functions.go, `AtModifierUnsafeFunctions`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.promql.ast import (
    Aggregation,
    Call,
    Expr,
    MatrixSelector,
    Number,
    String,
    Subquery,
    VectorSelector,
    children,
)

_OF_THE_STEP = frozenset(
    "days_in_month day_of_month day_of_week day_of_year hour minute month year predict_linear time timestamp".split()
)
"""Functions that look at the time of the step, or of the sample."""


def invariants(node: Expr) -> Iterator[Expr]:
    """The largest invariant parts of an expression, itself perhaps; numbers and strings alone are none."""
    if isinstance(node, Number | String):
        return
    if is_invariant(node):
        yield node
        return
    for child in _operands(node):
        yield from invariants(child)


def is_invariant(node: Expr) -> bool:
    match node:
        case VectorSelector(at=at) | MatrixSelector(selector=VectorSelector(at=at)) | Subquery(at=at):
            return at is not None
        case Call(function=function) if function in _OF_THE_STEP:
            return False
    return all(map(is_invariant, _operands(node)))


def _operands(node: Expr) -> tuple[Expr, ...]:
    """What Prometheus asks: of an aggregation not its parameter."""
    return (node.expr,) if isinstance(node, Aggregation) else tuple(children(node))
