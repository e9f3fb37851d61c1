"""Evaluated expressions to the JSON of Prometheus's HTTP API, or to text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import isinf, isnan
from typing import Any, Literal

from tocsin.diagnostics import Problem, printable
from tocsin.functions.values import Windows
from tocsin.labels import Labels, format_labels, quote
from tocsin.series import Frame, Times, Values


@dataclass(frozen=True, slots=True)
class Answer:
    """What an expression gave, as Prometheus's API calls it: the samples of each series, times in Unix milliseconds."""

    type: Literal["scalar", "vector", "matrix"]
    series: tuple[tuple[Labels, Times, Values], ...]


@dataclass(frozen=True, slots=True)
class Literally:
    """A string, at a time in Unix milliseconds."""

    time: int
    text: str


def of_instant(frame: Frame, *, scalar: bool) -> Answer:
    """The answer at one time, the series in the order of the frame."""
    return Answer("scalar" if scalar else "vector", tuple(_rows(frame)))


def of_range(frame: Frame) -> Answer:
    """The answer over a range, the series in the order of their labels."""
    return Answer("matrix", tuple(sorted(_rows(frame), key=lambda row: row[0])))


def of_windows(windows: Windows) -> Answer:
    """The samples of a range vector at one time, the series in the order of their labels."""
    cuts = zip(windows.labels, windows.lo[:, 0], windows.hi[:, 0], strict=True)
    rows = ((labels, windows.times[low:high], windows.values[low:high]) for labels, low, high in cuts if low < high)
    return Answer("matrix", tuple(sorted(rows, key=lambda row: row[0])))


def _rows(frame: Frame) -> Iterator[tuple[Labels, Times, Values]]:
    for labels, values, present in zip(frame.labels, frame.values, frame.present, strict=True):
        if present.any():
            yield labels, frame.times[present], values[present]


def to_json(answer: Answer | Literally) -> str:
    """One line: what `/api/v1/query` or `/api/v1/query_range` answers."""
    if isinstance(answer, Literally):
        return _success("string", [_seconds(answer.time), answer.text])
    samples = [(dict(labels), _points(answer, times, values)) for labels, times, values in answer.series]
    if answer.type == "scalar":
        return _success("scalar", samples[0][1][0])
    if answer.type == "vector":
        return _success("vector", [{"metric": metric, "value": points[0]} for metric, points in samples])
    return _success("matrix", [{"metric": metric, "values": points} for metric, points in samples])


def _points(answer: Answer, times: Times, values: Values) -> list[list[object]]:
    form = format_float if answer.type == "scalar" else format_sample
    return [[_seconds(time), form(value)] for time, value in zip(times.tolist(), values.tolist(), strict=True)]


def _success(kind: str, result: object) -> str:
    return _line({"status": "success", "data": {"resultType": kind, "result": result}})


def to_error(problem: Problem) -> str:
    """One line: an expression that cannot be evaluated."""
    kind = "bad_data" if problem.code != "promql/execution" else "execution"
    return _line({"status": "error", "errorType": kind, "error": problem.message})


def _line(document: dict[str, Any]) -> str:
    # ASCII alone, for the line may go to a terminal, and a label can hold what drives one.
    return json.dumps(document, separators=(",", ":"))


def _seconds(time: int) -> int | float:
    return time // 1000 if time % 1000 == 0 else time / 1000


def format_float(value: float) -> str:
    """A float as Prometheus writes a scalar: the shortest decimal that reads back the same (Go's `'f', -1`).

    >>> format_float(1e21), format_float(0.1), format_float(float("-inf"))
    ('1000000000000000000000', '0.1', '-Inf')
    """
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return f"{Decimal(repr(value)):f}".removesuffix(".0")


def format_sample(value: float) -> str:
    """A float as Prometheus's API writes a sample: the tiny and the huge with an exponent of two digits or more.

    Source: prometheus/util/jsonutil `MarshalFloat`.

    >>> format_sample(1e21), format_sample(1.5e-7), format_sample(1e20)
    ('1e+21', '1.5e-07', '100000000000000000000')
    """
    if value and (abs(value) < 1e-6 or 1e21 <= abs(value) < float("inf")):
        return repr(value)
    return format_float(value)


def to_text(answer: Answer | Literally) -> Iterator[str]:
    """One line a sample: the series, its value, and the time where there may be several."""
    if isinstance(answer, Literally):
        yield printable(quote(answer.text))
        return
    for labels, times, values in answer.series:
        name = printable(format_labels(labels))
        for time, value in zip(times.tolist(), values.tolist(), strict=True):
            stamp = f" @{time / 1000:.3f}" if answer.type == "matrix" else ""
            yield f"{name} {format_sample(value)}{stamp}"
