"""The unit of an expression, by the names of its metrics and what is done to them."""

from __future__ import annotations

from typing import Literal, TypeAlias

from tocsin.lint.bounds import is_share
from tocsin.lint.memo import once
from tocsin.promql.ast import (
    COMPARISONS,
    Aggregation,
    Binary,
    Call,
    Expr,
    MatrixSelector,
    Paren,
    Subquery,
    Unary,
    VectorSelector,
)
from tocsin.promql.compare import constant
from tocsin.quantity import Unit

PERCENT: Literal["percent"] = "percent"
MILLISECONDS: Literal["milliseconds"] = "milliseconds"
Told: TypeAlias = Unit | Literal["percent", "milliseconds"]

_SUFFIXES: dict[str, Told] = {
    "_seconds": Unit.SECONDS,
    "_milliseconds": MILLISECONDS,
    "_millis": MILLISECONDS,
    "_ms": MILLISECONDS,
    "_bytes": Unit.BYTES,
    "_ratio": Unit.RATIO,
    ":ratio": Unit.RATIO,
    "_percent": PERCENT,
    "_percentage": PERCENT,
    "_celsius": Unit.CELSIUS,
}
_SAME_UNIT = frozenset(
    "avg_over_time min_over_time max_over_time last_over_time first_over_time sum_over_time quantile_over_time "
    "increase delta abs ceil floor round clamp clamp_min clamp_max sort sort_desc stddev_over_time predict_linear "
    "idelta label_replace label_join sort_by_label sort_by_label_desc".split()
)
_SCALED: dict[tuple[Told, float], Told] = {
    (Unit.RATIO, 100): PERCENT,
    (PERCENT, 0.01): Unit.RATIO,
    (Unit.SECONDS, 1000): MILLISECONDS,
    (MILLISECONDS, 0.001): Unit.SECONDS,
}
"""What becomes of a unit by a factor; by any other, no unit is told."""


@once
def unit_of(expr: Expr) -> Told | None:
    """The unit that an expression's form tells, or None where it tells none."""
    match expr:
        case Paren(expr=inner) | Unary(expr=inner) | MatrixSelector(selector=inner) | Subquery(expr=inner):
            return unit_of(inner)
        case VectorSelector(name=str() as name):
            stem = name.removesuffix("_total").removesuffix("_sum")
            return next((unit for suffix, unit in _SUFFIXES.items() if stem.endswith(suffix)), None)
        case Aggregation(op="sum" | "avg" | "min" | "max" | "quantile" | "stddev" | "topk" | "bottomk", expr=inner):
            return unit_of(inner)
        case Call(function="histogram_quantile", args=(_, inner)):
            return _histogram(inner)
        case Call(function="time" | "timestamp"):
            return Unit.SECONDS
        case Call(function=function, args=args) if function in _SAME_UNIT:
            return next((unit for unit in map(unit_of, args) if unit), None)
        case Call(function="rate" | "irate" | "deriv", args=(inner,)):
            return Unit.BYTES_PER_SECOND if unit_of(inner) is Unit.BYTES else None
        case Binary():
            return _binary(expr)
    return None


def _histogram(expr: Expr) -> Told | None:
    """A quantile has the unit of the observations, which stands before `_bucket`."""
    match expr:
        case VectorSelector(name=str() as name):
            return unit_of(VectorSelector(name.removesuffix("_bucket")))
        case Paren(expr=inner) | Aggregation(expr=inner) | MatrixSelector(selector=inner) | Subquery(expr=inner):
            return _histogram(inner)
        case Call(args=(inner, *_)):
            return _histogram(inner)
    return None


def _binary(node: Binary) -> Told | None:
    left, right = unit_of(node.lhs), unit_of(node.rhs)
    if node.op in COMPARISONS or node.op in ("and", "unless"):
        return None if node.returns_bool else right if constant(node.lhs) is not None else left
    if node.op in ("*", "/"):
        return _scaled(node, left, right)
    if node.op in ("+", "-", "or"):
        if constant(node.lhs) is not None or constant(node.rhs) is not None:
            return left or right
        return left if left == right else None
    return None


def _scaled(node: Binary, left: Told | None, right: Told | None) -> Told | None:
    factor, other = constant(node.rhs), constant(node.lhs)
    if factor is not None:
        by = factor if node.op == "*" else 1 / factor if factor else 0
        return left if by == 1 else _SCALED.get((left, by)) if left else None
    if other is not None and node.op == "*":
        return right if other == 1 else _SCALED.get((right, other)) if right else None
    if node.op == "/":
        return Unit.RATIO if (left is not None and left == right) or is_share(node) else None
    return None
