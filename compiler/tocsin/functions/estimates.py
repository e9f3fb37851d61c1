"""Native histograms to numbers: what is stored in them and what is estimated from their buckets.

A vector may hold classic histograms beside native ones. Source: prometheus/promql/functions.go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np

from tocsin.functions.histograms import format_quantile, parse_bound
from tocsin.functions.registry import FUNCTIONS, VECTOR, function, native
from tocsin.functions.relabel import relabelled
from tocsin.functions.values import Scalar, Steps, Vector
from tocsin.histograms.arithmetic import quotient
from tocsin.histograms.estimates import fraction_between, quantile, variance
from tocsin.histograms.model import Histogram
from tocsin.labels import drop, get
from tocsin.series import are_histograms

BUCKET = "le"


def _estimated(vector: Vector, estimate: Callable[[Histogram, int], float]) -> Vector:
    """A number for each histogram; floats are left out."""
    values, present = np.zeros(vector.values.shape), np.zeros(vector.present.shape, dtype=np.bool_)
    if vector.histograms is not None:
        present = vector.present & are_histograms(vector.histograms)
        for s, t in np.argwhere(present).tolist():
            values[s, t] = estimate(vector.histograms[s, t], t)
    return replace(vector.with_values(values), present=present)


def _register_estimate(name: str, estimate: Callable[[Histogram], float]) -> None:
    @function(name, args=(VECTOR,), returns=VECTOR, histograms="understood")
    def apply(_steps: Steps, vector: Vector) -> Vector:
        return _estimated(vector, lambda h, _t: estimate(h))


def _average(h: Histogram) -> float:
    return quotient(h.sum, h.count)


for _name, _estimate in {
    "histogram_count": lambda h: h.count,
    "histogram_sum": lambda h: h.sum,
    "histogram_avg": _average,
    "histogram_stdvar": variance,
    "histogram_stddev": lambda h: float(np.sqrt(variance(h))),
}.items():
    _register_estimate(_name, cast("Callable[[Histogram], float]", _estimate))


def _apart(vector: Vector) -> tuple[Vector, Vector]:
    """The classic histograms of a vector and the native ones; where both are of the same labels neither counts."""
    assert vector.histograms is not None
    held = vector.present & are_histograms(vector.histograms)
    rows = {labels: row for row, labels in enumerate(vector.labels) if held[row].any()}
    present = vector.present.copy()
    for row, labels in enumerate(vector.labels):
        same_labels = rows.get(drop(labels, (BUCKET,)))
        if same_labels is not None and parse_bound(get(labels, BUCKET)) is not None:
            both = vector.present[row] & ~held[row] & held[same_labels]
            present[row] &= ~both
            present[same_labels] &= ~both
    native_only = replace(vector, present=present & held)
    # A float without a bucket's label is no histogram at all, but it is for the function to say so.
    return replace(vector, present=present & ~held, histograms=None), native_only


def _joined(native_part: Vector, classic: Vector) -> Vector:
    """The rows of both."""
    return Vector(
        native_part.labels + classic.labels,
        np.concatenate([native_part.values, classic.values]),
        np.concatenate([native_part.present, classic.present]),
        None,
        np.concatenate([native_part.unnamed_rows, classic.unnamed_rows]),
    )


@native("histogram_quantile")
def histogram_quantile(steps: Steps, q: Scalar, vector: Vector) -> Vector:
    classic, natives = _apart(vector)
    found = _estimated(natives, lambda h, t: quantile(float(q.values[t]), h))
    return _joined(found, cast("Vector", FUNCTIONS["histogram_quantile"].implementation(steps, q, classic)))


@native("histogram_fraction")
def histogram_fraction(steps: Steps, lower: Scalar, upper: Scalar, vector: Vector) -> Vector:
    classic, natives = _apart(vector)
    found = _estimated(natives, lambda h, t: fraction_between(float(lower.values[t]), float(upper.values[t]), h))
    return _joined(found, cast("Vector", FUNCTIONS["histogram_fraction"].implementation(steps, lower, upper, classic)))


@native("histogram_quantiles")
def histogram_quantiles(steps: Steps, vector: Vector, label: str, *qs: Scalar) -> Vector:
    classic, natives = _apart(vector)
    joined = cast("Vector", FUNCTIONS["histogram_quantiles"].implementation(steps, classic, label, *qs))
    for q in reversed(qs):
        for number in np.unique(q.values):
            here = (q.values == number) | (np.isnan(q.values) & np.isnan(number))
            found = _estimated(natives, lambda h, _t, q=float(number): quantile(q, h))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            labels = [relabelled(own, label, format_quantile(float(number))) for own in found.labels]
            joined = _joined(replace(found.renamed(labels), present=found.present & here), joined)
    return joined
