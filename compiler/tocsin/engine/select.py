"""Selectors to vectors and windows."""

from __future__ import annotations

import numpy as np

from tocsin.engine.extended import edged, smoothed
from tocsin.engine.native import check_readable
from tocsin.engine.read import Need
from tocsin.engine.tile import Tile, value_of
from tocsin.functions.values import Positions, Vector, Windows
from tocsin.kernels.threads import over_rows
from tocsin.kernels.windows import latest, windows
from tocsin.promql.ast import MatrixSelector, VectorSelector
from tocsin.promql.match import matchers_of
from tocsin.series import STALE_BITS, Mask, Offsets, Series, Times, histograms_at


def _found(node: VectorSelector, tile: Tile, lost: int = 0) -> tuple[Series, Offsets, Mask]:
    """The series of a selector, the position of the sample that each step takes, and where there is one.

    An offset that is `lost` counts in what is read, but not in where the steps look.
    """
    at = tile.reference(node.at, node.offset)
    lookback = tile.semantics.lookback
    series = tile.reader.with_stale(Need(matchers_of(node), int(at[0]) - lookback, int(at[-1])))
    check_readable(series, node, tile)
    at, lookback = at + min(lost, 0), lookback - abs(lost)
    position = np.empty((len(series.labels), len(at)), dtype=np.int64)
    closed = tile.semantics.compat == 2

    def work(rows: slice) -> None:
        latest(series.times, series.offsets[rows.start : rows.stop + 1], at, lookback, closed, position[rows])

    over_rows(work, len(position), position.size)
    present = position >= 0
    position[~present] = 0
    if len(series.values):
        present &= series.values.view(np.uint64)[position] != STALE_BITS
    return series, position, present


@value_of.register
def select(node: VectorSelector, tile: Tile) -> Vector:
    if node.extended == "smoothed":
        return _rows(smoothed(node, tile))
    series, position, present = _found(node, tile)
    histograms = histograms_at(series.histograms, position, present)
    return _rows(Vector(series.labels, series.values[position], present, histograms=histograms))


def sample_times(node: VectorSelector, tile: Tile) -> Vector:
    """The times, in seconds, of the samples that a selector takes.

    With an `@` Prometheus loses the offset (promql/engine.go, `rangeEvalTimestampFunctionOverVectorSelector`), though
    it reads the samples that lie where the offset says: those in both stretches are left.
    """
    series, position, present = _found(node, tile, lost=0 if node.at is None else node.offset)
    return _rows(Vector(series.labels, series.times[position] / 1000.0, present))


def newest(node: VectorSelector, tile: Tile) -> Vector:
    """The times, in seconds, of the samples that a selector finds where it says."""
    series, position, present = _found(node, tile)
    histograms = histograms_at(series.histograms, position, present)
    return _rows(Vector(series.labels, series.times[position] / 1000.0, present, histograms=histograms))


def _rows(vector: Vector) -> Vector:
    """Only the series that are there at some step."""
    some = np.any(vector.present, axis=1)
    if some.all():
        return vector
    labels = tuple(labels for labels, kept in zip(vector.labels, some, strict=True) if kept)
    histograms = None if vector.histograms is None else vector.histograms[some]
    return Vector(labels, vector.values[some], vector.present[some], histograms=histograms)


@value_of.register
def select_range(node: MatrixSelector, tile: Tile) -> Windows:
    if node.selector.extended:
        return edged(node, tile)
    end = tile.reference(node.selector.at, node.selector.offset)
    need = Need(matchers_of(node.selector), int(end[0]) - node.range, int(end[-1]))
    series = tile.reader.without_stale(need)
    check_readable(series, node, tile)
    return windows_over(series, end, node.range, tile)


def windows_over(series: Series, end: Times, width: int, tile: Tile) -> Windows:
    """The windows of `width` milliseconds that end at each of the times `end` (int64[T])."""
    start, closed = end - width, tile.semantics.compat == 2

    def find(rows: slice) -> tuple[Offsets, Offsets]:
        offsets = series.offsets[rows.start : rows.stop + 1]
        lo, hi = (np.empty((rows.stop - rows.start, len(end)), dtype=np.int64) for _ in range(2))
        windows(series.times, offsets, start, end, closed, lo, hi)
        return lo, hi

    columns, positions = (series.offsets, series.times, series.values), Positions((len(series.labels), len(end)), find)
    return Windows(series.labels, *columns, positions, start, end, width, closed, histograms=series.histograms)
