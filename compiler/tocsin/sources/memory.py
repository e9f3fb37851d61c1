"""Samples in the order in which a file gives them to a recording in memory, sorted by labels and by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tocsin.diagnostics import Problem
from tocsin.kernels.samples import holds
from tocsin.kernels.threads import over_rows
from tocsin.labels import NAME, Labels, get
from tocsin.promql.ast import Matcher
from tocsin.promql.match import matches
from tocsin.series import STALE_BITS, Objects, Series, Times, Values, any_histograms, offsets_of, only

Rows = npt.NDArray[np.int64]


class MemoryRecording:
    """A recording whose samples are all in memory; `problems` are what reading it found and could live with.

    `fresh` where it is known that there are no staleness markers, for which else all values are looked at.
    """

    def __init__(self, series: Series, problems: Sequence[Problem] = (), *, fresh: bool = False) -> None:
        self.series = series
        self.problems = tuple(problems)
        self._known_fresh = fresh
        self._chosen: dict[tuple[Matcher, ...], list[int]] = {}
        self._named: dict[str, list[int]] = {}
        self._resident: dict[tuple[tuple[Matcher, ...], bool], Series | None] = {}
        for index, labels in enumerate(series.labels):
            self._named.setdefault(get(labels, NAME), []).append(index)

    @property
    def extent(self) -> tuple[int, int]:
        return int(self.series.times.min()), int(self.series.times.max())

    def read(self, matchers: Sequence[Matcher], start: int, end: int) -> Series:
        """The series that all matchers accept and that have samples from `start` to `end`, both inclusive."""
        every = self.series
        cuts = []
        for index in self.rows(tuple(matchers)):
            first, last = every.offsets[index], every.offsets[index + 1]
            low, high = first + np.searchsorted(every.times[first:last], (start, end + 1))
            if low < high:
                cuts.append((index, low, high))
        return _cut(every, cuts)

    def resident(self, matchers: Sequence[Matcher], _start: int, _end: int, stale: bool) -> Series | None:
        """The series that all matchers accept: a view where they stand side by side, else None.

        Without markers it is a copy, if there are any, and kept.
        """
        key = tuple(matchers), stale
        if key not in self._resident:
            self._resident[key] = self._side_by_side(key[0]) if stale else self._fresh(key[0])
        return self._resident[key]

    def _side_by_side(self, matchers: tuple[Matcher, ...]) -> Series | None:
        rows, every = self.rows(matchers), self.series
        if not rows or every.histograms is not None or rows[-1] - rows[0] + 1 != len(rows):
            return None
        offsets = every.offsets[rows[0] : rows[-1] + 2]
        if (np.diff(offsets) == 0).any():
            return None
        return Series(every.labels[rows[0] : rows[-1] + 1], offsets, every.times, every.values)

    def _fresh(self, matchers: tuple[Matcher, ...]) -> Series | None:
        series = self.resident(matchers, 0, 0, stale=True)
        if series is None:
            return None
        low, high = series.offsets[0], series.offsets[-1]
        if self._known_fresh or not has_markers(series.values[low:high]):
            return series
        kept = series.values[low:high].view(np.uint64) != STALE_BITS
        return only(Series(series.labels, series.offsets - low, series.times[low:high], series.values[low:high]), kept)

    def rows(self, matchers: tuple[Matcher, ...]) -> list[int]:
        if matchers not in self._chosen:
            labels = self.series.labels
            self._chosen[matchers] = [row for row in self._candidates(matchers) if matches(matchers, labels[row])]
        return self._chosen[matchers]

    def _candidates(self, matchers: tuple[Matcher, ...]) -> Sequence[int]:
        for matcher in matchers:
            if matcher.label == NAME and matcher.op == "=":
                return self._named.get(matcher.value, [])
        return range(len(self.series.labels))


def has_markers(values: Values) -> bool:
    """Whether some of the values are staleness markers."""
    words = values.view(np.uint64)
    found: list[bool] = []
    over_rows(lambda part: found.append(holds(words[part], np.uint64(STALE_BITS))), len(words), len(words))
    return any(found)


def _cut(every: Series, cuts: Sequence[tuple[int, int, int]]) -> Series:
    lengths = [high - low for _, low, high in cuts]
    return Series(
        tuple(every.labels[index] for index, _, _ in cuts),
        offsets_of(lengths),
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
        offsets_of(counts),
        times[kept],
        columns.values[order][kept],
    )
    return Sorted(series, _first(backward, lines), _first(twice & ~repeated, lines), _first(repeated, lines))


def _first(found: npt.NDArray[np.bool_], lines: Rows) -> Disorder | None:
    where = lines[1:][found]
    return Disorder(int(where.min()), len(where)) if len(where) else None
