"""What decides in an alert's expression: the ways in which it fires, and the windows that it looks over."""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.lint.memo import walked
from tocsin.promql.ast import Aggregation, Binary, Call, Expr, MatrixSelector, Subquery, children, unwrap
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
    return (node for node in walked(expr) if isinstance(node, MatrixSelector | Subquery))


def smoothing(expr: Expr) -> int:
    """The longest window that an expression looks over, in milliseconds; 0 for an instant value."""
    return max((node.range for node in windows(expr)), default=0)


def looks(expr: Expr) -> Iterator[tuple[int, bool]]:
    """Every window that a condition rests on, in milliseconds, and whether one sample decides for all of it."""
    for conjunct in (one for conjuncts in branches(expr) for one in conjuncts):
        found = comparison(conjunct)
        yield from _looks(found.value if found else conjunct, found.op if found else "")


_LATEST = frozenset({"irate", "idelta", "last_over_time"})
"""Functions of the last sample or two, however long the range."""

_EXTREMES = {"max_over_time": ">", "min_over_time": "<"}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _looks(expr: Expr, op: str) -> Iterator[tuple[int, bool]]:
    node = unwrap(expr)
    match node:
        case MatrixSelector() | Subquery():
            yield node.range, False
        case Call(function=function, args=(MatrixSelector() as read,)) if function in _LATEST:
            yield min(1, read.range), True
        case Call(function=function, args=(MatrixSelector() as read,)) if op.startswith(_EXTREMES.get(function, "?")):
            yield read.range, True
        case Call(function=function, args=(Subquery(expr=inner),)) if function in _LATEST | _EXTREMES.keys():
            yield from _looks(inner, op)
        case Binary(op="-" | "/", lhs=lhs, rhs=rhs):
            yield from _looks(lhs, op)
            yield from _looks(rhs, _TURNED.get(op, op))
        case _:
            for child in children(node):
                yield from _looks(child, op)


COUNTING = frozenset({"rate", "increase", "irate", "changes", "resets", "delta", "idelta"})
"""Functions that count events in a window (a rate per second)."""


def counts_events(expr: Expr) -> bool:
    """Whether an expression is made from counted events."""
    return any(isinstance(node, Call) and node.function in COUNTING | {"count_over_time"} for node in walked(expr))
