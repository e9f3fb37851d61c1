"""Which expressions can be evaluated: known before any sample is read."""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.diagnostics import Problem
from tocsin.engine.aggregate import OPERATORS
from tocsin.engine.arithmetic import ARITHMETIC, COMPARISON
from tocsin.engine.tile import unsupported, value_of
from tocsin.functions.registry import FUNCTIONS
from tocsin.promql.ast import SET_OPERATORS, TRIMS, Aggregation, Binary, Call, Expr, ValueType, value_type, walk
from tocsin.registry import suggest


def refusals(expr: Expr) -> Iterator[Problem]:
    """What in an expression cannot be evaluated, one problem for each part (`promql/unsupported`)."""
    for node in walk(expr):
        what = _unknown(node)
        if what:
            yield unsupported(node, what).problem


def _unknown(node: Expr) -> str:
    match node:
        case Call(function=name) if name not in FUNCTIONS:
            return f"the function `{name}`; {suggest(name, FUNCTIONS)}"
        case Call(function=name, args=args) if not FUNCTIONS[name].accepts(tuple(map(value_type, args))):
            return f"`{name}` with these arguments"
        case Aggregation(op=op) if op not in OPERATORS:
            return f"the aggregation `{op}`"
        case Binary(op=op) if op not in ARITHMETIC.keys() | COMPARISON.keys() | SET_OPERATORS | TRIMS:
            return f"the operator `{op}`"
        case Binary(op=op, lhs=lhs, rhs=rhs, matching=matching) if matching.fills:
            if op in SET_OPERATORS or {value_type(lhs), value_type(rhs)} != {ValueType.VECTOR}:
                return "the modifier `fill`, which is one of arithmetic and comparisons between vectors,"
    known = value_of.dispatch(type(node)) is not value_of.dispatch(object)
    return "" if known else f"an expression of kind `{type(node).__name__}`"
