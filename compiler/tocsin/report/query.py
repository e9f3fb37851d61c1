"""Evaluated expressions to the JSON of Prometheus's HTTP API, or to text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import isinf, isnan
from typing import Literal, TypeAlias

import numpy as np

from tocsin.diagnostics import Problem, printable
from tocsin.functions.values import Windows
from tocsin.histograms.model import Histogram, all_buckets
from tocsin.histograms.notation import describe
from tocsin.labels import Labels, format_labels, quote
from tocsin.series import Frame, Objects, Times, Values, are_histograms

Row: TypeAlias = tuple[Labels, Times, Values, Objects | None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an expression gave, as Prometheus's API calls it: the samples of each series, times in Unix milliseconds.

    The last column of a series are the native histograms among its samples, or None.
    """

    type: Literal["scalar", "vector", "matrix"]
    series: tuple[Row, ...]


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
    rows = (
        (
            labels,
            windows.times[low:high],
            windows.values[low:high],
            None if windows.histograms is None else windows.histograms[low:high],
        )
        for labels, low, high in cuts
        if low < high
    )
    return Answer("matrix", tuple(sorted(rows, key=lambda row: row[0])))


def _rows(frame: Frame) -> Iterator[Row]:
    for row, (labels, values, present) in enumerate(zip(frame.labels, frame.values, frame.present, strict=True)):
        if present.any():
            histograms = None if frame.histograms is None else frame.histograms[row][present]
            yield labels, frame.times[present], values[present], histograms


def to_json(answer: Answer | Literally) -> str:
    """One line: what `/api/v1/query` or `/api/v1/query_range` answers."""
    if isinstance(answer, Literally):
        return _success("string", _line([_seconds(answer.time), answer.text]))
    if answer.type == "scalar":
        (_labels, times, values, _none) = answer.series[0]
        return _success("scalar", _line([_seconds(times.tolist()[0]), format_float(values.tolist()[0])]))
    series = [_series(row, single=answer.type == "vector") for row in answer.series]
    return _success(answer.type, f"[{','.join(series)}]")


def _series(row: Row, *, single: bool) -> str:
    """A series with its floats and its native histograms apart. It is put together as text, for it may be long."""
    labels, times, values, histograms = row
    held: list[str] = []
    if histograms is not None:
        mask = are_histograms(histograms)
        pairs = zip(times[mask].tolist(), histograms[mask].tolist(), strict=True)
        held = [_line([_seconds(time), _histogram(one)]) for time, one in pairs]
        times, values = times[~mask], values[~mask]
    pairs = zip(times.tolist(), format_samples(values), strict=True)
    floats = [f'[{_seconds(time)},"{text}"]' for time, text in pairs]
    parts = [f'"metric":{_line(dict(labels))}']
    if single:
        parts.append(f'"histogram":{held[0]}' if held else f'"value":{floats[0]}')
    else:
        parts += [f'"values":[{",".join(floats)}]'] if floats else []
        parts += [f'"histograms":[{",".join(held)}]'] if held else []
    return f"{{{','.join(parts)}}}"


def _histogram(h: Histogram) -> dict[str, object]:
    """A histogram as Prometheus's API writes it: each bucket with a number that says which bounds belong to it.

    0: the upper one, 1: the lower one, 2: none, 3: both. Source: prometheus/util/jsonutil `MarshalHistogram`.
    """
    document: dict[str, object] = {"count": format_sample(h.count), "sum": format_sample(h.sum)}
    buckets = [
        [
            _RULES[bucket.lower_inclusive, bucket.upper_inclusive],
            *map(format_sample, (bucket.lower, bucket.upper, bucket.count)),
        ]
        for bucket in all_buckets(h)
        if bucket.count != 0
    ]
    return {**document, "buckets": buckets} if buckets else document


_RULES = {(False, True): 0, (True, False): 1, (False, False): 2, (True, True): 3}


def _success(kind: str, result: str) -> str:
    return f'{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}'


def to_error(problem: Problem) -> str:
    """One line: an expression that cannot be evaluated."""
    kind = "bad_data" if problem.code != "promql/execution" else "execution"
    return _line({"status": "error", "errorType": kind, "error": problem.message})


def _line(document: object) -> str:
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


def format_samples(values: Values) -> list[str]:
    """As `format_sample` writes each. Between the tiny and the huge, Python's own text is Go's but for a last `.0`."""
    size = np.abs(values)
    other = ~((size >= 1e-4) & (size < 1e16) | (size == 0))
    texts = [text.removesuffix(".0") for text in map(repr, values.tolist())]
    for place in np.flatnonzero(other).tolist():
        texts[place] = format_sample(float(values[place]))
    return texts


def to_text(answer: Answer | Literally) -> Iterator[str]:
    """One line a sample: the series, its value, and the time where there may be several."""
    if isinstance(answer, Literally):
        yield printable(quote(answer.text))
        return
    for labels, times, values, histograms in answer.series:
        name, texts = printable(format_labels(labels)), format_samples(values)
        for place, one in enumerate([] if histograms is None else histograms.tolist()):
            texts[place] = texts[place] if one is None else describe(one)
        for time, text in zip(times.tolist(), texts, strict=True):
            yield f"{name} {text} @{time / 1000:.3f}" if answer.type == "matrix" else f"{name} {text}"
