"""Chunks of blocks to the samples of series: decoded by all cores, what was deleted left out, overlaps made one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from tocsin.kernels.chunks import CHECKSUM, XOR, XOR2, decode, inspect
from tocsin.kernels.merge import clip, merge_runs, unordered
from tocsin.kernels.threads import cores, over_rows
from tocsin.kernels.xor import Bits
from tocsin.labels import Labels
from tocsin.series import Mask, Offsets, Series, Times, offsets_of
from tocsin.sources.tsdb.block import Block
from tocsin.sources.tsdb.file import MappedFile
from tocsin.sources.tsdb.index import Refs, Selected

HISTOGRAMS = (2, 3, 5, 6)
"""Encodings of chunks of native histograms (prometheus tsdb/chunkenc/chunk.go)."""

_SHARE = 1024
"""Chunks that one core decodes in one go."""


@dataclass(frozen=True, slots=True)
class Part:
    """The series of one block that were asked for; `owner` int64 is the place of each among all series."""

    block: Block
    selected: Selected
    owner: Refs


@dataclass(frozen=True, slots=True)
class Chunks:
    """Chunks in the order of their samples: of which series and part, the first and last time, and where they are."""

    owner: Refs
    part: Refs
    series: Refs
    low: Times
    high: Times
    place: Refs

    def only(self, kept: Mask | Refs) -> Chunks:
        return Chunks(*(getattr(self, name)[kept] for name in Chunks.__slots__))


@dataclass(frozen=True, slots=True)
class Oddities:
    """What reading met and could live with: chunks of histograms by file, and samples that contradict others."""

    histograms: dict[str, set[int]]
    conflicts: dict[Labels, int]


def chunks_of(parts: Sequence[Part], start: int, end: int) -> Chunks:
    """The chunks that may have samples from `start` to `end`, sorted by series, and then by block and time."""
    tables = [table(number, part) for number, part in enumerate(parts)]
    inside = [one.only((one.low <= end) & (one.high >= start)) for one in tables]
    columns = ([getattr(one, name) for one in inside] for name in Chunks.__slots__)
    joined = Chunks(*(np.concatenate([np.zeros(0, dtype=np.int64), *column]) for column in columns))
    return joined.only(np.argsort(joined.owner, kind="stable"))


def table(number: int, part: Part) -> Chunks:
    """All chunks of the series of a part, in the order of its index."""
    found = part.selected
    series = np.repeat(np.arange(len(found.refs)), np.diff(found.offsets))
    block = np.full(len(series), number)
    return Chunks(part.owner[series], block, found.refs[series], found.low, found.high, found.chunks)


def samples(labels: tuple[Labels, ...], parts: Sequence[Part], start: int, end: int, odd: Oddities) -> Series:
    """The samples of series from `start` to `end`, both inclusive; raises ProblemError where a chunk is damaged."""
    chunks = chunks_of(parts, start, end)
    to, times, bits = decoded([part.block for part in parts], chunks, odd)
    offsets = to[np.searchsorted(chunks.owner, np.arange(len(labels) + 1))]
    kept = not_deleted(parts, chunks, to, times)
    every = rising(_only(Series(labels, offsets, times, bits.view(np.float64)), kept), odd)
    inside = bool(len(chunks.low)) and (chunks.low.min() < start or chunks.high.max() > end)
    return _clipped(every, start, end) if inside else every


def decoded(blocks: Sequence[Block], chunks: Chunks, odd: Oddities) -> tuple[Offsets, Times, Bits]:
    """The samples of chunks, those of chunk i from `offsets[i]` to `offsets[i + 1]`; none of native histograms."""
    frames = list(_frames(blocks, chunks, odd))
    counts = np.zeros(len(chunks.place), dtype=np.int64)
    for frame in frames:
        counts[frame.which] = frame.counts
    to = offsets_of(counts)
    times, bits = np.empty(to[-1], dtype=np.int64), np.empty(to[-1], dtype=np.uint64)
    list(_pool().map(lambda share: share.decode(to, times, bits), [s for frame in frames for s in frame.shares()]))
    for frame in frames:
        frame.check(chunks, to, times)
    return to, times, bits


@dataclass(frozen=True, slots=True)
class _Frames:
    """Chunks of one segment file, found but not read: `which` of all they are, and where each one's bytes are."""

    file: MappedFile
    which: Refs
    place: Refs
    start: Offsets
    end: Offsets
    counts: Offsets
    encodings: npt.NDArray[np.uint8]
    faults: npt.NDArray[np.uint8]

    def shares(self) -> Iterator[_Frames]:
        """Pieces for one core each; they share their arrays with the whole."""
        for first in range(0, len(self.which), _SHARE):
            piece = slice(first, first + _SHARE)
            yield _Frames(self.file, *(getattr(self, name)[piece] for name in _Frames.__slots__[1:]))

    def decode(self, to: Offsets, times: Times, bits: Bits) -> None:
        sizes = self.start, self.end, self.counts, self.encodings
        decode(self.file.data, *sizes, to[self.which], times, bits, self.faults)

    def check(self, chunks: Chunks, to: Offsets, times: Times) -> None:
        """Refuses chunks that are damaged, or not the ones that the index tells of."""
        for i in np.flatnonzero(self.faults)[:1]:
            what = "wrong checksum of a chunk" if self.faults[i] == CHECKSUM else "a chunk that ends in the middle"
            raise self.file.damaged(int(self.place[i]), what)
        some = np.flatnonzero(self.counts)
        which = self.which[some]
        foreign = (times[to[which]] < chunks.low[which]) | (times[to[which + 1] - 1] > chunks.high[which])
        for i in some[foreign][:1]:
            raise self.file.damaged(int(self.place[i]), "a chunk with other times than the index has for it")


def _frames(blocks: Sequence[Block], chunks: Chunks, odd: Oddities) -> Iterator[_Frames]:
    """The chunks by segment file; those of histograms count as chunks without samples."""
    files = chunks.part << 32 | chunks.place >> 32
    for key in np.unique(files).tolist():
        file = blocks[key >> 32].segment(key & 0xFFFFFFFF)
        which = np.flatnonzero(files == key)
        place = chunks.place[which] & 0xFFFFFFFF
        start, end, counts = (np.empty(len(which), dtype=np.int64) for _ in range(3))
        encodings, faults = np.empty(len(which), dtype=np.uint8), np.zeros(len(which), dtype=np.uint8)
        bad = inspect(file.data, place, start, end, counts, encodings)
        if bad >= 0:
            message = f"the file ends at byte {file.data.size}, before the chunk that the index has here"
            raise file.damaged(int(place[bad]), message)
        histograms = np.isin(encodings, HISTOGRAMS)
        for i in np.flatnonzero(~histograms & ~np.isin(encodings, (XOR, XOR2)))[:1]:
            raise file.damaged(int(place[i]), f"a chunk of encoding {encodings[i]}; known are {XOR} and {XOR2}")
        if histograms.any():
            counts[histograms] = 0
            odd.histograms.setdefault(file.path, set()).update(place[histograms].tolist())
        yield _Frames(file, which, place, start, end, counts, encodings, faults)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cores())


def not_deleted(parts: Sequence[Part], chunks: Chunks, to: Offsets, times: Times) -> Mask | None:
    """Which samples no tombstone covers; None where none is covered."""
    kept: Mask | None = None
    for number, part in enumerate(parts):
        if not part.block.deleted:
            continue
        touched = np.isin(chunks.series, list(part.block.deleted)) & (chunks.part == number)
        for i in np.flatnonzero(touched).tolist():
            own = slice(to[i], to[i + 1])
            for first, last in part.block.deleted[int(chunks.series[i])]:
                kept = np.ones(len(times), dtype=np.bool_) if kept is None else kept
                kept[own] &= (times[own] < first) | (times[own] > last)
    return kept


def _only(every: Series, kept: Mask | None) -> Series:
    if kept is None or kept.all():
        return every
    return Series(every.labels, offsets_of(kept)[every.offsets], every.times[kept], every.values[kept])


def rising(every: Series, odd: Oddities) -> Series:
    """Series in which parts that overlap in time, one after the other, have become one; changes the arrays it gets."""
    falling = np.zeros(len(every.labels), dtype=np.bool_)

    def look(rows: slice) -> None:
        unordered(every.times, every.offsets[rows.start : rows.stop + 1], falling[rows])

    over_rows(look, len(every.labels), len(every.times))
    found = np.flatnonzero(falling)
    kept = np.ones(len(every.times) if len(found) else 0, dtype=np.bool_)
    bits = every.values.view(np.uint64)
    for i in found.tolist():
        own = slice(every.offsets[i], every.offsets[i + 1])
        times, values = np.empty_like(every.times[own]), np.empty_like(bits[own])
        length, conflicts = merge_runs(every.times[own], bits[own], times, values)
        every.times[own], bits[own] = times, values
        kept[own.start + length : own.stop] = False
        if conflicts:
            odd.conflicts[every.labels[i]] = max(conflicts, odd.conflicts.get(every.labels[i], 0))
    return _only(every, kept if len(found) else None)


def _clipped(every: Series, start: int, end: int) -> Series:
    offsets = np.empty_like(every.offsets)
    clip(every.times, every.values.view(np.uint64), every.offsets, start, end, offsets)
    return Series(every.labels, offsets, every.times[: offsets[-1]], every.values[: offsets[-1]])


def joined(a: Series, b: Series, odd: Oddities) -> Series:
    """Two recordings of series as one; where they contradict each other, as with blocks that overlap."""
    labels = tuple(sorted({*a.labels, *b.labels}))
    place = {one: i for i, one in enumerate(labels)}
    owner = np.array([place[one] for series in (a, b) for one in series.labels], dtype=np.int64)
    sizes = np.concatenate((np.diff(a.offsets), np.diff(b.offsets)))
    order = np.argsort(np.repeat(owner, sizes), kind="stable")
    offsets = offsets_of(np.bincount(owner, sizes, len(labels)))
    times = np.concatenate((a.times, b.times))[order]
    return rising(Series(labels, offsets, times, np.concatenate((a.values, b.values))[order]), odd)
