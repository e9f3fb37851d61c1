"""The least and the greatest value that an expression can have, as far as its form tells.

Interval arithmetic over the expression: a rate is never negative, `up` is 0 or 1, a share of a metric's own series
lies between 0 and 1. NaN is left out: no comparison accepts it but `!=`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, inf, isnan, sqrt

from tocsin.lint.memo import once, walked
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
    ValueType,
    VectorSelector,
    value_type,
)
from tocsin.promql.compare import constant
from tocsin.promql.match import matchers_of


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends belong to it; where `low` is above `high`, no value does."""

    low: float
    high: float

    def __and__(self, other: Interval) -> Interval:
        return Interval(max(self.low, other.low), min(self.high, other.high))

    def __or__(self, other: Interval) -> Interval:
        return Interval(min(self.low, other.low), max(self.high, other.high))

    @property
    def single(self) -> bool:
        """Whether there is only one value."""
        return self.low == self.high


ANY = Interval(-inf, inf)
POSITIVE = Interval(0, inf)
SHARE = Interval(0, 1)
ONE = Interval(1, 1)

_CALLS = {
    **dict.fromkeys("changes resets abs stddev_over_time".split(), POSITIVE),
    **dict.fromkeys("stdvar_over_time sqrt histogram_count mad_over_time exp acos".split(), POSITIVE),
    **dict.fromkeys("histogram_stddev histogram_stdvar time".split(), POSITIVE),
    **dict.fromkeys("absent absent_over_time present_over_time".split(), ONE),
    **dict.fromkeys("sgn sin cos tanh".split(), Interval(-1, 1)),
    "acosh": POSITIVE,
    "cosh": Interval(1, inf),
    "count_over_time": Interval(1, inf),  # a window without samples has no result
    "histogram_fraction": SHARE,
    "minute": Interval(0, 59),
    "hour": Interval(0, 23),
    "day_of_week": Interval(0, 6),
    "day_of_month": Interval(1, 31),
    "day_of_year": Interval(1, 366),
    "days_in_month": Interval(28, 31),
    "month": Interval(1, 12),
}
_SAME_RANGE = frozenset(
    "avg_over_time min_over_time max_over_time last_over_time first_over_time "
    "label_replace label_join sort sort_desc sort_by_label sort_by_label_desc scalar vector".split()
)
_COUNTERS = ("_total", "_count", "_bucket")
_BOOLEANS = ("up", "probe_success")


@once
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
        case VectorSelector(name=name):
            return _metric(name or "")
        case Call():
            return _call(expr)
        case Aggregation():
            return _aggregation(expr)
        case Binary():
            return _binary(expr)
    return ANY


def _metric(name: str) -> Interval:
    if name in _BOOLEANS:
        return SHARE
    return POSITIVE if name.endswith(_COUNTERS) else ANY


def _call(call: Call) -> Interval:
    known = _CALLS.get(call.function)
    if known is not None:
        return known
    inside = bounds(call.args[0]) if call.args else ANY
    if call.function in _SAME_RANGE:
        return inside
    match call.function:
        case "rate" | "increase" | "irate":
            # Of what is scraped, a counter is meant.
            return POSITIVE if isinstance(call.args[0], MatrixSelector) or inside.low >= 0 else ANY
        case "sum_over_time":
            return POSITIVE if inside.low >= 0 else ANY
        case "quantile_over_time":
            return _quantile(call.args[0], bounds(call.args[1]))
        case "floor":
            return Interval(_whole(floor, inside.low), _whole(floor, inside.high))
        case "ceil":
            return Interval(_whole(ceil, inside.low), _whole(ceil, inside.high))
        case "round" if len(call.args) == 1:
            return Interval(_whole(floor, inside.low), _whole(ceil, inside.high))
        case "clamp" | "clamp_min" | "clamp_max":
            return _clamped(call, inside)
    return ANY


def _whole(rounded: object, value: float) -> float:
    assert callable(rounded)
    return value if value in (inf, -inf) else float(rounded(value))


def _clamped(call: Call, inside: Interval) -> Interval:
    """`clamp(v, min, max)`: the lesser of `max` and the greater of `min` and the value."""
    limits = [bounds(arg) for arg in call.args[1:]]
    low = Interval(-inf, -inf) if call.function == "clamp_max" else limits[0]
    high = Interval(inf, inf) if call.function == "clamp_min" else limits[-1]
    raised = Interval(max(inside.low, low.low), max(inside.high, low.high))
    return Interval(min(raised.low, high.low), min(raised.high, high.high))


def _quantile(q: Expr, inside: Interval) -> Interval:
    """Outside of 0 to 1, a quantile is infinite."""
    known = constant(q)
    return inside if known is not None and 0 <= known <= 1 else ANY


def _aggregation(node: Aggregation) -> Interval:
    inside = bounds(node.expr)
    match node.op:
        case "min" | "max" | "avg" | "topk" | "bottomk" | "limitk" | "limit_ratio":
            return inside
        case "quantile":
            return _quantile(node.param, inside) if node.param is not None else ANY
        case "sum":
            return POSITIVE if inside.low >= 0 else Interval(-inf, 0) if inside.high <= 0 else ANY
        case "count" | "count_values":
            return Interval(1, inf)
        case "group":
            return ONE
        case "stddev" | "stdvar":
            return POSITIVE
    return ANY


def _binary(node: Binary) -> Interval:
    left, right = bounds(node.lhs), bounds(node.rhs)
    if node.op in COMPARISONS:
        return SHARE if node.returns_bool else _filtered(node, left, right)
    match node.op:
        case "and" | "unless":
            return left
        case "or":
            return left | right
        case "+":
            return _sum(left, right)
        case "-":
            return _sum(left, Interval(-right.high, -right.low))
        case "*":
            return _hull(_product(a, b) for a in (left.low, left.high) for b in (right.low, right.high))
        case "/" if is_share(node):
            return SHARE
        case "/":
            return _quotient(left, right)
        case "%" if right.single and right.low not in (inf, -inf):
            # The remainder has the sign of the dividend (Go's math.Mod).
            size = abs(right.low)
            return Interval(0 if left.low >= 0 else -size, 0 if left.high <= 0 else size)
        case "^" if right == Interval(2, 2):
            return POSITIVE
        case "^" if right == Interval(0.5, 0.5):
            return Interval(sqrt(max(left.low, 0)), inf if left.high == inf else sqrt(max(left.high, 0)))
    return ANY


def _sum(left: Interval, right: Interval) -> Interval:
    """An infinity less an infinity is no number, which bounds nothing."""
    low, high = left.low + right.low, left.high + right.high
    return Interval(-inf if isnan(low) else low, inf if isnan(high) else high)


def _quotient(left: Interval, right: Interval) -> Interval:
    if right.low >= 0 and left.low >= 0:
        low = 0.0 if right.high == inf else left.low / right.high if right.high else 0.0
        return Interval(low, left.high / right.low if right.low > 0 and left.high < inf else inf)
    if right.single and right.low not in (0, inf, -inf):
        return _hull((left.low / right.low, left.high / right.low))
    return ANY


_MIRRORED = {">": "<", "<": ">", ">=": "<=", "<=": ">="}


def _filtered(node: Binary, left: Interval, right: Interval) -> Interval:
    """What a filter leaves of its left side, or of the right one where the left is a scalar."""
    op, value, limit = node.op, left, right
    if value_type(node.lhs) is ValueType.SCALAR:
        op, value, limit = _MIRRORED.get(op, op), right, left
    if op in (">", ">="):
        return Interval(max(value.low, limit.low), value.high)
    if op in ("<", "<="):
        return Interval(value.low, min(value.high, limit.high))
    return value & limit if op == "==" else value


def _product(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else a * b


def _hull(values: Iterable[float]) -> Interval:
    found = list(values)
    return Interval(min(found), max(found))


# --- a part over its whole --------------------------------------------------------------------------------------------


def is_share(node: Binary) -> bool:
    """Whether a quotient is a part over its whole: the same metric and form, with more matchers above than below."""
    part, whole = _parts(node.lhs), _parts(node.rhs)
    if part is None or whole is None or node.matching.cardinality == "one-to-many":
        return False
    counted = (*part.ops, *whole.ops) == ("sum", "count") and bounds(_summed(node.lhs)).high <= 1
    if part.windows != whole.windows or not (part.ops == whole.ops or counted):
        return False
    positive = bounds(node.lhs).low >= 0 and bounds(node.rhs).low >= 0
    return positive and all(_within(one, other) for one in part.selectors for other in whole.selectors)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What an expression that only adds up is made from."""

    selectors: tuple[VectorSelector, ...]
    windows: frozenset[int]
    ops: frozenset[str]


@once
def _parts(expr: Expr) -> _Parts | None:
    """None where a part of the series may give more than a part of the value, or there are no series."""
    nodes = list(walked(expr))
    selectors = tuple(node for node in nodes if isinstance(node, VectorSelector))
    if not selectors or not all(map(_adds_up, nodes)):
        return None
    windows = frozenset(node.range for node in nodes if isinstance(node, MatrixSelector))
    return _Parts(selectors, windows, frozenset(node.op for node in nodes if isinstance(node, Aggregation)))


def _adds_up(node: Expr) -> bool:
    match node:
        case VectorSelector() | MatrixSelector() | Paren() | Number():
            return True
        case Call(function="rate" | "increase") | Aggregation(op="sum" | "count") | Binary(op="or"):
            return True
        case Call(function="vector", args=(Number(value=0.0),)) | Binary(op="*", lhs=Number(value=0.0)):
            return True
        case Binary(op=">" | ">=", returns_bool=False):
            return constant(node.rhs) is not None
    return False


def _summed(expr: Expr) -> Expr:
    """What the first sum in an expression adds up."""
    return next((node.expr for node in walked(expr) if isinstance(node, Aggregation)), expr)


def _within(part: VectorSelector, whole: VectorSelector) -> bool:
    same = part.offset == whole.offset and part.at == whole.at
    return same and set(matchers_of(whole)) <= set(matchers_of(part)) and bool(whole.name)
