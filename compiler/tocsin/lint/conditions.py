"""What decides in an alert's expression: the ways in which it fires, and the windows that it looks over."""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.promql.ast import Aggregation, Binary, Call, Expr, MatrixSelector, Subquery, unwrap, walk
from tocsin.promql.compare import comparison


def branches(expr: Expr) -> Iterator[tuple[Expr, ...]]:
    """The ways in which an expression fires: each branch of an `or`, as the conjuncts that must all hold."""
    node = unwrap(expr)
    match node:
        case Binary(op="or", lhs=lhs, rhs=rhs):
            yield from branches(lhs)
            yield from branches(rhs)
        case Binary(op="and", lhs=lhs, rhs=rhs):
            for left in branches(lhs):
                for right in branches(rhs):
                    yield (*left, *right)
        case Binary(op="unless", lhs=lhs):
            yield from ((*left, node) for left in branches(lhs))
        case Aggregation(op="sum" | "max" | "min" | "avg" | "group" | "topk" | "bottomk", expr=inner) if _filters(
            inner
        ):
            yield from branches(inner)
        case _:
            yield (node,)


def _filters(expr: Expr) -> bool:
    return comparison(expr) is not None


def windows(expr: Expr) -> Iterator[MatrixSelector | Subquery]:
    """Every range that an expression reads."""
    return (node for node in walk(expr) if isinstance(node, MatrixSelector | Subquery))


def smoothing(expr: Expr) -> int:
    """The longest window that an expression looks over, in milliseconds; 0 for an instant value."""
    return max((node.range for node in windows(expr)), default=0)


COUNTING = frozenset({"rate", "increase", "irate", "changes", "resets", "delta", "idelta"})
"""Functions that count events in a window (a rate per second)."""


def counts_events(expr: Expr) -> bool:
    """Whether an expression is made from counted events."""
    return any(isinstance(node, Call) and node.function in COUNTING | {"count_over_time"} for node in walk(expr))
