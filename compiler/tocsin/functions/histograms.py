"""Classic histograms: series with a label `le` to a quantile."""

from __future__ import annotations

import math
import re

import numpy as np

from tocsin.functions.registry import SCALAR, VECTOR, function
from tocsin.functions.values import Scalar, Steps, Vector, without_name
from tocsin.kernels.histogram import quantiles
from tocsin.labels import Labels, drop, get

BUCKET = "le"

_NUMBER = re.compile(r"[+-]?(0x[0-9a-f_.]+p[+-]?[0-9_]+|[0-9_.]+(e[+-]?[0-9_]+)?|inf|infinity)|nan", re.IGNORECASE)
_MISPLACED = re.compile(r"(?<![0-9a-fx])_|_(?![0-9a-f])", re.IGNORECASE)
"""An underscore stands between digits, or after `0x`."""


def parse_bound(text: str) -> float | None:
    """A number as Go's `ParseFloat` reads it, or None.

    >>> parse_bound("+Inf"), parse_bound("0x_1p-2"), parse_bound("1_0"), parse_bound("1e999"), parse_bound(" 1")
    (inf, 0.25, 10.0, None, None)
    """
    if not _NUMBER.fullmatch(text) or _MISPLACED.search(text):
        return None
    plain = text.replace("_", "")
    try:
        bound = float.fromhex(plain) if "x" in plain.lower() else float(plain)
    except (OverflowError, ValueError):
        return None
    return None if math.isinf(bound) and "n" not in plain.lower() else bound


@function("histogram_quantile", args=(SCALAR, VECTOR), returns=VECTOR)
def histogram_quantile(steps: Steps, q: Scalar, vector: Vector) -> Vector:
    """Histograms stand in the order of their first bucket; Prometheus leaves the order open."""
    histograms: dict[Labels, list[tuple[float, int]]] = {}
    for row, labels in enumerate(vector.labels):
        bound = parse_bound(get(labels, BUCKET))
        if bound is not None:
            histograms.setdefault(drop(labels, (BUCKET,)), []).append((bound, row))
    buckets = [bucket for members in histograms.values() for bucket in sorted(members)]
    out = np.zeros((len(histograms), len(steps.times)))
    found = np.zeros(out.shape, dtype=np.bool_)
    quantiles(
        vector.values,
        vector.present,
        np.array([bound for bound, _row in buckets], dtype=np.float64),
        np.array([row for _bound, row in buckets], dtype=np.int64),
        np.cumsum([0, *map(len, histograms.values())], dtype=np.int64),
        q.values,
        steps.compat,
        out,
        found,
    )
    return Vector(tuple(without_name(labels) for labels in histograms), out, found)
