"""A second evaluator of PromQL, to compare the engine with: loops over one step at a time, slow and easy to read.

Written from the documented algorithms (Prometheus promql/engine.go, functions.go, quantile.go), not from the kernels.
A vector is a list of (labels, value) in Prometheus's order, a range vector a list of (labels, [(time, value)]).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from tests.oracle_numbers import (
    EACH,
    Samples,
    average,
    bucket_quantile,
    divide,
    extreme,
    kahan,
    old_average,
    over_range,
    quantile,
)

from tocsin.labels import NAME, Labels, drop, from_mapping, get, keep
from tocsin.promql.ast import (
    Aggregation,
    Binary,
    Call,
    Expr,
    MatrixSelector,
    Number,
    Paren,
    String,
    Subquery,
    Unary,
    VectorSelector,
    unwrap,
)
from tocsin.promql.match import matchers_of, matches
from tocsin.series import STALE_BITS

Data: TypeAlias = Mapping[Labels, Samples]
InstantVector: TypeAlias = list[tuple[Labels, float]]


class EvaluationFailed(Exception):  # noqa: N818
    """The evaluation fails at this step."""


@dataclass(frozen=True)
class Range:
    """A range vector, and the edges of its window."""

    series: list[tuple[Labels, Samples]]
    start: int
    end: int


@dataclass(frozen=True)
class Query:
    """One instant query, or one step of a subquery in it; `top` is the time of the query."""

    data: Data
    time: int
    compat: int
    top: int
    lookback: int = 300_000
    interval: int = 60_000


def instant(expr: Expr, data: Data, time: int, compat: int, lookback: int = 300_000) -> InstantVector | float:
    """Evaluate at one time; raises EvaluationFailed."""
    value = evaluate(expr, Query(data, time, compat, time, lookback))
    assert isinstance(value, list | float)
    return value


def is_stale(value: float) -> bool:
    return int(np.float64(value).view(np.uint64)) == STALE_BITS


def evaluate(expr: Expr, query: Query):  # type: ignore[no-untyped-def]
    match expr:
        case Number():
            return float(expr.value)
        case String():
            return expr.value
        case Paren():
            return evaluate(expr.expr, query)
        case Unary():
            value = evaluate(expr.expr, query)
            return -value if isinstance(value, float) else checked([(nameless(m), -v) for m, v in value])
        case VectorSelector():
            return [(labels, value) for labels, (_time, value) in selected(expr, query)]
        case MatrixSelector():
            return matrix(expr, query)
        case Subquery():
            return subquery(expr, query)
        case Call():
            return call(expr, query)
        case Aggregation():
            return aggregate(expr, query)
        case Binary():
            return binary(expr, query)
    raise TypeError(expr)


def nameless(labels: Labels) -> Labels:
    return drop(labels, (NAME,))


def checked(vector: InstantVector) -> InstantVector:
    if len({labels for labels, _value in vector}) < len(vector):
        raise EvaluationFailed("same labelset")
    return vector


def reference(expr: VectorSelector | Subquery, query: Query) -> int:
    at = query.time if expr.at is None else query.top if isinstance(expr.at, str) else expr.at
    return at - expr.offset


def selected(expr: VectorSelector, query: Query) -> list[tuple[Labels, tuple[int, float]]]:
    at = reference(expr, query)
    found = []
    for labels in sorted(query.data):
        past = [sample for sample in query.data[labels] if sample[0] <= at]
        if not matches(matchers_of(expr), labels) or not past:
            continue
        age = at - past[-1][0]
        fresh = age <= query.lookback if query.compat == 2 else age < query.lookback
        if fresh and not is_stale(past[-1][1]):
            found.append((labels, past[-1]))
    return found


def inside(time: int, start: int, end: int, compat: int) -> bool:
    return (start <= time if compat == 2 else start < time) and time <= end


def matrix(expr: MatrixSelector, query: Query) -> Range:
    end = reference(expr.selector, query)
    start = end - expr.range
    series = []
    for labels in sorted(query.data):
        if matches(matchers_of(expr.selector), labels):
            kept = [(t, v) for t, v in query.data[labels] if inside(t, start, end, query.compat) and not is_stale(v)]
            if kept:
                series.append((labels, kept))
    return Range(series, start, end)


def subquery(expr: Subquery, query: Query) -> Range:
    end = reference(expr, query)
    start = end - expr.range
    step = expr.step if expr.step is not None else query.interval
    series: dict[Labels, Samples] = {}
    for k in range(start // step - 1, end // step + 1):
        if inside(k * step, start, end, query.compat):
            for labels, value in evaluate(expr.expr, replace(query, time=k * step)):
                series.setdefault(labels, []).append((k * step, value))
    return Range(sorted(series.items()), start, end)


def signed(value: float) -> tuple[float, float]:
    """Orders -0 before +0."""
    return value, math.copysign(1.0, value)


def absent_labels(expr: Expr) -> Labels:
    expr = unwrap(expr)
    selector = expr.selector if isinstance(expr, MatrixSelector) else expr
    if not isinstance(selector, VectorSelector):
        return ()
    names = [matcher.label for matcher in selector.matchers]
    once = [m for m in selector.matchers if m.op == "=" and names.count(m.label) == 1]
    return from_mapping({matcher.label: matcher.value for matcher in once})


def call(expr: Call, query: Query):  # type: ignore[no-untyped-def]
    name = expr.function
    if name == "timestamp" and isinstance(plain := unwrap(expr.args[0]), VectorSelector):
        return checked([(nameless(labels), time / 1000) for labels, (time, _v) in selected(plain, query)])
    args = [evaluate(arg, query) for arg in expr.args]
    window = next((arg for arg in args if isinstance(arg, Range)), None)
    if name in ("absent", "absent_over_time"):
        there = window.series if window else args[0]
        return [] if there else [(absent_labels(expr.args[0]), 1.0)]
    if window is not None:
        numbers = [arg for arg in args if isinstance(arg, float)]
        keeps = name in ("last_over_time", "first_over_time")
        results = [
            (
                m if keeps else nameless(m),
                over_range(name, points, (window.start, window.end), query.time, query.compat, numbers),
            )
            for m, points in window.series
        ]
        return checked([(labels, value) for labels, value in results if value is not None])
    match name, args:
        case "timestamp", [vector]:
            return checked([(nameless(m), query.time / 1000) for m, _v in vector])
        case "time", []:
            return query.time / 1000
        case "vector", [value]:
            return [((), value)]
        case "scalar", [vector]:
            return vector[0][1] if len(vector) == 1 else math.nan
        case "histogram_quantile", [q, vector]:
            groups: dict[Labels, list[tuple[float, float]]] = {}
            for m, value in vector:
                if get(m, "le"):
                    groups.setdefault(drop(m, ("le",)), []).append((float(get(m, "le")), value))
            return checked([(nameless(m), bucket_quantile(q, b, query.compat)) for m, b in groups.items()])
        case (("sort" | "sort_desc"), [vector]):
            sign = 1 if name == "sort" else -1
            return sorted(vector, key=lambda item: (math.isnan(item[1]), sign * item[1]))
        case "clamp_min", [vector, low]:
            return checked([(nameless(m), math.nan if math.isnan(v) else max(low, v, key=signed)) for m, v in vector])
        case "clamp_max", [vector, high]:
            return checked([(nameless(m), math.nan if math.isnan(v) else min(high, v, key=signed)) for m, v in vector])
        case "round", [vector, *rest]:
            inverse = 1.0 / (rest[0] if rest else 1.0)
            return checked([(nameless(m), float(np.floor(v * inverse + 0.5)) / inverse) for m, v in vector])
    return checked([(nameless(m), EACH[name](v)) for m, v in args[0]])


# --- operators -------------------------------------------------------------------------------------------------------


def aggregate(expr: Aggregation, query: Query) -> InstantVector:
    vector = evaluate(expr.expr, query)
    param: float = evaluate(expr.param, query) if expr.param is not None else math.nan
    groups: dict[Labels, InstantVector] = {}
    for labels, value in vector:
        key = drop(labels, (*expr.grouping, NAME)) if expr.without else keep(labels, expr.grouping)
        groups.setdefault(key, []).append((labels, value))
    if expr.op in ("topk", "bottomk"):
        sign = -1 if expr.op == "topk" else 1
        kept = []
        for members in groups.values():
            kept += sorted(members, key=lambda item: (math.isnan(item[1]), sign * item[1]))[: max(0, int(param))]
        return kept
    return [(key, combine(expr.op, [v for _m, v in members], param, query)) for key, members in groups.items()]


def combine(op: str, values: list[float], param: float, query: Query) -> float:
    if op == "sum":
        if query.compat == 2:
            total = values[0]
            for value in values[1:]:
                total += value
            return total
        total, error = kahan(values[1:], 3, values[0])
        return total + error
    if op in ("stdvar", "stddev"):
        mean, spread = values[0], 0.0 if query.compat == 2 or math.isfinite(values[0]) else math.nan
        for count, value in enumerate(values[1:], 2):
            delta = value - mean
            mean += delta / count
            spread += delta * (value - mean)
        return spread / len(values) if op == "stdvar" else float(np.sqrt(spread / len(values)))
    return {
        "avg": lambda: average(values) if query.compat == 3 else old_average(values, compensated=False),
        "min": lambda: extreme(values, float.__lt__),
        "max": lambda: extreme(values, float.__gt__),
        "count": lambda: float(len(values)),
        "group": lambda: 1.0,
        "quantile": lambda: quantile(param, values),
    }[op]()


OPERATORS: dict[str, Callable[[float, float], float | bool]] = {
    "+": float.__add__,
    "-": float.__sub__,
    "*": float.__mul__,
    "/": divide,
    "%": lambda a, b: float(np.fmod(a, b)),
    "==": float.__eq__,
    "!=": float.__ne__,
    ">": float.__gt__,
    "<": float.__lt__,
    ">=": float.__ge__,
    "<=": float.__le__,
}


def operate(expr: Binary, a: float, b: float, kept: float) -> float | None:
    """The value of one pair, None where a comparison filters it out; `kept` is what a comparison keeps."""
    result = OPERATORS[expr.op](a, b)
    if isinstance(result, bool):
        return float(result) if expr.returns_bool else kept if result else None
    return result


def binary(expr: Binary, query: Query):  # type: ignore[no-untyped-def]
    lhs, rhs = evaluate(expr.lhs, query), evaluate(expr.rhs, query)
    if isinstance(lhs, float) and isinstance(rhs, float):
        return float(OPERATORS[expr.op](lhs, rhs))
    drops = expr.returns_bool or expr.op in ("+", "-", "*", "/", "%")
    if isinstance(lhs, float) or isinstance(rhs, float):
        results = [
            (m, operate(expr, v, rhs, v) if isinstance(lhs, list) else operate(expr, lhs, v, v))
            for m, v in (lhs if isinstance(lhs, list) else rhs)
        ]
        return checked([(nameless(m) if drops else m, v) for m, v in results if v is not None])

    def key(labels: Labels) -> Labels:
        names = expr.matching.labels
        return keep(labels, names) if expr.matching.on else drop(labels, (*names, NAME))

    left, right = {key(m) for m, _v in lhs}, {key(m) for m, _v in rhs}
    match expr.op:
        case "and":
            return [item for item in lhs if key(item[0]) in right]
        case "unless":
            return [item for item in lhs if key(item[0]) not in right]
        case "or":
            return checked(lhs + [item for item in rhs if key(item[0]) not in left])
    return joined(expr, lhs, rhs, key, drops, query) if (lhs and rhs) or expr.matching.fills else []


def joined(
    expr: Binary,
    lhs: InstantVector,
    rhs: InstantVector,
    key: Callable[[Labels], Labels],
    drops: bool,
    query: Query,
) -> InstantVector:
    swapped = expr.matching.cardinality == "one-to-many"
    many, one = (rhs, lhs) if swapped else (lhs, rhs)
    ones = {key(labels): (labels, value) for labels, value in one}
    if len(ones) < len(one):
        raise EvaluationFailed("duplicate series on the one side")
    if expr.matching.fill_left is not None:
        there = {key(labels) for labels, _value in many}
        many = many + [(key(labels), expr.matching.fill_left) for labels, _value in one if key(labels) not in there]
    out: InstantVector = []
    seen = set()
    for labels, value in many:
        if key(labels) not in ones:
            if expr.matching.fill_right is None:
                continue
            ones[key(labels)] = key(labels), expr.matching.fill_right
        other_labels, other = ones[key(labels)]
        a, b = (other, value) if swapped else (value, other)
        result = operate(expr, a, b, a)
        metric = dict(nameless(labels) if drops else labels)
        if expr.matching.cardinality == "one-to-one":
            names = expr.matching.labels
            metric = {k: v for k, v in metric.items() if (k in names) == expr.matching.on}
        metric |= {name: get(other_labels, name) for name in expr.matching.include}
        mark = (key(labels), None if expr.matching.cardinality == "one-to-one" else from_mapping(metric))
        if result is None and query.compat == 2:
            continue
        if mark in seen:
            raise EvaluationFailed("multiple matches")
        seen.add(mark)
        if result is not None:
            out.append((from_mapping(metric), result))
    return checked(out)
