"""The least and the greatest value that an expression can have, as far as its form tells.

Interval arithmetic over the expression: a rate is never negative, `up` is 0 or 1, a share of a metric's own series
lies between 0 and 1. NaN is left out: no comparison accepts it but `!=`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, isnan

from tocsin.lint.events import is_counter
from tocsin.promql.ast import (
    COMPARISONS,
    Aggregation,
    Binary,
    Call,
    Expr,
    MatrixSelector,
    Number,
    Paren,
    Subquery,
    Unary,
    VectorSelector,
    walk,
)
from tocsin.promql.match import matchers_of


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends belong to it."""

    low: float
    high: float


ANY = Interval(-inf, inf)
POSITIVE = Interval(0, inf)
SHARE = Interval(0, 1)

_NON_NEGATIVE = frozenset(
    "rate increase irate changes resets count_over_time abs stddev_over_time stdvar_over_time sqrt "
    "histogram_count mad_over_time".split()
)
_SAME_RANGE = frozenset(
    "avg_over_time min_over_time max_over_time last_over_time first_over_time quantile_over_time "
    "label_replace label_join sort sort_desc scalar ceil floor round".split()
)
_ONE = frozenset("absent absent_over_time present_over_time".split())


def bounds(expr: Expr) -> Interval:
    """The interval of an expression's values; `ANY` where nothing is known."""
    match expr:
        case Number(value=value):
            return ANY if isnan(value) else Interval(value, value)
        case Paren(expr=inner) | MatrixSelector(selector=inner) | Subquery(expr=inner):
            return bounds(inner)
        case Unary(expr=inner):
            inside = bounds(inner)
            return Interval(-inside.high, -inside.low)
        case VectorSelector():
            return SHARE if expr.name == "up" else POSITIVE if is_counter(expr) else ANY
        case Call():
            return _call(expr)
        case Aggregation():
            return _aggregation(expr)
        case Binary():
            return _binary(expr)
    return ANY


def _call(call: Call) -> Interval:
    if call.function in _ONE:
        return Interval(1, 1)
    if call.function == "vector":
        return bounds(call.args[0])
    if call.function in _NON_NEGATIVE:
        return POSITIVE
    if call.function == "sum_over_time":
        return POSITIVE if bounds(call.args[0]).low >= 0 else ANY
    vectors = [arg for arg in call.args if not isinstance(arg, Number)]
    return bounds(vectors[0]) if call.function in _SAME_RANGE and vectors else ANY


def _aggregation(node: Aggregation) -> Interval:
    inside = bounds(node.expr)
    match node.op:
        case "min" | "max" | "avg" | "topk" | "bottomk" | "quantile" | "limitk" | "limit_ratio":
            return inside
        case "sum":
            return POSITIVE if inside.low >= 0 else ANY
        case "count" | "count_values":
            return Interval(1, inf)
        case "group":
            return Interval(1, 1)
        case "stddev" | "stdvar":
            return POSITIVE
    return ANY


def _binary(node: Binary) -> Interval:
    left, right = bounds(node.lhs), bounds(node.rhs)
    if node.op in COMPARISONS:
        return SHARE if node.returns_bool else _filtered(node.op, left, right)
    match node.op:
        case "and" | "unless":
            return left
        case "or":
            return Interval(min(left.low, right.low), max(left.high, right.high))
        case "+":
            return Interval(left.low + right.low, left.high + right.high)
        case "-":
            return Interval(left.low - right.high, left.high - right.low)
        case "*":
            return _hull(_product(a, b) for a in (left.low, left.high) for b in (right.low, right.high))
        case "/" if is_share(node):
            return SHARE
        case "/" if left.low >= 0 and right.low >= 0:
            return _divided(left, right)
    return ANY


def _divided(left: Interval, right: Interval) -> Interval:
    low = 0.0 if right.high == inf else left.low / right.high if right.high else 0.0
    return Interval(low, left.high / right.low if right.low > 0 else inf)


def _filtered(op: str, left: Interval, right: Interval) -> Interval:
    """What a filter leaves of its left side (or of the right, where the left is a number)."""
    value, limit = (right, left) if left.low == left.high and right.low != right.high else (left, right)
    if value is right:
        op = {">": "<", "<": ">", ">=": "<=", "<=": ">="}.get(op, op)
    if op in (">", ">="):
        return Interval(max(value.low, limit.low), value.high)
    if op in ("<", "<="):
        return Interval(value.low, min(value.high, limit.high))
    return Interval(max(value.low, limit.low), min(value.high, limit.high)) if op == "==" else value


def _product(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else a * b


def _hull(values: Iterable[float]) -> Interval:
    found = list(values)
    return Interval(min(found), max(found))


def is_share(node: Binary) -> bool:
    """Whether a quotient is a part over its whole: the same metric and form, with more matchers above than below."""
    part, whole = _selectors(node.lhs), _selectors(node.rhs)
    if not part or not whole or not _additive(node.lhs) or not _additive(node.rhs):
        return False
    return all(_within(selector, other) for selector in part for other in whole)


def _selectors(expr: Expr) -> list[VectorSelector]:
    return [node for node in walk(expr) if isinstance(node, VectorSelector)]


def _within(part: VectorSelector, whole: VectorSelector) -> bool:
    return set(matchers_of(whole)) <= set(matchers_of(part)) and bool(whole.name)


def _additive(expr: Expr) -> bool:
    """Whether an expression only counts and adds up, so that a part of the series gives a part of the value."""
    return all(
        isinstance(node, VectorSelector | MatrixSelector | Paren | Number)
        or (isinstance(node, Call) and node.function in ("rate", "increase", "vector"))
        or (isinstance(node, Aggregation) and node.op in ("sum", "count"))
        or (isinstance(node, Binary) and (node.op == "or" or (node.op == ">" and isinstance(node.rhs, Number))))
        or (isinstance(node, Binary) and node.op == "*" and node.lhs == Number(0.0))
        for node in walk(expr)
    )
