"""A Parquet file to a recording: of each read, only the row groups that may hold what it asks for are decoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.diagnostics import Problem
from tocsin.labels import Labels
from tocsin.promql.ast import Matcher
from tocsin.promql.match import matches
from tocsin.series import Series
from tocsin.sources.api import refuse
from tocsin.sources.arrow.decode import Decoded, settle
from tocsin.sources.arrow.groups import Bounds, Group, groups_of
from tocsin.sources.arrow.join import Piece, joined
from tocsin.sources.arrow.layout import layout_of
from tocsin.sources.arrow.pages import Pages, broken
from tocsin.sources.memory import MemoryRecording
from tocsin.sources.time import LATEST

KEPT = 1 << 26
"""Samples that are kept decoded between reads, 1 GiB: a week of 1,600 series every 15 s."""


@dataclass(frozen=True, slots=True)
class _Whole:
    """The samples of one selector that were decoded together, for every read from `start` to `end`."""

    start: int
    end: int
    recording: MemoryRecording

    @property
    def samples(self) -> int:
        return len(self.recording.series.times)


@dataclass(slots=True)
class ParquetRecording:
    """A recording in a Parquet file. `problems` grow as its row groups are decoded."""

    path: str
    keep: int
    _pages: Pages
    _elsewhere: Bounds | None
    _groups: tuple[Group, ...]
    _found: dict[Problem, None] = field(default_factory=dict)
    _kept: dict[int, Series] = field(default_factory=dict)
    _candidates: dict[tuple[Matcher, ...], list[Group]] = field(default_factory=dict)
    _accepted: dict[tuple[tuple[Matcher, ...], Labels], bool] = field(default_factory=dict)
    _whole: dict[tuple[Matcher, ...], _Whole] = field(default_factory=dict)

    @staticmethod
    def open(path: str, keep: int = KEPT) -> ParquetRecording:
        """The recording at `path`, of which up to `keep` samples stay in memory. Raises ProblemError."""
        try:
            file = pq.ParquetFile(path, memory_map=True)
            layout = layout_of(path, file.schema_arrow, file.schema)
            pages = Pages(path, layout, file.metadata)
            groups = tuple(_timed(groups_of(layout, file.metadata), pages))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise broken(path, error) from None
        if not groups:
            raise refuse("not-a-recording", path, "holds no samples")
        recording = ParquetRecording(path, keep, pages, None if layout.mapped else ("", ""), groups)
        if recording.extent[1] >= LATEST * 1000:
            raise refuse("bad-sample", path, "the column `timestamp` is after the year 5000: write Unix milliseconds")
        return recording

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(self._found)

    @property
    def extent(self) -> tuple[int, int]:
        return min(group.start for group in self._groups), max(group.end for group in self._groups)

    def read(self, matchers: Sequence[Matcher], start: int, end: int) -> Series:
        """The series that all matchers accept and that have samples from `start` to `end`, both inclusive."""
        key = tuple(matchers)
        if (whole := self._whole.get(key)) is not None and whole.start <= start and end <= whole.end:
            return whole.recording.read(key, start, end)
        pieces: dict[Labels, list[Piece]] = {}
        for series, lasting in self._decoded(self._wanted(key, start, end), start):
            for index, labels in enumerate(series.labels):
                if self._accepts(key, labels):
                    first, last = series.offsets[index], series.offsets[index + 1]
                    low, high = first + np.searchsorted(series.times[first:last], (start, end + 1))
                    if low < high:
                        piece = series.times[low:high], series.values[low:high]
                        # A view would hold all that was decoded with it.
                        pieces.setdefault(labels, []).append(piece if lasting else (piece[0].copy(), piece[1].copy()))
        return self._joined(pieces)

    def resident(self, matchers: Sequence[Matcher], start: int, end: int, stale: bool) -> Series | None:
        """All samples of the row groups that hold what is asked for, decoded once, unless they are too many to keep."""
        key = tuple(matchers)
        whole = self._whole.get(key)
        if whole is None or start < whole.start or whole.end < end:
            wanted = self._wanted(key, start, end)
            others = sum(one.samples for other, one in self._whole.items() if other != key)
            if others + sum(group.rows for group in wanted) > self.keep:
                return None
            self._whole.pop(key, None)
            whole = self._whole[key] = _Whole(start, end, MemoryRecording(self._together(key, wanted)))
        return whole.recording.resident(key, start, end, stale)

    def _together(self, matchers: tuple[Matcher, ...], wanted: Sequence[Group]) -> Series:
        pieces: dict[Labels, list[Piece]] = {}
        for decoded in self._pages.decode(wanted):
            series = self._noted(decoded)
            for labels, times, values in series.each():
                if self._accepts(matchers, labels):
                    pieces.setdefault(labels, []).append((times, values))
        return self._joined(pieces)

    def _wanted(self, matchers: tuple[Matcher, ...], start: int, end: int) -> list[Group]:
        if matchers not in self._candidates:
            self._candidates[matchers] = [group for group in self._groups if group.may_hold(matchers, self._elsewhere)]
        return [group for group in self._candidates[matchers] if group.start <= end and start <= group.end]

    def _accepts(self, matchers: tuple[Matcher, ...], labels: Labels) -> bool:
        key = matchers, labels
        if key not in self._accepted:
            self._accepted[key] = matches(matchers, labels)
        return self._accepted[key]

    def _decoded(self, wanted: Sequence[Group], start: int) -> Iterator[tuple[Series, bool]]:
        """The series of row groups, in the order of the file, and whether they are kept.

        Reads of a history go forward in time, so what ends before this one makes room where room is short.
        """
        missing = [group for group in wanted if group.number not in self._kept]
        held = sum(len(series.times) for series in self._kept.values())
        if missing and held + sum(group.rows for group in missing) > self.keep:
            past = {group.number for group in self._groups if group.end < start}
            self._kept = {number: series for number, series in self._kept.items() if number not in past}
            held = sum(len(series.times) for series in self._kept.values())
        keep = held + sum(group.rows for group in missing) <= self.keep
        fresh = self._pages.decode(missing)
        for group in wanted:
            if group.number in self._kept:
                yield self._kept[group.number], True
                continue
            series = self._noted(next(fresh))
            if keep:
                self._kept[group.number] = series
            yield series, keep

    def _noted(self, decoded: Decoded) -> Series:
        self._found |= dict.fromkeys(decoded.problems)
        return decoded.series

    def _joined(self, pieces: dict[Labels, list[Piece]]) -> Series:
        """The pieces of each series one after the other, merged where they overlap."""
        return joined(pieces, self._merged)

    def _merged(self, labels: Labels, pieces: Sequence[Piece]) -> Sequence[Piece]:
        times, values = (np.concatenate(column) for column in zip(*pieces, strict=True))
        merged = self._noted(settle(self.path, [labels], np.zeros(len(times), dtype=np.int64), times, values))
        return [(merged.times, merged.values)]


def _timed(groups: Iterable[tuple[Group, bool]], pages: Pages) -> Iterator[Group]:
    """The row groups; those without statistics on their times have them read."""
    for group, known in groups:
        if known:
            yield group
        else:
            times = pages.times(group)
            yield replace(group, start=int(times.min()), end=int(times.max()))
