"""Rows with the same labels to one row: they may alternate over time, but not meet."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np

from tocsin.diagnostics import Problem
from tocsin.engine.semantics import Failure
from tocsin.engine.tile import Outcome, Tile, span_of, unsupported
from tocsin.functions.values import Vector, Windows, without_name
from tocsin.labels import Labels
from tocsin.promql.ast import Expr
from tocsin.series import Mask, Offsets

SAME = "vector cannot contain metrics with the same labelset"


def unique(vector: Vector, node: Expr, tile: Tile) -> Vector:
    """The vector with every label set once; where two of a set are present the node fails, as in Prometheus.

    Names that are to go are gone afterwards, unless they are delayed.
    """
    if not tile.semantics.delayed_names:
        vector = _stripped(vector)
    merged, clashes = _merged(vector)
    tile.fail(node, clashes, SAME)
    return merged


def outcome_of(node: Expr, tile: Tile) -> Outcome:
    """The outcome of a whole expression: without the names that were to go (Prometheus `cleanupMetricLabels`)."""
    outcome = tile.outcome(node)
    value = outcome.value
    if not isinstance(value, Vector | Windows) or value.unnamed is None:
        return outcome
    labels = _without_names(value.labels, value.unnamed)
    if isinstance(value, Windows):
        if len(set(labels)) < len(labels):
            raise unsupported(node, "a range vector whose series have the same labels once their names are dropped")
        return replace(outcome, value=replace(value, labels=labels, unnamed=None))
    merged, clashes = _merged(_stripped(value))
    failures = (Failure(clashes, Problem("promql/execution", SAME, span_of(node))),) if clashes.any() else ()
    return Outcome(merged, (*outcome.failures, *failures))


def _without_names(labels: Sequence[Labels], unnamed: Mask) -> tuple[Labels, ...]:
    return tuple(without_name(one) if gone else one for one, gone in zip(labels, unnamed.tolist(), strict=True))


def _stripped(vector: Vector) -> Vector:
    """Without the names that are to go."""
    if vector.unnamed is None:
        return vector
    return replace(vector, labels=_without_names(vector.labels, vector.unnamed), unnamed=None)


def _merged(vector: Vector) -> tuple[Vector, Mask]:
    """One row for each label set, and bool[T]: the steps at which two of a set are present.

    Series that are to lose their name and series that are not stay apart.
    """
    steps = vector.present.shape[1]
    if len(set(vector.labels)) == len(vector.labels):
        return vector, np.zeros(steps, dtype=np.bool_)
    clashes = np.any(_counts(_places(vector.labels), vector.present) > 1, axis=0)
    keys = list(zip(vector.labels, vector.unnamed_rows.tolist(), strict=True))
    target = _places(keys)
    count = _counts(target, vector.present)
    values, rank = np.zeros(count.shape), np.zeros(count.shape, dtype=np.int64)
    ranks = ranks_of(vector)
    for row, place in enumerate(target):
        here = vector.present[row]
        values[place, here] = vector.values[row, here]
        rank[place, here] = ranks[row, here]
    histograms = None
    if vector.histograms is not None:
        histograms = np.full(count.shape, None, dtype=object)
        for row, place in enumerate(target):
            histograms[place, vector.present[row]] = vector.histograms[row, vector.present[row]]
    first = np.unique(target, return_index=True)[1]
    unnamed = None if vector.unnamed is None else vector.unnamed[first]
    return Vector(tuple(vector.labels[row] for row in first), values, count > 0, rank, unnamed, histograms), clashes


def same_labels_once(vector: Vector) -> Vector:
    """Series that differ in nothing but whether they are to lose their name as one; the first tells for both."""
    if vector.unnamed is None or len(set(vector.labels)) == len(vector.labels):
        return vector
    first = np.unique(_places(vector.labels), return_index=True)[1]
    return replace(_merged(replace(vector, unnamed=None))[0], unnamed=vector.unnamed[first])


def _places(keys: Sequence[Hashable]) -> Offsets:
    """The place of each key among the distinct ones, in the order in which they first appear."""
    index: dict[Hashable, int] = {}
    return np.array([index.setdefault(key, len(index)) for key in keys], dtype=np.int64)


def _counts(target: Offsets, present: Mask) -> Offsets:
    """int64[K, T]: how many of the rows that go to each place are present."""
    count = np.zeros((int(target.max()) + 1, present.shape[1]), dtype=np.int64)
    np.add.at(count, target, present)
    return count


def ranks_of(vector: Vector) -> Offsets:
    """The rank of each row at each step, int64[S, T], where it is only implied too."""
    if vector.rank is not None:
        return vector.rank
    shape = vector.present.shape
    return np.broadcast_to(np.arange(shape[0], dtype=np.int64)[:, None], shape)
