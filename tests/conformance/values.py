"""Sequences of samples as test scripts and unit tests of rules write them: `1 2+1x3 _ stale` to a list.

The grammar is that of Prometheus's series descriptions (promql/parser/generated_parser.y, `series_values`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

from tests.histogram_notation import histogram_sequence, parse_histogram

from tocsin.duration import parse_duration
from tocsin.histograms.model import Histogram
from tocsin.series import STALE

Sample: TypeAlias = float | Histogram

_UNSIGNED = r"(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[iI]nf|NaN|nan)"
_HISTOGRAM = r"\{\{.*?\}\}"
_TIMES = r"(?:x(?P<times>\d+))?"
_ITEM = re.compile(rf"\s*((?:{_HISTOGRAM}|\S)+)")
_FLOATS = re.compile(rf"(?P<value>[-+]?{_UNSIGNED})(?P<step>[-+]{_UNSIGNED})?{_TIMES}")
_HISTOGRAMS = re.compile(rf"(?P<value>{_HISTOGRAM})(?:(?P<sign>[-+])(?P<step>{_HISTOGRAM}))?{_TIMES}")
_WORD = re.compile(rf"(?P<word>_|stale){_TIMES}")
_DURATION = r"(?:0|(?:\d+(?:ms|[smhdwy]))+)"
_DURATIONS = re.compile(rf"(?P<value>[-+]?{_DURATION})(?P<step>[-+]{_DURATION})?{_TIMES}")


def number(text: str) -> float:
    """A number as Go reads it, without `0x1f`: in a sequence `0x3` is four zeros."""
    return float(text)


def milliseconds(text: str) -> int:
    """A duration, with a sign in front if wanted; a bare number counts seconds."""
    sign, rest = (-1, text[1:]) if text[0] == "-" else (1, text.removeprefix("+"))
    try:
        return sign * int(float(rest) * 1000)
    except ValueError:
        return sign * parse_duration(rest)


def samples(text: str) -> list[Sample | None]:
    """One entry for each step, None where nothing is written. Raises ValueError."""
    return [sample for item in _ITEM.findall(text) for sample in _samples(item)]


def _samples(item: str) -> Iterator[Sample | None]:
    if found := _WORD.fullmatch(item):
        yield from [None if found["word"] == "_" else STALE] * int(found["times"] or 1)
    elif found := _FLOATS.fullmatch(item):
        yield from _repeated(number(found["value"]), number(found["step"] or "0"), found["times"])
    elif found := _HISTOGRAMS.fullmatch(item):
        first, step, times = parse_histogram(found["value"]), found["step"], int(found["times"] or 0)
        if step is None:
            yield from [first] * (times + 1)
        else:
            yield from histogram_sequence(first, parse_histogram(step), times, falling=found["sign"] == "-")
    else:
        raise ValueError(f"`{item}` is no sample")


def _repeated(value: float, step: float, times: str | None) -> Iterator[float]:
    """Steps are added one by one, as Prometheus does: a product would have other bits."""
    yield value
    for _ in range(int(times or 0)):
        value = value + step
        yield value


def durations(text: str) -> list[int | None]:
    """The sequence of an `@st` line: milliseconds, relative to the samples."""
    return [duration for item in text.split() for duration in _durations(item)]


def _durations(item: str) -> Iterator[int | None]:
    if found := _WORD.fullmatch(item):
        yield from [None] * int(found["times"] or 1)
    elif found := _DURATIONS.fullmatch(item):
        first, step = milliseconds(found["value"]), milliseconds(found["step"] or "0")
        yield from (first + step * k for k in range(int(found["times"] or 0) + 1))
    else:
        raise ValueError(f"`{item}` is no duration")
