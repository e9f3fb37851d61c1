"""Runs of samples, as servers and exports give them, to series: by labels, in order of time, oddities counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tocsin.labels import Labels, from_mapping
from tocsin.series import Series, Times, Values, offsets_of, only
from tocsin.sources.memory import Columns, sort

NORMAL_NAN = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)[0]
"""The NaN that Prometheus stores for any that is no staleness marker (prometheus model/value/value.go)."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many samples were odd: older than the one before, in contradiction to another, given again; how many native
    histograms were left out; and what the server itself warned of.
    """

    backward: int = 0
    contradicting: int = 0
    repeated: int = 0
    histograms: int = 0
    warnings: frozenset[str] = frozenset()

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.backward + other.backward,
            self.contradicting + other.contradicting,
            self.repeated + other.repeated,
            self.histograms + other.histograms,
            self.warnings | other.warnings,
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """All samples from `start` to `end`, both inclusive, in Unix milliseconds, and what was odd about them."""

    start: int
    end: int
    series: Series
    tally: Tally = Tally()


@dataclass(slots=True)
class Runs:
    """Runs of samples: run i has `labels[i]`, and its samples are `times[i]` and `values[i]`."""

    labels: list[Labels]
    times: list[Times]
    values: list[Values]

    @staticmethod
    def none() -> Runs:
        return Runs([], [], [])

    def add(self, labels: Labels, times: Times, values: Values) -> None:
        if len(times):
            self.labels.append(labels)
            self.times.append(times)
            self.values.append(values)


def labels_of(metric: object) -> Labels:
    """The labels of a JSON object; raises TypeError where it is none of texts."""
    if not isinstance(metric, dict) or not all(isinstance(value, str) for value in metric.values()):
        raise TypeError("labels that are no texts")
    return from_mapping(metric)


EMPTY = Series((), np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float64))


def settled(runs: Runs) -> tuple[Series, Tally]:
    """Runs as series. Of several samples of a series at one time the first is kept, and all that is odd is counted.

    Runs of one series may come in any order; what counts is that each rises.
    """
    if not runs.labels:
        return EMPTY, Tally()
    known = {labels: index for index, labels in enumerate(sorted(set(runs.labels)))}
    owner = np.array([known[labels] for labels in runs.labels], dtype=np.int64)
    order = np.lexsort((np.array([times[0] for times in runs.times]), owner)).tolist()
    times = np.concatenate([runs.times[run] for run in order])
    values = np.concatenate([runs.values[run] for run in order])
    row = np.repeat(owner[order], [len(runs.times[run]) for run in order])
    if ((times[1:] > times[:-1]) | (row[1:] != row[:-1])).all():
        counts = np.bincount(row, minlength=len(known))
        return Series(tuple(known), offsets_of(counts), times, values), Tally()
    backward = sum(int((run[1:] < run[:-1]).sum()) for run in runs.times)
    place = np.lexsort((times, row))
    found = sort(Columns(tuple(known), row[place], times[place], values[place], place))
    contradicting = found.contradicting.count if found.contradicting else 0
    return found.series, Tally(backward, contradicting, found.repeated.count if found.repeated else 0)


def in_time(pieces: Iterable[Series]) -> Series:
    """Pieces that follow each other in time as one."""
    runs = Runs.none()
    for piece in pieces:
        for labels, times, values in piece.each():
            runs.add(labels, times, values)
    return settled(runs)[0]


def union(several: Iterable[Series]) -> Series:
    """Series that were selected in several ways, each once."""
    runs, known = Runs.none(), set[Labels]()
    for series in several:
        for labels, times, values in series.each():
            if labels not in known:
                runs.add(labels, times, values)
        known.update(series.labels)
    return settled(runs)[0]


def clipped(series: Series, start: int, end: int) -> Series:
    """The samples from `start` to `end`, both inclusive, and only series that have one."""
    return only(series, (series.times >= start) & (series.times <= end))
