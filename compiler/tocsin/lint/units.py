"""The unit of an expression, by the names of its metrics and what is done to them."""

from __future__ import annotations

from typing import Literal, TypeAlias

from tocsin.lint.bounds import is_share
from tocsin.promql.ast import (
    COMPARISONS,
    Aggregation,
    Binary,
    Call,
    Expr,
    MatrixSelector,
    Number,
    Paren,
    Unary,
    VectorSelector,
)
from tocsin.quantity import Unit

PERCENT: Literal["percent"] = "percent"
Told: TypeAlias = Unit | Literal["percent"]

_SUFFIXES: dict[str, Told] = {
    "_seconds": Unit.SECONDS,
    "_bytes": Unit.BYTES,
    "_ratio": Unit.RATIO,
    ":ratio": Unit.RATIO,
    "_percent": PERCENT,
    "_percentage": PERCENT,
    "_celsius": Unit.CELSIUS,
}
_SAME_UNIT = frozenset(
    "avg_over_time min_over_time max_over_time last_over_time sum_over_time quantile_over_time increase "
    "delta abs ceil floor round clamp clamp_min clamp_max sort sort_desc stddev_over_time predict_linear "
    "idelta".split()
)


def unit_of(expr: Expr) -> Told | None:
    """The unit that an expression's form tells, or None where it tells none."""
    match expr:
        case Paren(expr=inner) | Unary(expr=inner) | MatrixSelector(selector=inner):
            return unit_of(inner)
        case VectorSelector(name=str() as name):
            stem = name.removesuffix("_total").removesuffix("_sum")
            return next((unit for suffix, unit in _SUFFIXES.items() if stem.endswith(suffix)), None)
        case Aggregation(op="sum" | "avg" | "min" | "max" | "quantile" | "stddev" | "topk" | "bottomk", expr=inner):
            return unit_of(inner)
        case Call(function="histogram_quantile", args=(_, inner)):
            return _histogram(inner)
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
        case Paren(expr=inner) | Aggregation(expr=inner) | MatrixSelector(selector=inner):
            return _histogram(inner)
        case Call(args=(inner, *_)):
            return _histogram(inner)
    return None


def _binary(node: Binary) -> Told | None:
    left, right = unit_of(node.lhs), unit_of(node.rhs)
    if node.op in COMPARISONS or node.op in ("and", "unless"):
        return left if not node.returns_bool else None
    if node.op == "/":
        return Unit.RATIO if (left is not None and left == right) or is_share(node) else None
    if node.op in ("+", "-", "or"):
        if isinstance(node.lhs, Number) or isinstance(node.rhs, Number):
            return left or right
        return left if left == right else None
    return None
