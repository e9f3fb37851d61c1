"""Binary operators: scalars with scalars, vectors with scalars, and vectors with vectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tocsin.engine.arithmetic import ARITHMETIC, COMPARISON, combine, drops_name
from tocsin.engine.matching import join
from tocsin.engine.merge import unique
from tocsin.engine.native import combine_samples
from tocsin.engine.sets import combine_sets
from tocsin.engine.tile import Tile, unsupported, value_of
from tocsin.functions.values import Scalar, Value, Vector
from tocsin.promql.ast import SET_OPERATORS, TRIMS, Binary


@value_of.register
def binary(node: Binary, tile: Tile) -> Value:
    if node.op not in ARITHMETIC.keys() | COMPARISON.keys() | SET_OPERATORS | TRIMS:
        raise unsupported(node, f"the operator `{node.op}`")
    lhs, rhs = tile.value(node.lhs), tile.value(node.rhs)
    if isinstance(lhs, Scalar) and isinstance(rhs, Scalar):
        return Scalar(combine(node.op, lhs.values, rhs.values, returns_bool=True)[0])
    if isinstance(lhs, Vector) and isinstance(rhs, Vector):
        operate = combine_sets if node.op in SET_OPERATORS else join
        return unique(operate(node, lhs, rhs, tile), node, tile)
    return unique(_with_scalar(node, lhs, rhs, tile), node, tile)


def _with_scalar(node: Binary, lhs: Value, rhs: Value, tile: Tile) -> Vector:
    """A comparison keeps the value of the vector, on whichever side it stands."""
    vector = lhs if isinstance(lhs, Vector) else rhs
    assert isinstance(vector, Vector)
    assert isinstance(lhs, Vector | Scalar)
    assert isinstance(rhs, Vector | Scalar)
    left, right = ((one.values, one.histograms if isinstance(one, Vector) else None) for one in (lhs, rhs))
    values, kept, histograms = combine_samples(node.op, left, right, node.returns_bool, vector.present)
    if kept is not None:
        vector = replace(vector, present=np.logical_and(vector.present, kept, out=kept))
    if node.op in COMPARISON and not node.returns_bool:
        values = vector.values
    if drops_name(node.op, node.returns_bool, tile.semantics.compat):
        vector = vector.without_name()
    return replace(vector, values=np.ascontiguousarray(values), histograms=histograms)
