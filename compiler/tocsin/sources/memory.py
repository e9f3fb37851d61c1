"""Samples in the order in which a file gives them to a recording in memory, sorted by labels and by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tocsin.diagnostics import Problem
from tocsin.labels import NAME, Labels, get
from tocsin.promql.ast import Matcher
from tocsin.promql.match import matches
from tocsin.series import Objects, Series, Times, Values, any_histograms

Rows = npt.NDArray[np.int64]


class MemoryRecording:
    """A recording whose samples are all in memory; `problems` are what reading it found and could live with."""

    def __init__(self, series: Series, problems: Sequence[Problem] = ()) -> None:
        self.series = series
        self.problems = tuple(problems)
        self._chosen: dict[tuple[Matcher, ...], list[int]] = {}
        self._named: dict[str, list[int]] = {}
        for index, labels in enumerate(series.labels):
            self._named.setdefault(get(labels, NAME), []).append(index)

    @property
    def extent(self) -> tuple[int, int]:
        return int(self.series.times.min()), int(self.series.times.max())

    def read(self, matchers: Sequence[Matcher], start: int, end: int) -> Series:
        """The series that all matchers accept and that have samples from `start` to `end`, both inclusive."""
        every = self.series
        key = tuple(matchers)
        if key not in self._chosen:
            self._chosen[key] = [index for index in self._candidates(key) if matches(key, every.labels[index])]
        cuts = []
        for index in self._chosen[key]:
            first, last = every.offsets[index], every.offsets[index + 1]
            low, high = first + np.searchsorted(every.times[first:last], (start, end + 1))
            if low < high:
                cuts.append((index, low, high))
        return _cut(every, cuts)

    def _candidates(self, matchers: tuple[Matcher, ...]) -> Sequence[int]:
        for matcher in matchers:
            if matcher.label == NAME and matcher.op == "=":
                return self._named.get(matcher.value, [])
        return range(len(self.series.labels))


def _cut(every: Series, cuts: Sequence[tuple[int, int, int]]) -> Series:
    lengths = [high - low for _, low, high in cuts]
    return Series(
        tuple(every.labels[index] for index, _, _ in cuts),
        np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))).astype(np.int64),
        np.concatenate([every.times[low:high] for _, low, high in cuts] or [every.times[:0]]),
        np.concatenate([every.values[low:high] for _, low, high in cuts] or [every.values[:0]]),
        _cut_histograms(every.histograms, cuts),
    )


def _cut_histograms(histograms: Objects | None, cuts: Sequence[tuple[int, int, int]]) -> Objects | None:
    if histograms is None or not cuts:
        return None
    return any_histograms(np.concatenate([histograms[low:high] for _, low, high in cuts]))


@dataclass(frozen=True, slots=True)
class Columns:
    """Samples as a file gives them: sample i is of `labels[series[i]]` and stands in line `lines[i]`."""

    labels: Sequence[Labels]
    series: Rows
    times: Times
    values: Values
    lines: Rows


@dataclass(frozen=True, slots=True)
class Disorder:
    """Samples that a series must not have: the line of the first, and how many there are."""

    line: int
    count: int


@dataclass(frozen=True, slots=True)
class Sorted:
    """Series, and which samples stood before an earlier one, contradicted, or repeated another."""

    series: Series
    backward: Disorder | None
    contradicting: Disorder | None
    repeated: Disorder | None


def sort(columns: Columns) -> Sorted:
    """Samples grouped by series, series by labels; of several samples at one time the first is kept."""
    names = sorted(range(len(columns.labels)), key=lambda index: columns.labels[index])
    rank = np.empty(len(names), dtype=np.int64)
    rank[names] = np.arange(len(names))
    order = np.argsort(rank[columns.series], kind="stable")
    owner, times = rank[columns.series][order], columns.times[order]
    bits = columns.values.view(np.uint64)[order]
    same = owner[1:] == owner[:-1]
    backward = same & (times[1:] < times[:-1])
    twice = same & (times[1:] == times[:-1])
    repeated = twice & (bits[1:] == bits[:-1])
    lines = columns.lines[order]
    kept = np.concatenate(([True], ~twice)) if len(order) else np.zeros(0, dtype=np.bool_)
    counts = np.bincount(owner[kept], minlength=len(names))
    series = Series(
        tuple(columns.labels[index] for index in names),
        np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        times[kept],
        columns.values[order][kept],
    )
    return Sorted(series, _first(backward, lines), _first(twice & ~repeated, lines), _first(repeated, lines))


def _first(found: npt.NDArray[np.bool_], lines: Rows) -> Disorder | None:
    where = lines[1:][found]
    return Disorder(int(where.min()), len(where)) if len(where) else None
