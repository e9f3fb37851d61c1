"""`anchored` and `smoothed` selectors to what they select: samples beyond the edges, up to the lookback, take part.

Prometheus 3.7 has them behind a feature flag. Only floats are read; `anchored` changes nothing in an instant selector.
"""

from __future__ import annotations

import numpy as np

from tocsin.engine.native import check_floats
from tocsin.engine.read import Need
from tocsin.engine.tile import Tile
from tocsin.functions.values import Positions, Vector, Windows
from tocsin.kernels.extended import anchored_count, edges, extended_change, smoothed_at
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
    return Vector(around.labels, values, present)


def extended_range(node: Call) -> MatrixSelector | None:
    """The range that a call reads beyond its edges, if it does."""
    inner = unwrap(node.args[0]) if node.args else None
    return inner if isinstance(inner, MatrixSelector) and inner.selector.extended else None


def change(function: str, node: MatrixSelector, tile: Tile) -> Vector:
    """`rate`, `increase`, `delta`, and of an anchored range `changes` and `resets`."""
    around = _range(node, tile)
    values, present = around.empty_values(), np.zeros(around.lo.shape, dtype=np.bool_)
    columns = (around.times, around.values, around.lo, around.hi, around.start)
    if function in ("changes", "resets"):
        anchored_count(*columns, function == "resets", values, present)
    else:
        seconds = float(node.range // 1000) + float(node.range % 1000 * 1_000_000) / 1e9 if function == "rate" else 0.0
        is_smoothed, is_counter = node.selector.extended == "smoothed", function != "delta"
        extended_change(*columns, around.end, is_smoothed, is_counter, seconds, values, present)
    return around.vector(values, present)


def edged(node: MatrixSelector, tile: Tile) -> Windows:
    """The samples of a range, as the result of a query at one time, with values at both of its edges."""
    around = _range(node, tile)
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
    check_floats(series, selector)
    lo = np.empty((len(series.labels), len(end)), dtype=np.int64)
    hi = np.empty_like(lo)
    windows(series.times, series.offsets, low, high, False, lo, hi)
    width = int(end[0] - start[0])
    columns = series.offsets, series.times, series.values
    return Windows(
        series.labels, *columns, Positions(lo.shape, lambda rows: (lo[rows], hi[rows])), start, end, width, False
    )
