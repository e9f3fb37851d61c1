"""The set operators: `and`, `or`, `unless`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tocsin.engine.matching import signature
from tocsin.engine.merge import ranks_of
from tocsin.engine.native import stacked
from tocsin.engine.tile import Tile
from tocsin.functions.values import Vector
from tocsin.labels import Labels
from tocsin.promql.ast import Binary
from tocsin.series import Mask


def combine_sets(node: Binary, lhs: Vector, rhs: Vector, _tile: Tile) -> Vector:
    left = [signature(labels, node.matching) for labels in lhs.labels]
    right = [signature(labels, node.matching) for labels in rhs.labels]
    if node.op == "and":
        return replace(lhs, present=lhs.present & _matched(left, right, rhs.present))
    if node.op == "unless":
        return replace(lhs, present=lhs.present & ~_matched(left, right, rhs.present))
    added = rhs.present & ~_matched(right, left, lhs.present)
    rank = None
    if lhs.rank is not None or rhs.rank is not None:
        after = ranks_of(lhs).max(initial=-1) + 1
        rank = np.concatenate([ranks_of(lhs), ranks_of(rhs) + after])
    return Vector(
        lhs.labels + rhs.labels,
        np.concatenate([lhs.values, rhs.values]),
        np.concatenate([lhs.present, added]),
        rank,
        None if lhs.unnamed is rhs.unnamed is None else np.concatenate([lhs.unnamed_rows, rhs.unnamed_rows]),
        stacked(lhs, rhs),
    )


def _matched(keys: Sequence[Labels], others: Sequence[Labels], present: Mask) -> Mask:
    """bool[S, T]: where, for each key, a row with the same key is present on the other side."""
    there: dict[Labels, Mask] = {}
    for row, key in enumerate(others):
        there[key] = there[key] | present[row] if key in there else present[row]
    nowhere = np.zeros(present.shape[1], dtype=np.bool_)
    return np.array([there.get(key, nowhere) for key in keys], dtype=np.bool_).reshape(len(keys), present.shape[1])
