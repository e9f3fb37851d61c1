"""`anchored` and `smoothed` selectors to what they select: samples beyond the edges, up to the lookback, take part.

Prometheus 3.7 has them behind a feature flag; `anchored` changes nothing in an instant selector.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tocsin.engine.native import check_readable
from tocsin.engine.read import Need
from tocsin.engine.tile import Tile, unsupported
from tocsin.functions.native import folded
from tocsin.functions.values import Positions, Vector, Windows
from tocsin.histograms.arithmetic import divided
from tocsin.histograms.extended import at_time
from tocsin.histograms.extended import change as histogram_change
from tocsin.histograms.model import Histogram
from tocsin.kernels.extended import edges, extended_change, smoothed_at
from tocsin.kernels.windows import windows
from tocsin.promql.ast import Call, MatrixSelector, VectorSelector, unwrap
from tocsin.promql.match import matchers_of
from tocsin.series import Times


def smoothed(node: VectorSelector, tile: Tile) -> Vector:
    """The selected series on the lines between their samples."""
    at = tile.reference(node.at, node.offset)
    around = _around(node, at, at, tile)
    values, present = around.empty_values(), np.zeros(around.lo.shape, dtype=np.bool_)
    smoothed_at(around.times, around.values, around.lo, around.hi, at, values, present)
    floats = Vector(around.labels, values, present)
    return _native(floats, around, lambda times, samples, t: at_time(times, samples, int(at[t])))


def extended_range(node: Call) -> MatrixSelector | None:
    """The range that a call reads beyond its edges, if it does."""
    inner = unwrap(node.args[0]) if node.args else None
    return inner if isinstance(inner, MatrixSelector) and inner.selector.extended else None


def anchored(node: MatrixSelector, tile: Tile) -> Windows:
    """Windows from the last sample before their start on; those without a sample of their own are empty."""
    around = _range(node, tile)
    first, end = np.empty_like(around.lo), np.empty_like(around.lo)
    windows(around.times, around.offsets, around.start, around.end, False, first, end)
    lo = np.maximum(around.lo, first - 1)  # which never moves back
    hi = np.where(first < end, end, lo)
    return replace(around, positions=Positions(lo.shape, lambda rows: (lo[rows], hi[rows])))


def change(function: str, node: MatrixSelector, tile: Tile) -> Vector:
    """`rate`, `increase`, `delta`."""
    around = _range(node, tile)
    values, present = around.empty_values(), np.zeros(around.lo.shape, dtype=np.bool_)
    columns = (around.times, around.values, around.lo, around.hi, around.start, around.end)
    is_smoothed, is_counter, per_second = node.selector.extended == "smoothed", function != "delta", function == "rate"
    extended_change(*columns, is_smoothed, is_counter, around.seconds if per_second else 0.0, values, present)

    def of_histograms(times: list[int], samples: list[Histogram], t: int) -> Histogram | None:
        start, end = int(around.start[t]), int(around.end[t])
        found = histogram_change(times, samples, start, end, is_smoothed, is_counter)
        return divided(found, around.seconds) if found is not None and per_second else found

    return _native(around.vector(values, present), around, of_histograms)


def _native(
    floats: Vector, around: Windows, of: Callable[[list[int], list[Histogram], int], Histogram | None]
) -> Vector:
    """The vector with what `of` makes of windows of histograms; where floats are among them, there is nothing."""
    objects = around.histograms
    if objects is None:
        return floats
    return folded(
        floats,
        around,
        lambda first, last, t: of(around.times[first : last + 1].tolist(), objects[first : last + 1].tolist(), t),
    )


def edged(node: MatrixSelector, tile: Tile) -> Windows:
    """The samples of a range, as the result of a query at one time, with values at both of its edges."""
    around = _range(node, tile)
    if around.histograms is not None:
        raise unsupported(node, "native histograms in an anchored or smoothed range vector")
    start, end, is_smoothed = int(around.start[0]), int(around.end[0]), node.selector.extended == "smoothed"
    times, values, offsets, labels = [], [], [0], []
    for s, own in enumerate(around.labels):
        bounds = (int(around.lo[s, 0]), int(around.hi[s, 0]))
        found, first, last, left, right = edges(around.times, around.values, *bounds, start, end, is_smoothed, False)
        if found:
            times += [start, *around.times[first:last].tolist(), end]
            values += [left, *around.values[first:last].tolist(), right]
            offsets.append(len(times))
            labels.append(own)
    rows = np.array(offsets, dtype=np.int64)
    columns = np.array(times, dtype=np.int64), np.array(values, dtype=np.float64)
    lo, hi = rows[:-1, None].copy(), rows[1:, None].copy()
    return Windows(
        tuple(labels),
        rows,
        *columns,
        Positions(lo.shape, lambda rows: (lo[rows], hi[rows])),
        around.start,
        around.end,
        node.range,
        True,
    )


def _range(node: MatrixSelector, tile: Tile) -> Windows:
    end = tile.reference(node.selector.at, node.selector.offset)
    return _around(node.selector, end - node.range, end, tile)


def _around(selector: VectorSelector, start: Times, end: Times, tile: Tile) -> Windows:
    """The samples from a lookback before `start` to `end`, and if smoothed to a lookback after it."""
    lookback = tile.semantics.lookback
    low, high = start - lookback, end + (lookback if selector.extended == "smoothed" else 0)
    series = tile.reader.without_stale(Need(matchers_of(selector), int(low[0]), int(high[-1])))
    check_readable(series, selector, tile)
    lo = np.empty((len(series.labels), len(end)), dtype=np.int64)
    hi = np.empty_like(lo)
    windows(series.times, series.offsets, low, high, False, lo, hi)
    width = int(end[0] - start[0])
    columns = series.offsets, series.times, series.values
    positions = Positions(lo.shape, lambda rows: (lo[rows], hi[rows]))
    return Windows(series.labels, *columns, positions, start, end, width, False, histograms=series.histograms)
