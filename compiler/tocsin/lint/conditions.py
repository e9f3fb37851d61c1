"""What an alert's expression compares: the comparisons that decide, and the guards beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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
    unwrap,
    walk,
)

_MIRRORED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}


@dataclass(frozen=True, slots=True)
class Comparison:
    """`value op threshold`, whichever side the number was written on."""

    value: Expr
    op: str
    threshold: float
    node: Binary
    literal: Expr


def constant(expr: Expr) -> float | None:
    """The value of an expression of numbers alone."""
    match expr:
        case Number(value=value):
            return value
        case Paren(expr=inner):
            return constant(inner)
        case Unary(expr=inner):
            value_ = constant(inner)
            return None if value_ is None else -value_
        case Binary(op="+" | "-" | "*" | "/" as op, lhs=lhs, rhs=rhs):
            return _arithmetic(op, constant(lhs), constant(rhs))
    return None


def _arithmetic(op: str, left: float | None, right: float | None) -> float | None:
    if left is None or right is None or (op == "/" and right == 0):
        return None
    return {"+": left + right, "-": left - right, "*": left * right}.get(op) if op != "/" else left / right


def comparison(expr: Expr) -> Comparison | None:
    """The expression as a comparison with a number, if it is one (a filter, not `bool`)."""
    node = unwrap(expr)
    if not isinstance(node, Binary) or node.op not in COMPARISONS or node.returns_bool:
        return None
    left, right = constant(node.lhs), constant(node.rhs)
    if right is not None and left is None:
        return Comparison(unwrap(node.lhs), node.op, right, node, node.rhs)
    if left is not None and right is None:
        return Comparison(unwrap(node.rhs), _MIRRORED[node.op], left, node, node.lhs)
    return None


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
