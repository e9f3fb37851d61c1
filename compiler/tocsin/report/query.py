"""Evaluated expressions to the JSON of Prometheus's HTTP API, or to text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from math import isinf, isnan
from typing import Any

import numpy as np

from tocsin.diagnostics import Problem
from tocsin.labels import format_labels
from tocsin.promql.ast import ValueType
from tocsin.series import Frame


def to_json(frame: Frame, type_: ValueType, *, instant: bool) -> str:
    """One line: what `/api/v1/query` answers for an instant, `/api/v1/query_range` for a range."""
    kind = {ValueType.SCALAR: "scalar", ValueType.STRING: "string"}.get(type_, "vector") if instant else "matrix"
    result: Any = list(_instant(frame) if instant else _matrix(frame))
    if kind == "scalar":
        result = result[0]["value"] if result else []
    return _line({"status": "success", "data": {"resultType": kind, "result": result}})


def to_error(problem: Problem) -> str:
    """One line: an expression that cannot be evaluated."""
    kind = "bad_data" if problem.code != "promql/execution" else "execution"
    return _line({"status": "error", "errorType": kind, "error": problem.message})


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _instant(frame: Frame) -> Iterator[dict[str, Any]]:
    for index, labels in enumerate(frame.labels):
        if frame.present[index, 0]:
            yield {"metric": dict(labels), "value": _point(frame, index, 0)}


def _matrix(frame: Frame) -> Iterator[dict[str, Any]]:
    for index in sorted(range(len(frame.labels)), key=lambda i: frame.labels[i]):
        at = np.flatnonzero(frame.present[index])
        if len(at):
            yield {"metric": dict(frame.labels[index]), "values": [_point(frame, index, int(step)) for step in at]}


def _point(frame: Frame, index: int, step: int) -> list[object]:
    time = int(frame.times[step])
    return [time // 1000 if time % 1000 == 0 else time / 1000, format_value(float(frame.values[index, step]))]


def format_value(value: float) -> str:
    """A float as Prometheus's API writes it: the shortest decimal that reads back the same (Go's `'f', -1`).

    >>> format_value(1e21), format_value(0.1), format_value(float("-inf"))
    ('1000000000000000000000', '0.1', '-Inf')
    """
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = f"{Decimal(repr(value)):f}"
    return text.removesuffix(".0") if text.endswith(".0") else text


def to_text(frame: Frame) -> Iterator[str]:
    """One line a sample: the series, its value, and the time where there are several."""
    for index, labels in enumerate(frame.labels):
        for step in np.flatnonzero(frame.present[index]):
            value = format_value(float(frame.values[index, step]))
            stamp = f" @{frame.times[step] / 1000:.3f}" if len(frame.times) > 1 else ""
            yield f"{format_labels(labels)} {value}{stamp}"
