"""A source and what is wanted of it to a recording: fetched piece by piece, kept, put together, written whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from tocsin.labels import NAME, Labels, get
from tocsin.promql.match import matches
from tocsin.record.oddities import Clocks, Leap, Lives, Relabelled, relabelled
from tocsin.record.partial import Partial
from tocsin.record.target import STEP, Target
from tocsin.record.wanted import Wanted
from tocsin.series import STALE_BITS, Series, without_markers
from tocsin.sources.api import OpenedRecording, Piecewise
from tocsin.sources.runs import Piece, Runs, Tally, settled

Tell: TypeAlias = Callable[[int, int, int], None]
"""Told of progress: milliseconds of all selectors that are done, of how many, and samples so far."""

_DAY = 86_400_000

_AT_ONCE = 16_000_000
"""Samples that are put together in memory at once, some hundred bytes each at most."""


@dataclass(slots=True)
class Recorded:
    """What was recorded: how many samples and staleness markers, of which series, from when to when, in how many runs.

    `tally` is what was odd about the samples as the source gave them; `relabelled`, `gaps` and `jumps` are what was odd
    about series and times.
    """

    samples: int = 0
    markers: int = 0
    start: int | None = None
    end: int | None = None
    series: set[Labels] = field(default_factory=set)
    tally: Tally = field(default_factory=Tally)
    runs: int = 1
    relabelled: Sequence[Relabelled] = ()
    gaps: Sequence[Leap] = ()
    jumps: Sequence[Leap] = ()

    def add(self, part: Series) -> None:
        """Count a later part."""
        self.samples += len(part.times)
        self.markers += int((part.values.view(np.uint64) == STALE_BITS).sum())
        self.series.update(part.labels)
        self.start = int(part.times.min()) if self.start is None else self.start
        self.end = int(part.times.max())

    def missing(self, wants: Sequence[Wanted]) -> Iterator[Wanted]:
        """What selects none of the series."""
        named: dict[str, list[Labels]] = {}
        for labels in self.series:
            named.setdefault(get(labels, NAME), []).append(labels)
        for want in wants:
            name = next((one.value for one in want.matchers if one.label == NAME and one.op == "="), None)
            candidates = self.series if name is None else named.get(name, ())
            if not any(matches(want.matchers, labels) for labels in candidates):
                yield want


def fetch(wants: Sequence[Wanted], source: OpenedRecording, partial: Partial, tell: Tell) -> None:
    """Keep what is still missing. Raises ProblemError where the source fails, OSError where it cannot be kept."""
    whole, before = sum(want.end - want.start + 1 for want in wants), 0
    for number, want in enumerate(wants):
        start = partial.next(number, want.start)
        tell(before + start - want.start, whole, partial.samples)
        for piece in _pieces(source, want, start):
            partial.add(number, piece)
            tell(before + piece.end + 1 - want.start, whole, partial.samples)
        before += want.end - want.start + 1


def _pieces(source: OpenedRecording, want: Wanted, start: int) -> Iterator[Piece]:
    """Pieces from `start` on; where the source has no wish of its own, of a day."""
    if start > want.end:
        return
    if isinstance(source, Piecewise):
        yield from source.pieces(want.matchers, start, want.end)
        return
    for low in range(start, want.end + 1, _DAY):
        high = min(low + _DAY - 1, want.end)
        yield Piece(low, high, source.read(want.matchers, low, high))


def assemble(wants: Sequence[Wanted], partial: Partial, target: Target) -> Recorded:
    """Write all that was kept, each sample once. Raises OSError.

    How it was cut into pieces, and so where it was interrupted, is not to be seen in what is written.
    """
    recorded = Recorded(tally=partial.tally, runs=partial.runs)

    def covered(labels: Labels, low: int, high: int) -> bool:
        return any(want.start <= low and high <= want.end and matches(want.matchers, labels) for want in wants)

    lives, clocks = Lives(), Clocks(covered)

    def parts() -> Iterator[Series]:
        for start, end in _stretches(wants, partial.samples):
            part = _together(partial, start, end, recorded)
            if part.labels:
                recorded.add(part)
                real = without_markers(part)
                lives.add(real)
                clocks.add(real)
                yield part

    target.write(parts(), partial.names, partial.folder)
    recorded.relabelled = relabelled(lives.known, covered)
    recorded.gaps, recorded.jumps = clocks.gaps, clocks.jumps
    return recorded


def _stretches(wants: Sequence[Wanted], samples: int) -> Iterator[tuple[int, int]]:
    """All the time that is wanted, in stretches that are short enough for the memory if samples come evenly."""
    first, last = min(want.start for want in wants), max(want.end for want in wants)
    count = -(-samples // _AT_ONCE)
    length = max(-(-(last - first + 1) // max(count, 1)) // STEP, 1) * STEP if count > 1 else last - first + 1
    low = first
    while low <= last:
        high = last if count <= 1 else min((low + length) // STEP * STEP - 1, last)
        yield low, high
        low = high + 1


def _together(partial: Partial, start: int, end: int, recorded: Recorded) -> Series:
    """All series of a stretch of time; what several selectors gave, once."""
    runs = Runs.none()
    for series in partial.read(start, end):
        for labels, times, values in series.each():
            runs.add(labels, times, values)
    found, tally = settled(runs)
    # Selectors overlap, so that the same sample twice is no oddity here.
    recorded.tally += Tally(contradicting=tally.contradicting)
    return found
