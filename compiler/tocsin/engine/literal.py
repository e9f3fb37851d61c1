"""Numbers, strings, parentheses and the minus sign."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tocsin.engine.merge import unique
from tocsin.engine.native import negated
from tocsin.engine.tile import Tile, value_of
from tocsin.functions.values import Scalar, Value, Vector
from tocsin.promql.ast import Number, Paren, String, Unary


@value_of.register
def number(node: Number, tile: Tile) -> Scalar:
    return Scalar(np.full(len(tile.times), node.value))


@value_of.register
def string(node: String, _tile: Tile) -> str:
    return node.value


@value_of.register
def parenthesis(node: Paren, tile: Tile) -> Value:
    return tile.value(node.expr)


@value_of.register
def minus(node: Unary, tile: Tile) -> Value:
    value = tile.value(node.expr)
    if isinstance(value, Scalar):
        return Scalar(-value.values)
    assert isinstance(value, Vector)
    return unique(replace(value.with_values(-value.values), histograms=negated(value.histograms)), node, tile)
