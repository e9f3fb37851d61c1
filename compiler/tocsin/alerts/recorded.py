"""What rules write, tile by tile, to series that other rules read in a recording's stead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import TypeAlias

import numpy as np

from tocsin.alerts.result import Evaluations
from tocsin.labels import NAME, Labels, get
from tocsin.promql.ast import Matcher
from tocsin.promql.match import matches
from tocsin.series import STALE, Mask, Objects, Recording, Series, Times, Values, offsets_of

Samples: TypeAlias = tuple[Times, Values, Objects | None]
"""The times and values of a series, and the native histograms among them, if there are any."""

Read: TypeAlias = Callable[[Sequence[Matcher], int, int], Series]
"""As `Recording.read`."""

WRITTEN_BY_ALERTS = ("ALERTS", "ALERTS_FOR_STATE")

Columns: TypeAlias = Mapping[Labels, Samples]
"""The series of one rule."""


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
            samples = _with_markers((found.times - shift, values, held), present, labels in self._last)
            if len(samples[0]):
                self._parts.setdefault(labels, []).append(samples)
            if present[-1]:
                now.add(labels)
        self._last = now

    def forget(self) -> None:
        """Mark no series as gone that was returned so far: the server stopped."""
        self._last = set()

    def columns(self) -> Columns:
        """The series so far."""
        for labels, parts in self._parts.items():
            if len(parts) > 1:
                self._parts[labels] = [_joined(parts)]
        return {labels: parts[0] for labels, parts in self._parts.items()}

    def between(self, matchers: Sequence[Matcher], start: int, end: int) -> Columns:
        """The series that all matchers accept, as far as they have samples from `start` to `end`, both inclusive."""
        found = {}
        for labels, parts in self._parts.items():
            if parts[-1][0][-1] >= start and matches(matchers, labels):
                samples = clipped(_joined(list(_since(parts, start))), start, end)
                if len(samples[0]):
                    found[labels] = samples
        return found


def recorder_of(columns: Columns) -> Recorder:
    """What a rule has written already."""
    return Recorder(set(), {labels: [samples] for labels, samples in columns.items() if len(samples[0])})


def _since(parts: Sequence[Samples], start: int) -> Sequence[Samples]:
    """The last parts, as far as they reach `start`."""
    first = len(parts) - 1
    while first and parts[first - 1][0][-1] >= start:
        first -= 1
    return parts[first:]


def clipped(samples: Samples, start: int, end: int) -> Samples:
    """The samples from `start` to `end`, both inclusive."""
    times, values, histograms = samples
    cut = slice(*np.searchsorted(times, (start, end + 1)))
    return times[cut], values[cut], None if histograms is None else histograms[cut]


def only(samples: Samples, kept: Mask) -> Samples:
    """The samples of a mask."""
    times, values, histograms = samples
    return times[kept], values[kept], None if histograms is None else histograms[kept]


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


def merged(written: Iterable[Columns]) -> Series:
    """The series of several rules; one that two of them record keeps the first rule's samples where both have one."""
    columns: dict[Labels, Samples] = {}
    for labels, samples in (one for own in written for one in own.items()):
        if labels in columns:
            every = _joined((columns[labels], samples))
            first = np.unique(every[0], return_index=True)[1]
            samples = every[0][first], every[1][first], None if every[2] is None else every[2][first]
        columns[labels] = samples
    return _series(columns)


def _series(columns: Columns) -> Series:
    """The series in the order of their labels."""
    labels = tuple(sorted(columns))
    lengths = [len(columns[one][0]) for one in labels]
    nothing = np.zeros(0, dtype=np.int64), np.zeros(0), None
    times, values, histograms = _joined([nothing, *(columns[one] for one in labels)])
    offsets = offsets_of(lengths)
    return Series(labels, offsets, times, values, histograms)


@dataclass(frozen=True, slots=True)
class Names:
    """The series that rules write: metrics by name, and what alerting rules write by the name of the alert."""

    metrics: frozenset[str]
    alerts: frozenset[str]

    def hide(self, labels: Labels) -> bool:
        """Whether rules write a series in place of a recording's."""
        name = get(labels, NAME)
        return name in self.metrics or (name in WRITTEN_BY_ALERTS and get(labels, "alertname") in self.alerts)


class Overlay:
    """A recording in which series that rules write take the place of those of the same names."""

    def __init__(self, base: Recording, written: Read, names: Names) -> None:
        self._base = base
        self._written = written
        self._names = names

    @property
    def extent(self) -> tuple[int, int]:
        return self._base.extent

    def read(self, matchers: Sequence[Matcher], start: int, end: int) -> Series:
        """The series that all matchers accept, with their samples from `start` to `end`, both inclusive."""
        name = next((matcher.value for matcher in matchers if matcher.label == NAME and matcher.op == "="), None)
        if name is not None and name not in WRITTEN_BY_ALERTS:
            read = self._written if name in self._names.metrics else self._base.read
            return read(matchers, start, end)
        both = (self._base.read(matchers, start, end), self._written(matchers, start, end))
        scraped = {labels: samples for labels, samples in _parts(both[0]) if not self._names.hide(labels)}
        return _series({**scraped, **dict(_parts(both[1]))})


def _parts(series: Series) -> Iterable[tuple[Labels, Samples]]:
    for index, labels in enumerate(series.labels):
        cut = slice(series.offsets[index], series.offsets[index + 1])
        yield (
            labels,
            (series.times[cut], series.values[cut], None if series.histograms is None else series.histograms[cut]),
        )
