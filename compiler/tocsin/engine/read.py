"""The selectors of expressions to the samples that they need, each stretch of a recording read once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tocsin.engine.semantics import Semantics
from tocsin.functions.info import describing
from tocsin.promql.ast import At, Call, Expr, Matcher, MatrixSelector, Subquery, VectorSelector, children
from tocsin.promql.match import matchers_of
from tocsin.series import Objects, Offsets, Recording, Resident, Series, offsets_of, with_samples, without_markers

Matchers = tuple[Matcher, ...]
Stretch = tuple[int, int]
"""From a time to a time, both inclusive."""


@dataclass(frozen=True, slots=True)
class Need:
    """Samples that some selector looks at, from `start` to `end`, both inclusive."""

    matchers: Matchers
    start: int
    end: int


def needs(expr: Expr, start: int, end: int, semantics: Semantics) -> Iterator[Need]:
    """What an expression reads when it is evaluated from `start` to `end`, in milliseconds."""
    ends = semantics.ends

    def shifted(at: At | None, offset: int) -> Stretch:
        if isinstance(at, int):
            return at - offset, at - offset
        if at is not None and ends is not None:
            return ends[at == "end"] - offset, ends[at == "end"] - offset
        return start - offset, end - offset

    match expr:
        case VectorSelector():
            low, high = shifted(expr.at, expr.offset)
            after = semantics.lookback if expr.extended == "smoothed" else 0
            yield Need(matchers_of(expr), low - semantics.lookback, high + after)
        case MatrixSelector(selector=selector):
            low, high = shifted(selector.at, selector.offset)
            before = semantics.lookback if selector.extended else 0
            after = semantics.lookback if selector.extended == "smoothed" else 0
            yield Need(matchers_of(selector), low - expr.range - before, high + after)
        case Subquery():
            low, high = shifted(expr.at, expr.offset)
            if ends is None and start == end:
                semantics = replace(semantics, ends=(start, end))  # as in `Tile.inner`
            yield from needs(expr.expr, low - expr.range, high, semantics)
        case Call(function="info", args=(described, *_)):
            yield from needs(described, start, end, semantics)
            yield from needs(describing(expr), start, end, semantics)
        case _:
            for child in children(expr):
                yield from needs(child, start, end, semantics)


def longest(expr: Expr) -> int:
    """How far before its own time an expression looks, not counting offsets."""
    own = expr.range if isinstance(expr, MatrixSelector | Subquery) else 0
    return own + max((longest(child) for child in children(expr)), default=0)


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Stretches that overlap or touch made one, rising."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _continues(known: Stretch, stretch: Stretch) -> bool:
    """Whether a stretch begins inside of what is known and ends after it, with so much known that copying it is less
    work than reading it again.
    """
    (low, high), (start, end) = known, stretch
    return low <= start <= high < end and 2 * (high - start) >= end - start


@dataclass(slots=True)
class Held:
    """The samples of one selector that are in memory for all tiles, as views; and how long each series lasts."""

    resident: Resident
    matchers: Matchers
    start: int
    end: int
    _series: dict[bool, tuple[Series, Offsets, Offsets] | None] = field(default_factory=dict)

    def series(self, need: Need, stale: bool) -> Series | None:
        """Every series, where at least half of them may have a sample that is needed; None where reading is less."""
        if stale not in self._series:
            found = self.resident.resident(self.matchers, self.start, self.end, stale)
            self._series[stale] = None if found is None or not len(found.labels) else (found, *_lasting(found))
        if (held := self._series[stale]) is None:
            return None
        series, first, last = held
        alive = np.count_nonzero((first <= need.end) & (last >= need.start))
        return series if 2 * alive >= len(series.labels) else None


def _lasting(series: Series) -> tuple[Offsets, Offsets]:
    """The times of the first and the last sample of each series, which all have one."""
    return series.times[series.offsets[:-1]], series.times[series.offsets[1:] - 1]


def held(recording: Recording, wanted: Iterable[Need]) -> dict[Matchers, Held]:
    """What a recording may give of all that is wanted without reading it tile by tile."""
    if not isinstance(recording, Resident):
        return {}
    found: dict[Matchers, Held] = {}
    for need in wanted:
        one = found.setdefault(need.matchers, Held(recording, need.matchers, need.start, need.end))
        one.start, one.end = min(one.start, need.start), max(one.end, need.end)
    return found


@dataclass(slots=True)
class Reader:
    """Reads a recording for one tile: what was asked for is known before the first read."""

    recording: Recording
    stretches: dict[Matchers, list[Stretch]]
    held: dict[Matchers, Held] = field(default_factory=dict)
    _known: dict[tuple[Matchers, Stretch], Series] = field(default_factory=dict)
    _read: dict[tuple[Matchers, Stretch], Series] = field(default_factory=dict)
    _fresh: dict[tuple[Matchers, Stretch], Series] = field(default_factory=dict)

    @staticmethod
    def of(recording: Recording, wanted: Iterable[Need], held: dict[Matchers, Held] | None = None) -> Reader:
        stretches: dict[Matchers, list[Stretch]] = {}
        for need in wanted:
            stretches.setdefault(need.matchers, []).append((need.start, need.end))
        return Reader(recording, {matchers: joined(found) for matchers, found in stretches.items()}, held or {})

    def then(self, wanted: Iterable[Need]) -> Reader:
        """The reader of a later tile, which need not read again what this one has read; this one is empty then."""
        later = Reader.of(self.recording, wanted, self.held)
        for (matchers, known), series in self._read.items():
            if any(_continues(known, stretch) for stretch in later.stretches.get(matchers, ())):
                later._known[matchers, known] = series
        self._read.clear()
        self._fresh.clear()
        return later

    def _key(self, need: Need) -> tuple[Matchers, Stretch]:
        for stretch in self.stretches[need.matchers]:
            if stretch[0] <= need.start and need.end <= stretch[1]:
                return need.matchers, stretch
        raise LookupError(f"{need} was not planned")

    def with_stale(self, need: Need) -> Series:
        """At least the samples that are needed, with the staleness markers among them."""
        if (series := self._held(need, stale=True)) is not None:
            return series
        key = self._key(need)
        if key not in self._read:
            self._read[key] = with_samples(self._samples(*key))
        return self._read[key]

    def _held(self, need: Need, stale: bool) -> Series | None:
        held = self.held.get(need.matchers)
        return None if held is None else held.series(need, stale)

    def _samples(self, matchers: Matchers, stretch: Stretch) -> Series:
        start, end = stretch
        for known in [known for of, known in self._known if of == matchers and _continues(known, stretch)]:
            before = self._known.pop((matchers, known))
            return continued(before, start, self.recording.read(matchers, known[1] + 1, end))
        return self.recording.read(matchers, start, end)

    @property
    def nbytes(self) -> int:
        """The size of all samples that were read; those that are held are there in any case."""
        series = [*self._read.values(), *self._fresh.values()]
        columns = {id(column): column.nbytes for one in series for column in (one.times, one.values)}
        return sum(columns.values())

    def without_stale(self, need: Need) -> Series:
        """At least the samples that are needed, without staleness markers."""
        if (series := self._held(need, stale=False)) is not None:
            return series
        key = self._key(need)
        if key not in self._fresh:
            self._fresh[key] = without_markers(self.with_stale(need))
        return self._fresh[key]


def continued(before: Series, start: int, after: Series) -> Series:
    """The samples of one series of reads from `start` on, and of a later one, series by series."""
    earlier, later = (
        {
            labels: (int(low), int(high))
            for labels, low, high in zip(one.labels, one.offsets, one.offsets[1:], strict=False)
        }
        for one in (before, after)
    )
    labels = tuple(sorted(earlier.keys() | later.keys()))
    pieces: list[tuple[Series, slice]] = []
    for one in labels:
        low, high = earlier.get(one, (0, 0))
        low += int(np.searchsorted(before.times[low:high], start))
        pieces += [(before, slice(low, high)), (after, slice(*later.get(one, (0, 0))))]
    lengths = [cut.stop - cut.start for _series, cut in pieces]
    offsets = offsets_of(lengths)[::2]
    return Series(
        labels,
        np.ascontiguousarray(offsets),
        np.concatenate([before.times[:0], *[series.times[cut] for series, cut in pieces]]),
        np.concatenate([before.values[:0], *[series.values[cut] for series, cut in pieces]]),
        _histograms(pieces),
    )


def _histograms(pieces: Sequence[tuple[Series, slice]]) -> Objects | None:
    if all(series.histograms is None for series, _cut in pieces):
        return None
    return np.concatenate(
        [
            np.full(cut.stop - cut.start, None, dtype=object) if series.histograms is None else series.histograms[cut]
            for series, cut in pieces
        ]
    )
