"""Comparisons with a number, on whichever side it was written."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tocsin.promql.ast import COMPARISONS, Binary, Expr, Number, Unary, unwrap

_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
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
    """The value of an expression of numbers alone, such as `14.4 * 0.001`."""
    match unwrap(expr):
        case Number(value=value):
            return value
        case Unary(expr=inner):
            inside = constant(inner)
            return None if inside is None else -inside
        case Binary(op=op, lhs=lhs, rhs=rhs) if op in _ARITHMETIC:
            left, right = constant(lhs), constant(rhs)
            if left is None or right is None or (op == "/" and right == 0):
                return None
            return _ARITHMETIC[op](left, right)
    return None


def comparisons(exprs: Iterable[Expr]) -> list[Comparison]:
    """Those of some expressions that are comparisons with a number."""
    return [found for found in map(comparison, exprs) if found]


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
