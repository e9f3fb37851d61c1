"""Subqueries: the inner expression on its own absolute grid, once for all steps, then windows over that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tocsin.engine.invariant import invariants
from tocsin.engine.merge import same_labels_once
from tocsin.engine.native import without_resets
from tocsin.engine.select import windows_over
from tocsin.engine.semantics import Failure
from tocsin.engine.tile import Tile, value_of
from tocsin.functions.values import Compat, Vector, Windows
from tocsin.promql.ast import Subquery
from tocsin.series import Mask, Offsets, Series, Times, offsets_of


@value_of.register
def subquery(node: Subquery, tile: Tile) -> Windows:
    end = tile.reference(node.at, node.offset)
    step = node.step if node.step is not None else tile.semantics.evaluation_interval
    times = inner_times(end, node.range, step, tile.semantics.compat)
    _fail_without_steps(node, tile, times, end)
    if not len(times):
        empty = np.zeros(0)
        series = Series((), np.zeros(1, dtype=np.int64), times, empty)
        return windows_over(series, end, node.range, tile)
    outcome = tile.inner(times).outcome(node.expr)
    for failure in outcome.failures:
        hit = _any_within(times[failure.at], end, node.range, tile.semantics.compat)
        if hit.any():
            tile.record(Failure(hit, failure.problem))
    value = outcome.value
    assert isinstance(value, Vector)
    series, unnamed = as_series(value, times)
    return replace(windows_over(series, end, node.range, tile), unnamed=unnamed)


def _fail_without_steps(node: Subquery, tile: Tile, times: Times, end: Times) -> None:
    """Where no inner step lies in the window, Prometheus evaluates what hangs on none all the same, and may fail."""
    empty = ~_any_within(times, end, node.range, tile.semantics.compat)
    if not empty.any():
        return
    for part in invariants(node.expr):
        for failure in tile.inner(end[:1]).outcome(part).failures:
            tile.record(Failure(empty, failure.problem))


def inner_times(end: Times, width: int, step: int, compat: Compat) -> Times:
    """The multiples of `step` that lie in some window; Prometheus 3 leaves out its left edge."""
    first = -((width - end) // step) if compat == 2 else (end - width) // step + 1
    last = end // step
    counts = np.maximum(last - first + 1, 0)
    if not counts.any():
        return np.zeros(0, dtype=np.int64)
    if (first[1:] <= last[:-1] + 1).all():
        return np.arange(first[0], last[-1] + 1, dtype=np.int64) * step
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.unique(np.repeat(first, counts) + within) * step


def _any_within(times: Times, end: Times, width: int, compat: Compat) -> Mask:
    """bool[T]: whether one of the times lies in the window that ends at each of `end`."""
    low = np.searchsorted(times, end - width, side="left" if compat == 2 else "right")
    return np.asarray(np.searchsorted(times, end, side="right") > low)


def as_series(vector: Vector, times: Times) -> tuple[Series, Mask | None]:
    """The present values as samples; series without any are dropped."""
    vector = same_labels_once(vector)
    order = _order(vector)
    order = order[np.any(vector.present[order], axis=1)]
    present = vector.present[order]
    rows, columns = np.nonzero(present)
    offsets = offsets_of(present.sum(axis=1))
    labels = tuple(vector.labels[row] for row in order)
    histograms = None if vector.histograms is None else without_resets(vector.histograms[order][rows, columns])
    series = Series(labels, offsets, times[columns], vector.values[order][rows, columns], histograms)
    return series, None if vector.unnamed is None else vector.unnamed[order]


def _order(vector: Vector) -> Offsets:
    """The order of the rows, where it is the same at every step; else Prometheus leaves it to chance: by labels.

    It keeps the order of a selector, and of what it evaluates once because no part of it hangs on the step.
    """
    if vector.rank is None:
        return np.arange(len(vector.labels))
    if (vector.rank == vector.rank[:, :1]).all():
        return np.argsort(vector.rank[:, 0], kind="stable")
    return np.array(sorted(range(len(vector.labels)), key=lambda row: vector.labels[row]), dtype=np.int64)
