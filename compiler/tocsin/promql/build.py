"""Constructors for those who write PromQL: what they build prints as it was meant.

Durations are milliseconds. Where a place is known it is given by `dataclasses.replace(node, span=...)`.
"""

from __future__ import annotations

from dataclasses import replace

from tocsin.promql.ast import (
    COMPARISONS,
    SET_OPERATORS,
    WINDOW,
    Aggregation,
    At,
    Binary,
    Call,
    Cardinality,
    Expr,
    Matcher,
    Matching,
    MatrixSelector,
    Number,
    String,
    Subquery,
    VectorSelector,
    changed,
    transform,
    walk,
)
from tocsin.promql.names import AGGREGATIONS, FUNCTIONS, returns
from tocsin.promql.print import guarded


def number(value: float) -> Number:
    return Number(float(value))


def string(value: str) -> String:
    return String(value)


def selector(name: str, *matchers: Matcher) -> VectorSelector:
    return VectorSelector(name, matchers)


def narrowed(expr: Expr, *matchers: Matcher) -> Expr:
    """The expression with more matchers in each of its selectors, but for those of a `scalar`, which has no labels."""
    scalars = (node for node in walk(expr) if isinstance(node, Call) and node.function == "scalar")
    apart = {id(below) for node in scalars for below in walk(node)}

    def narrow(node: Expr) -> Expr:
        if not isinstance(node, VectorSelector) or id(node) in apart:
            return node
        return replace(node, matchers=(*node.matchers, *matchers))

    return transform(expr, narrow)


def over(expr: Expr, window: int, step: int | None = None) -> MatrixSelector | Subquery:
    """The range vector of the last `window` milliseconds: `x[5m]`, and of all but a selector a subquery."""
    if window <= 0:
        raise ValueError(f"a range of {window} ms")
    if isinstance(expr, VectorSelector) and step is None:
        return MatrixSelector(expr, window, span=expr.span)
    subquery = guarded(Subquery(expr, window, step, span=expr.span))
    assert isinstance(subquery, Subquery)
    return subquery


def smooth(expr: Expr, window: int | None) -> Expr:
    """The average over the window, and without one the expression itself."""
    return expr if window is None else call("avg_over_time", over(expr, window))


def call(function: str, *args: Expr) -> Call:
    """A function of PromQL; a name that there is not is a mistake in the program."""
    if function not in FUNCTIONS:
        raise ValueError(f"no function {function!r}")
    return Call(function, args, returns(function))


def aggregate(
    op: str, expr: Expr, by: tuple[str, ...] = (), *, param: Expr | None = None, without: bool = False
) -> Aggregation:
    """`op by (by) (param, expr)`."""
    if op not in AGGREGATIONS:
        raise ValueError(f"no aggregation {op!r}")
    return Aggregation(op, expr, param, by, without)


def binary(
    lhs: Expr,
    op: str,
    rhs: Expr,
    *,
    on: tuple[str, ...] | None = None,
    ignoring: tuple[str, ...] = (),
    group_left: tuple[str, ...] | None = None,
) -> Binary:
    """`lhs op on (...) group_left (...) rhs`, with parentheses around the sides that need them."""
    cardinality: Cardinality = "many-to-many" if op in SET_OPERATORS else "one-to-one"
    if group_left is not None:
        cardinality = "many-to-one"
    labels = ignoring if on is None else on
    matching = Matching(labels, on is not None, cardinality, group_left or ())
    whole = guarded(Binary(op, lhs, rhs, matching=matching))
    assert isinstance(whole, Binary)
    return whole


def compare(lhs: Expr, op: str, rhs: Expr) -> Binary:
    """A filter: what of `lhs` compares so with `rhs`."""
    if op not in COMPARISONS:
        raise ValueError(f"no comparison {op!r}")
    return binary(lhs, op, rhs)


def flag(lhs: Expr, op: str, rhs: Expr) -> Binary:
    """A comparison that gives 1 or 0: `lhs op bool rhs`."""
    return replace(compare(lhs, op, rhs), returns_bool=True)


def at(selector: VectorSelector, time: At) -> VectorSelector:
    """A selector at one time, whenever it is evaluated: `x @ end()`."""
    return replace(selector, at=time)


def with_window(expr: Expr, window: int) -> Expr:
    """The expression with `window` wherever `$window` was written."""

    def choose(node: Expr) -> Expr:
        changes = {
            name: window if value > 0 else -window
            for name in ("range", "step", "offset")
            if abs(value := getattr(node, name, None) or 0) == WINDOW
        }
        return changed(node, changes)

    return transform(expr, choose)
