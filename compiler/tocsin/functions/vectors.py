"""Between vectors and scalars, what is absent, and the order of a vector."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tocsin.functions.registry import SCALAR, VECTOR, function
from tocsin.functions.values import Compat, Scalar, Steps, Vector, one_series
from tocsin.kernels.go_sort import places
from tocsin.labels import NAME, Labels, from_mapping
from tocsin.promql.ast import MatrixSelector, VectorSelector, unwrap
from tocsin.promql.match import matchers_of
from tocsin.series import Values


def labels_of_absent(steps: Steps) -> Labels:
    """The labels that the selector in the call asks for with `=`, once each; none for another expression.

    Prometheus `createLabelsForAbsentFunction` (promql/functions.go).
    """
    selector = unwrap(steps.call.args[0])
    if isinstance(selector, MatrixSelector):
        selector = selector.selector
    if not isinstance(selector, VectorSelector):
        return ()
    labels: dict[str, str] = {}
    excluded: set[str] = set()
    for matcher in matchers_of(selector):
        if matcher.label == NAME:
            continue
        if matcher.op == "=" and matcher.label not in labels:
            labels[matcher.label] = matcher.value
            if steps.compat == 3:
                excluded.discard(matcher.label)
        else:
            excluded.add(matcher.label)
    return from_mapping({name: value for name, value in labels.items() if name not in excluded})


@function("absent", args=(VECTOR,), returns=VECTOR, histograms="understood")
def absent(steps: Steps, vector: Vector) -> Vector:
    one = one_series(np.ones(len(steps.times)), labels_of_absent(steps))
    return Vector(one.labels, one.values, ~np.any(vector.present, axis=0)[None, :])


@function("scalar", args=(VECTOR,), returns=SCALAR, histograms="ignored")
def scalar(_steps: Steps, vector: Vector) -> Scalar:
    count = vector.present.sum(axis=0)
    if not len(vector.labels):
        return Scalar(np.full(len(count), np.nan))
    only = np.take_along_axis(vector.values, vector.present.argmax(axis=0)[None, :], axis=0)[0]
    return Scalar(np.where(count == 1, only, np.nan))


@function("vector", args=(SCALAR,), returns=VECTOR)
def vector(_steps: Steps, value: Scalar) -> Vector:
    return one_series(value.values)


@function("time", args=(), returns=SCALAR)
def time(steps: Steps) -> Scalar:
    return Scalar(steps.times / 1000.0)


@function("pi", args=(), returns=SCALAR)
def pi(steps: Steps) -> Scalar:
    return Scalar(np.full(len(steps.times), np.pi))


@function("timestamp", args=(VECTOR,), returns=VECTOR, histograms="understood")
def timestamp(steps: Steps, vector: Vector) -> Vector:
    """The time of the step; of a plain selector the engine takes the times of the samples instead."""
    return vector.with_values(np.broadcast_to(steps.times / 1000.0, vector.values.shape).copy())


def _sorted(vector: Vector, keys: Values, compat: Compat) -> Vector:
    """Ranked by the keys, the greatest first and NaN last, as Go sorts what Prometheus compares."""
    rank = np.empty(vector.present.shape, dtype=np.int64)
    places(keys, vector.present, vector.order, compat, rank)
    return replace(vector, rank=rank)


@function("sort", args=(VECTOR,), returns=VECTOR, histograms="ignored")
def sort(steps: Steps, vector: Vector) -> Vector:
    return _sorted(vector, -vector.values, steps.compat)


@function("sort_desc", args=(VECTOR,), returns=VECTOR, histograms="ignored")
def sort_desc(steps: Steps, vector: Vector) -> Vector:
    return _sorted(vector, np.ascontiguousarray(vector.values), steps.compat)
