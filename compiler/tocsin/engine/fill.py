"""The modifiers `fill`, `fill_left` and `fill_right`: series with a fixed value where a match is missing."""

from __future__ import annotations

import numpy as np

from tocsin.engine.merge import ranks_of
from tocsin.engine.native import padded
from tocsin.functions.values import Vector
from tocsin.labels import Labels
from tocsin.promql.ast import Matching

Keys = list[Labels]


def filled(
    many: Vector, one: Vector, many_keys: Keys, one_keys: Keys, matching: Matching
) -> tuple[Vector, Vector, Keys, Keys]:
    """Both sides, and their matching labels, with the series that are made up: these have no other labels.

    `fill_left` makes up the "many" side, also of `group_right`: Prometheus swaps the sides there, but not the values
    (promql/engine.go, `VectorBinop`).
    """
    more_many, more_one = many, one
    if matching.fill_right is not None:
        more_one = _with_missing(one, one_keys, many, many_keys, matching.fill_right)
    if matching.fill_left is not None:
        more_many = _with_missing(many, many_keys, one, one_keys, matching.fill_left)
    return (
        more_many,
        more_one,
        [*many_keys, *more_many.labels[len(many_keys) :]],
        [*one_keys, *more_one.labels[len(one_keys) :]],
    )


def _with_missing(side: Vector, keys: Keys, other: Vector, other_keys: Keys, value: float) -> Vector:
    """One side with a series for each key of the other, present where the other is and this side is not.

    They come after all others, in the order of the other side.
    """
    index = {key: k for k, key in enumerate(dict.fromkeys(other_keys))}
    needed = np.zeros((len(index), side.present.shape[1]), dtype=np.bool_)
    place = np.zeros(needed.shape, dtype=np.int64)
    ranks = ranks_of(other)
    for row, key in reversed(list(enumerate(other_keys))):
        here = other.present[row]
        needed[index[key]] |= here
        place[index[key], here] = ranks[row, here]
    for row, key in enumerate(keys):
        if key in index:
            needed[index[key]] &= ~side.present[row]
    after = int(ranks_of(side).max(initial=-1)) + 1
    return Vector(
        side.labels + tuple(index),
        np.concatenate([side.values, np.full(needed.shape, value)]),
        np.concatenate([side.present, needed]),
        np.concatenate([ranks_of(side), after + place]),
        histograms=padded(side.histograms, len(index)),
    )
