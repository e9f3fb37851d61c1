"""The labels of an aggregation to the group of each series, and to the order of the groups at each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tocsin.engine.merge import ranks_of
from tocsin.functions.values import Vector
from tocsin.kernels import aggregate as kernels
from tocsin.labels import NAME, Labels, drop, keep
from tocsin.promql.ast import Aggregation
from tocsin.series import Mask, Offsets, Values


@dataclass(frozen=True, slots=True)
class Groups:
    """G label sets, the group of each series (int64[S]), and how many of each group are present (int64[G, T])."""

    labels: tuple[Labels, ...]
    of: Offsets
    count: Offsets

    def vector(self, values: Values, members: Vector) -> Vector:
        """One value per group, in the order in which Prometheus meets the groups."""
        vector = Vector(self.labels, values, self.count > 0, self._rank(members))
        if members.unnamed is None or not members.unnamed.any():
            return vector
        lost = np.zeros(self.count.shape, dtype=np.bool_)
        np.logical_or.at(lost, self.of[members.unnamed], members.present[members.unnamed])
        return _split(vector, lost)

    def _in_order(self, present: Mask) -> bool:
        """Whether the first series of each group is there whenever some series of it is: mostly, and soon seen."""
        first = np.unique(self.of, return_index=True)[1]
        return bool((present[first] | (self.count == 0)).all())

    def _rank(self, members: Vector) -> Offsets | None:
        """The place of the first present member, where that is not the order of the groups at every step."""
        if len(self.labels) < 2:
            return None
        place = np.empty_like(self.count)
        if members.rank is not None:
            after = members.rank.max(initial=-1) + 1
            place[:] = after
            np.minimum.at(place, self.of, np.where(members.present, members.rank, after))
            return place
        if self._in_order(members.present):
            return None
        kernels.first(members.present, self.of, place)
        met = np.maximum.accumulate(np.where(self.count > 0, place, -1), axis=0)
        in_order = (place[1:] > met[:-1]) | (self.count[1:] == 0)
        return None if in_order.all() else place


def _split(vector: Vector, lost: Mask) -> Vector:
    """Each row as two: what of it is to lose its name (bool[S, T]), and the rest.

    A group loses its name where one of its members does.
    """
    return Vector(
        vector.labels * 2,
        np.concatenate([vector.values] * 2),
        np.concatenate([vector.present & ~lost, vector.present & lost]),
        np.concatenate([ranks_of(vector)] * 2),
        np.repeat([False, True], len(vector.labels)),
    )


@lru_cache(maxsize=65536)
def group_labels(labels: Labels, grouping: tuple[str, ...], without: bool) -> Labels:
    return drop(labels, (*grouping, NAME)) if without else keep(labels, grouping)


def grouped(labels: Sequence[Labels], present: Mask, node: Aggregation) -> Groups:
    """Group series as `by` or `without` says; the groups stand in the order of their first series."""
    index: dict[Labels, int] = {}
    keys = [group_labels(one, node.grouping, node.without) for one in labels]
    of = np.array([index.setdefault(key, len(index)) for key in keys], dtype=np.int64)
    count = np.zeros((len(index), present.shape[1]), dtype=np.int64)
    kernels.count(present, of, count)
    return Groups(tuple(index), of, count)


Fold = Callable[[Values, Mask, Offsets, int], Values]
"""`fold(values[S, T], present[S, T], group[S], G)` gives float64[G, T], adding rows in their order."""


def folded(fold: Fold, vector: Vector, groups: Groups) -> Values:
    """Fold every group in the order of its members at each step."""
    if vector.rank is None:
        return fold(np.ascontiguousarray(vector.values), vector.present, groups.of, len(groups.labels))
    ranks = np.where(vector.present, ranks_of(vector), np.iinfo(np.int64).max)
    out = np.empty((len(groups.labels), vector.values.shape[1]))
    for g in range(len(groups.labels)):
        rows = groups.of == g
        order = np.argsort(ranks[rows], axis=0, kind="stable")
        values = np.take_along_axis(vector.values[rows], order, axis=0)
        present = np.take_along_axis(vector.present[rows], order, axis=0)
        out[g] = fold(values, present, np.zeros(len(order), dtype=np.int64), 1)[0]
    return out
