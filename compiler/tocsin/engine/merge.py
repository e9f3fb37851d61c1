"""Rows with the same labels to one row: they may alternate over time, but not meet."""

from __future__ import annotations

import numpy as np

from tocsin.engine.tile import Tile
from tocsin.functions.values import Vector
from tocsin.labels import Labels
from tocsin.promql.ast import Expr
from tocsin.series import Offsets


def unique(vector: Vector, node: Expr, tile: Tile) -> Vector:
    """The vector with every label set once; where two of a set are present the node fails, as in Prometheus."""
    first: dict[Labels, int] = {}
    target = np.array([first.setdefault(labels, len(first)) for labels in vector.labels], dtype=np.int64)
    if len(first) == len(vector.labels):
        return vector
    shape = len(first), len(tile.times)
    count = np.zeros(shape, dtype=np.int64)
    np.add.at(count, target, vector.present)
    tile.fail(node, np.any(count > 1, axis=0), "vector cannot contain metrics with the same labelset")
    values, rank = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    ranks = ranks_of(vector)
    for row, place in enumerate(target):
        here = vector.present[row]
        values[place, here] = vector.values[row, here]
        rank[place, here] = ranks[row, here]
    return Vector(tuple(first), values, count > 0, rank)


def ranks_of(vector: Vector) -> Offsets:
    """The rank of each row at each step, int64[S, T], where it is only implied too."""
    if vector.rank is not None:
        return vector.rank
    shape = vector.present.shape
    return np.broadcast_to(np.arange(shape[0], dtype=np.int64)[:, None], shape)
