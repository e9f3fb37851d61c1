"""An expression to the labels that its aggregations leave: the groups that it has a value for."""

from __future__ import annotations

from tocsin.promql.ast import Aggregation, Binary, Call, Expr, Subquery, Unary, ValueType, unwrap, value_type

_CHOOSE = ("topk", "bottomk", "limitk", "limit_ratio")
"""Aggregations that pass series on as they are."""


def groups(expr: Expr) -> frozenset[str] | None:
    """The labels; None where series stand as they are, or labels are written anew.

    >>> from tocsin.diagnostics import Text
    >>> from tocsin.promql.parse import parse
    >>> sorted(groups(parse(Text.of("sum by (zone, job) (rate(x[5m])) * 60"))))
    ['job', 'zone']
    >>> groups(parse(Text.of("sum(x) or y")))
    """
    match unwrap(expr):
        case Aggregation(op=op, expr=inner) if op in _CHOOSE:
            return groups(inner)
        case Aggregation(without=True, grouping=dropped, expr=inner):
            left = groups(inner)
            return None if left is None else left - set(dropped)
        case Aggregation(op=op, grouping=kept) if op != "count_values":
            return frozenset(kept)
        case Binary() as node:
            return _of_sides(node)
        case Unary(expr=inner) | Subquery(expr=inner):
            return groups(inner)
        case Call(function="label_replace" | "label_join"):
            return None
        case Call(args=args):
            vectors = [arg for arg in args if value_type(arg) in (ValueType.VECTOR, ValueType.MATRIX)]
            return groups(vectors[0]) if vectors else frozenset()
        case other:
            return frozenset() if value_type(other) is ValueType.SCALAR else None


def _of_sides(node: Binary) -> frozenset[str] | None:
    vectors = [side for side in (node.lhs, node.rhs) if value_type(side) is ValueType.VECTOR]
    if len(vectors) < 2:
        return groups(vectors[0]) if vectors else frozenset()
    left, right = map(groups, vectors)
    matching = node.matching
    if node.op == "or":
        return left if left == right else None
    if matching.cardinality == "one-to-one" and matching.on:
        return frozenset(matching.labels)
    many = right if matching.cardinality == "one-to-many" else left
    if many is None:
        return None
    dropped = matching.labels if matching.cardinality == "one-to-one" else ()
    return (many - set(dropped)) | set(matching.include)
