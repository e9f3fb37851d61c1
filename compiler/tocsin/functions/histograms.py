"""Classic histograms: series with a label `le` to quantiles, and to the share of a range."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tocsin.functions.registry import SCALAR, STRING, VECTOR, function
from tocsin.functions.relabel import relabelled
from tocsin.functions.values import Scalar, Steps, Vector
from tocsin.kernels import histogram as kernels
from tocsin.kernels.threads import over_rows
from tocsin.labels import Labels, drop, get
from tocsin.series import Mask, Offsets, Values, offsets_of

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


@dataclass(frozen=True, slots=True)
class Histograms:
    """H classic histograms in the order of their first bucket; Prometheus leaves the order open.

    `labels` are without `le`, but with the name. Histogram h has the buckets `row[first[h]:first[h + 1]]` of the
    vector, in the order of their upper bounds `bound`, or in that of the vector if it shows. `rank` int64[S, T] tells
    that order for each step, and is empty where it is the order of the rows or does not show.
    """

    labels: tuple[Labels, ...]
    bound: Values
    row: Offsets
    first: Offsets
    rank: Offsets


_WORK = 4
"""A bucket of a histogram costs as much as so many cells of other kernels."""


def classic(vector: Vector) -> Histograms:
    """The series with a label `le` that is a number, put together."""
    histograms: dict[Labels, list[tuple[float, int]]] = {}
    for row, labels in enumerate(vector.labels):
        bound = parse_bound(get(labels, BUCKET))
        if bound is not None:
            histograms.setdefault(drop(labels, (BUCKET,)), []).append((bound, row))
    as_given = {own for own, members in histograms.items() if _order_shows(members)}
    buckets = [
        bucket for own, members in histograms.items() for bucket in (members if own in as_given else sorted(members))
    ]
    return Histograms(
        tuple(histograms),
        np.array([bound for bound, _row in buckets], dtype=np.float64),
        np.array([row for _bound, row in buckets], dtype=np.int64),
        offsets_of(list(map(len, histograms.values()))),
        np.ascontiguousarray(vector.rank) if as_given and vector.rank is not None else np.empty((0, 0), dtype=np.int64),
    )


def _order_shows(members: Sequence[tuple[float, int]]) -> bool:
    """Whether more than two bounds are equal, so that sums of counts round differently, or one is NaN."""
    bounds = [bound for bound, _row in members]
    return max(Counter(bounds).values()) > 2 or any(map(math.isnan, bounds))


def _quantiles(steps: Steps, vector: Vector, qs: Sequence[Scalar]) -> tuple[Histograms, Values, Mask]:
    """float64[Q, H, T] for each of the quantiles, and where there is a histogram: bool[H, T]."""
    histograms = classic(vector)
    out = np.zeros((len(qs), len(histograms.labels), len(steps.times)))
    found = np.zeros(out.shape[1:], dtype=np.bool_)
    values = np.ascontiguousarray(vector.values)
    wanted = np.array([q.values for q in qs], dtype=np.float64)
    columns = histograms.bound, histograms.row, histograms.first, histograms.rank

    def work(part: slice) -> None:
        kernels.quantiles(values, vector.present, *columns, wanted, steps.compat, part.start, part.stop, out, found)

    over_rows(work, len(steps.times), _WORK * len(histograms.row) * len(steps.times))
    return histograms, out, found


@function("histogram_quantile", args=(SCALAR, VECTOR), returns=VECTOR)
def histogram_quantile(steps: Steps, q: Scalar, vector: Vector) -> Vector:
    histograms, out, found = _quantiles(steps, vector, (q,))
    return Vector(histograms.labels, out[0], found).without_name()


@function("histogram_quantiles", args=(VECTOR, STRING, SCALAR), returns=VECTOR, repeated=True)
def histogram_quantiles(steps: Steps, vector: Vector, label: str, *qs: Scalar) -> Vector:
    """Quantile by quantile, each with its number as a label."""
    histograms, out, found = _quantiles(steps, vector, qs)
    labels: list[Labels] = []
    rows: list[Values] = []
    masks: list[Mask] = []
    for q, of_q in zip(qs, out, strict=True):
        bits = q.values.view(np.uint64)
        for one in np.unique(bits):
            text = format_quantile(float(np.array([one]).view(np.float64)[0]))
            labels += [relabelled(own, label, text) for own in histograms.labels]
            rows.append(of_q)
            masks.append(found & (bits == one))
    return Vector(tuple(labels), np.concatenate(rows), np.concatenate(masks)).without_name()


def format_quantile(q: float) -> str:
    """The value of the label `quantile` or `le` in OpenMetrics (Prometheus `labels.FormatOpenMetricsFloat`).

    >>> format_quantile(1), format_quantile(0.99), format_quantile(1e-7), format_quantile(float("nan"))
    ('1.0', '0.99', '1e-07', 'NaN')
    """
    if np.isnan(q):
        return "NaN"
    if np.isinf(q):
        return "+Inf" if q > 0 else "-Inf"
    if q == 0:
        return "0.0"
    if 1e-4 <= abs(q) < 1e6:
        return np.format_float_positional(q, trim="0")
    return np.format_float_scientific(q, trim="-", exp_digits=2)


@function("histogram_fraction", args=(SCALAR, SCALAR, VECTOR), returns=VECTOR)
def histogram_fraction(steps: Steps, low: Scalar, high: Scalar, vector: Vector) -> Vector:
    """The share of the observations from `low` to `high`; 2.42 knows it for native histograms only."""
    histograms = classic(vector)
    out = np.zeros((len(histograms.labels), len(steps.times)))
    found = np.zeros(out.shape, dtype=np.bool_)
    if steps.compat == 3:
        values = np.ascontiguousarray(vector.values)
        layout = histograms.bound, histograms.row, histograms.first, histograms.rank
        kernels.fractions(values, vector.present, *layout, low.values, high.values, out, found)
    return Vector(histograms.labels, out, found).without_name()
