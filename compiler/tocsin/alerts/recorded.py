"""What recording rules give, tile by tile, to series that later rules of their group read in a recording's stead."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import TypeAlias

import numpy as np

from tocsin.alerts.result import Evaluations
from tocsin.labels import NAME, Labels, get
from tocsin.promql.ast import Matcher
from tocsin.series import STALE, Mask, Objects, Recording, Series, Times, Values
from tocsin.sources.memory import MemoryRecording

Samples: TypeAlias = tuple[Times, Values, Objects | None]
"""The times and values of a series, and the native histograms among them, if there are any."""


@dataclass(slots=True)
class Recorder:
    """The samples of one recording rule; a staleness marker stands where a series is not returned any more."""

    _last: set[Labels] = field(default_factory=set)
    _parts: dict[Labels, list[Samples]] = field(default_factory=dict)

    def add(self, found: Evaluations, shift: int) -> None:
        """Go on by a tile; samples stand `shift` (the query offset) before the evaluations."""
        if not len(found.times):
            return
        histograms = repeat(None) if found.histograms is None else found.histograms
        rows = dict(zip(found.labels, zip(found.present, found.values, histograms, strict=False), strict=True))
        gone = np.zeros(len(found.times), dtype=np.bool_), np.zeros(len(found.times)), None
        now = set()
        for labels in {**rows, **dict.fromkeys(self._last)}:
            present, values, held = rows.get(labels, gone)
            samples = found.times - shift, values, held
            self._parts.setdefault(labels, []).append(_with_markers(samples, present, labels in self._last))
            if present[-1]:
                now.add(labels)
        self._last = now

    def series(self) -> Iterable[tuple[Labels, Samples]]:
        for labels, parts in self._parts.items():
            yield labels, _joined(parts)


def _joined(parts: Sequence[Samples]) -> Samples:
    times, values, histograms = zip(*parts, strict=True)
    held = None
    if any(one is not None for one in histograms):
        columns = zip(times, histograms, strict=True)
        held = np.concatenate([_floats(own) if one is None else one for own, one in columns])
    return np.concatenate(times), np.concatenate(values), held


def _floats(times: Times) -> Objects:
    """No histograms beside these samples."""
    return np.full(len(times), None, dtype=object)


def _with_markers(samples: Samples, present: Mask, before: bool) -> Samples:
    times, values, histograms = samples
    ended = np.concatenate(([before], present[:-1])) & ~present
    kept = present | ended
    held = None if histograms is None else np.where(present, histograms, _floats(times))[kept]
    return times[kept], np.where(ended, STALE, values)[kept], held


def merged(recorders: Sequence[Recorder]) -> Series:
    """The series of several rules; one that two of them record keeps the first rule's samples where both have one."""
    columns: dict[Labels, Samples] = {}
    for labels, samples in (one for recorder in recorders for one in recorder.series()):
        if labels in columns:
            every = _joined((columns[labels], samples))
            first = np.unique(every[0], return_index=True)[1]
            samples = every[0][first], every[1][first], None if every[2] is None else every[2][first]
        columns[labels] = samples
    return _series(columns)


def _series(columns: Mapping[Labels, Samples]) -> Series:
    """The series in the order of their labels."""
    labels = tuple(sorted(columns))
    lengths = [len(columns[one][0]) for one in labels]
    nothing = np.zeros(0, dtype=np.int64), np.zeros(0), None
    times, values, histograms = _joined([nothing, *(columns[one] for one in labels)])
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    return Series(labels, offsets, times, values, histograms)


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
        scraped = {labels: samples for labels, samples in _parts(both[0]) if get(labels, NAME) not in self._names}
        return _series({**scraped, **dict(_parts(both[1]))})


def _parts(series: Series) -> Iterable[tuple[Labels, Samples]]:
    for index, labels in enumerate(series.labels):
        cut = slice(series.offsets[index], series.offsets[index + 1])
        yield (
            labels,
            (series.times[cut], series.values[cut], None if series.histograms is None else series.histograms[cut]),
        )
