"""What recording rules give, tile by tile, to series that later rules of their group read in a recording's stead."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tocsin.alerts.result import Evaluations
from tocsin.labels import NAME, Labels, get
from tocsin.promql.ast import Matcher
from tocsin.series import STALE, Mask, Recording, Series, Times, Values
from tocsin.sources.memory import MemoryRecording


@dataclass(slots=True)
class Recorder:
    """The samples of one recording rule; a staleness marker stands where a series is not returned any more."""

    _last: set[Labels] = field(default_factory=set)
    _parts: dict[Labels, list[tuple[Times, Values]]] = field(default_factory=dict)

    def add(self, found: Evaluations, shift: int) -> None:
        """Go on by a tile; samples stand `shift` (the query offset) before the evaluations."""
        if not len(found.times):
            return
        rows = dict(zip(found.labels, zip(found.present, found.values, strict=True), strict=True))
        gone = np.zeros(len(found.times), dtype=np.bool_), np.zeros(len(found.times))
        now = set()
        for labels in {**rows, **dict.fromkeys(self._last)}:
            present, values = rows.get(labels, gone)
            self._parts.setdefault(labels, []).append(
                _with_markers(found.times - shift, values, present, labels in self._last)
            )
            if present[-1]:
                now.add(labels)
        self._last = now

    def series(self) -> Iterable[tuple[Labels, Times, Values]]:
        for labels, parts in self._parts.items():
            yield labels, np.concatenate([times for times, _ in parts]), np.concatenate([values for _, values in parts])


def _with_markers(times: Times, values: Values, present: Mask, before: bool) -> tuple[Times, Values]:
    ended = np.concatenate(([before], present[:-1])) & ~present
    kept = present | ended
    return times[kept], np.where(ended, STALE, values)[kept]


def merged(recorders: Sequence[Recorder]) -> Series:
    """The series of several rules; one that two of them record keeps the first rule's samples where both have one."""
    columns: dict[Labels, tuple[Times, Values]] = {}
    for labels, times, values in (one for recorder in recorders for one in recorder.series()):
        if labels in columns:
            every = np.concatenate((columns[labels][0], times))
            times, first = np.unique(every, return_index=True)
            values = np.concatenate((columns[labels][1], values))[first]
        columns[labels] = times, values
    return _series(sorted((labels, *column) for labels, column in columns.items()))


def _series(parts: Sequence[tuple[Labels, Times, Values]]) -> Series:
    lengths = [len(times) for _, times, _ in parts]
    return Series(
        tuple(labels for labels, _, _ in parts),
        np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        np.concatenate([np.zeros(0, dtype=np.int64), *(times for _, times, _ in parts)]),
        np.concatenate([np.zeros(0), *(values for _, _, values in parts)]),
    )


class Overlay:
    """A recording in which metrics that rules record take the place of those of the same name."""

    def __init__(self, base: Recording, recorded: Series, names: Collection[str]) -> None:
        self._base = base
        self._recorded = MemoryRecording(recorded)
        self._names = frozenset(names)

    @property
    def extent(self) -> tuple[int, int]:
        return self._base.extent

    def read(self, matchers: Sequence[Matcher], start: int, end: int) -> Series:
        """The series that all matchers accept, with their samples from `start` to `end`, both inclusive."""
        name = next((matcher.value for matcher in matchers if matcher.label == NAME and matcher.op == "="), None)
        if name is not None:
            return (self._recorded if name in self._names else self._base).read(matchers, start, end)
        both = (self._base.read(matchers, start, end), self._recorded.read(matchers, start, end))
        scraped = [part for part in _parts(both[0]) if get(part[0], NAME) not in self._names]
        return _series(sorted([*scraped, *_parts(both[1])], key=lambda part: part[0]))


def _parts(series: Series) -> Iterable[tuple[Labels, Times, Values]]:
    for index, labels in enumerate(series.labels):
        cut = slice(series.offsets[index], series.offsets[index + 1])
        yield labels, series.times[cut], series.values[cut]
