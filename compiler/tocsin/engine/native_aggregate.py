"""Aggregations of vectors with native histograms among their samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tocsin.engine.grouping import grouped
from tocsin.engine.merge import ranks_of
from tocsin.engine.tile import Tile, unsupported
from tocsin.functions.native import Fold, mean, total
from tocsin.functions.values import Vector
from tocsin.promql.ast import Aggregation
from tocsin.series import Objects, Values, any_histograms, are_histograms

FOLDS: dict[str, Fold] = {"sum": total, "avg": mean}

UNDERSTOOD = ("count", "group", "limitk", "limit_ratio")
"""Aggregations that look at no value."""

IGNORED = ("min", "max", "stddev", "stdvar", "quantile", "topk", "bottomk")
"""Aggregations for which Prometheus leaves native histograms out."""

Operator = Callable[[Aggregation, Vector, Tile], Vector]


def with_histograms(node: Aggregation, vector: Vector, tile: Tile, operator: Operator) -> Vector:
    """What an aggregation gives; `operator` is the one that knows only floats."""
    if node.op in FOLDS:
        return _folded(node, vector, FOLDS[node.op], operator(node, vector.floats(), tile))
    if node.op in UNDERSTOOD:
        return operator(node, vector, tile)
    if node.op in IGNORED:
        return operator(node, vector.floats(), tile)
    raise unsupported(node, f"the aggregation `{node.op}` of native histograms")


def with_sums(values: Values, histograms: Objects) -> Values:
    """The values, and in the place of each histogram its sum."""
    held = are_histograms(histograms)
    values = values.copy()
    values[held] = [histogram.sum for histogram in histograms[held]]
    return values


def _folded(node: Aggregation, vector: Vector, fold: Fold, floats: Vector) -> Vector:
    """A group of histograms alone gives one; a mixed group, of floats too or of both kinds of buckets, gives nothing.

    `floats` has the same groups in the same order.
    """
    assert vector.histograms is not None
    held = vector.present & are_histograms(vector.histograms)
    groups = grouped(vector.labels, vector.present, node)
    histograms = np.full(groups.count.shape, None, dtype=object)
    ranks = ranks_of(vector)
    for t in np.flatnonzero(held.any(axis=0)).tolist():
        members: dict[int, list[int]] = {}
        for row in np.flatnonzero(held[:, t])[np.argsort(ranks[held[:, t], t], kind="stable")].tolist():
            members.setdefault(int(groups.of[row]), []).append(row)
        for group, rows in members.items():
            if len(rows) == groups.count[group, t]:
                folded = fold([vector.histograms[row, t] for row in rows])
                histograms[group, t] = None if folded is None else folded.compacted()
    dropped = np.zeros(groups.count.shape, dtype=np.bool_)
    np.logical_or.at(dropped, groups.of, held)
    dropped &= ~are_histograms(histograms)
    whole = groups.vector(floats.values[: len(groups.labels)], vector)
    copies = len(whole.labels) // max(len(groups.labels), 1)  # two where some are to lose their name
    present = whole.present & ~np.concatenate([dropped] * copies)
    return replace(whole, present=present, histograms=any_histograms(np.concatenate([histograms] * copies)))
