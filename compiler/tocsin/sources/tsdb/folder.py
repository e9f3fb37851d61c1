"""The folder of a block, or of many and a server's log, to a recording."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from tocsin.diagnostics import Problem, ProblemError
from tocsin.labels import format_labels
from tocsin.promql.ast import Matcher
from tocsin.series import Series, with_samples
from tocsin.sources.api import refuse, warning
from tocsin.sources.memory import MemoryRecording
from tocsin.sources.tsdb.block import Block, is_block, open_block
from tocsin.sources.tsdb.extent import first_time
from tocsin.sources.tsdb.file import readable
from tocsin.sources.tsdb.head import head_series, read_log
from tocsin.sources.tsdb.index import Selected
from tocsin.sources.tsdb.meta import Meta, read_meta
from tocsin.sources.tsdb.samples import Oddities, Part, joined, samples

_REMEMBERED = 100_000
"""So many series of selections of blocks are kept, those that were asked for last."""

_OPEN = 100
"""So many blocks are kept open between reads, for each mapped file takes a descriptor."""


def _is_here(_folder: str) -> None:
    """Blocks on this machine need no fetching."""


class TsdbRecording:
    """Blocks, opened when a read needs them, and what a server's logs hold beyond them, as one recording.

    `problems` are what opening and reading found and could live with; reading may find more. `fetch` is called with the
    folder of a block before that is opened, of which only the description needs to be there until then.
    """

    def __init__(
        self,
        path: str,
        metas: Sequence[tuple[str, Meta]],
        head: Sequence[Series] = (),
        problems: Sequence[Problem] = (),
        fetch: Callable[[str], None] = _is_here,
    ) -> None:
        self._path = path
        self._fetch = fetch
        self._metas = sorted(metas, key=lambda entry: (entry[1].start, entry[1].end, entry[1].ulid))
        self._found = tuple(problems)
        self._blocks: OrderedDict[str, Block] = OrderedDict()
        self._selected: OrderedDict[tuple[str, tuple[Matcher, ...]], Selected] = OrderedDict()
        self._odd = Oddities({}, {})
        self._heads = [MemoryRecording(one) for one in head if len(one.times)]
        self._extent = self._edge(1), self._edge(-1)

    @property
    def extent(self) -> tuple[int, int]:
        return self._extent

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (*self._found, *_told(self._path, self._odd))

    def read(self, matchers: Sequence[Matcher], start: int, end: int) -> Series:
        """The series that all matchers accept and that have samples from `start` to `end`, both inclusive."""
        within = [entry for entry in self._metas if entry[1].start <= end and entry[1].end > start]
        chosen = [(block := self._block(*entry), self._select(block, tuple(matchers))) for entry in within]
        labels = tuple(sorted({labels for _, found in chosen for labels in found.labels}))
        place = {one: i for i, one in enumerate(labels)}
        parts = [
            Part(block, found, np.array([place[o] for o in found.labels], dtype=np.int64)) for block, found in chosen
        ]
        found = with_samples(samples(labels, parts, start, end, self._odd))
        for head in self._heads:
            more = head.read(matchers, start, end)
            found = joined(found, more, self._odd) if more.labels and found.labels else found if found.labels else more
        return found

    def _block(self, folder: str, meta: Meta) -> Block:
        if folder not in self._blocks:
            self._fetch(folder)
            self._blocks[folder] = open_block(folder, meta)
            if len(self._blocks) > _OPEN:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(folder)
        return self._blocks[folder]

    def _select(self, block: Block, matchers: tuple[Matcher, ...]) -> Selected:
        key = block.folder, matchers
        if key not in self._selected:
            self._selected[key] = block.select(matchers)
            while len(self._selected) > 1 and sum(len(one.labels) for one in self._selected.values()) > _REMEMBERED:
                self._selected.popitem(last=False)
        self._selected.move_to_end(key)
        return self._selected[key]

    def _edge(self, sign: int) -> int:
        """The time of the first sample, or with `sign` -1 of the last."""
        best = min((sign * head.extent[sign < 0] for head in self._heads), default=None)
        bounds = ((meta.start if sign > 0 else 1 - meta.end, folder, meta) for folder, meta in self._metas)
        for bound, folder, meta in sorted(bounds, key=lambda one: one[0]):
            if best is None or bound < best:
                found = first_time(self._block(folder, meta), sign, Oddities({}, {}))  # a read tells of them
                best = min((one for one in (best, found) if one is not None), default=None)
        if best is None:
            raise refuse("not-a-recording", self._path, "has no samples of floats")
        return sign * best


def _told(path: str, odd: Oddities) -> Iterator[Problem]:
    """What reading met, as warnings."""
    if odd.histograms:
        count = sum(len(chunks) for chunks in odd.histograms.values())
        message = f"{count:,} chunks of native histograms were left out: only series of floats are read"
        yield warning("native-histograms", next(iter(odd.histograms)), message)
    if odd.conflicts:
        count, first = sum(odd.conflicts.values()), format_labels(next(iter(odd.conflicts)))
        message = f"{count:,} samples contradict another at the same time and were dropped, the first in {first}"
        yield warning("out-of-order", path, message)


def accepts(path: str, head: bytes) -> bool:
    """Whether a folder is a block, or holds blocks or a server's log."""
    return not head and (
        is_block(path) or os.path.isdir(os.path.join(path, "wal")) or any(map(is_block, _folders(path)))
    )


def read(path: str, fetch: Callable[[str], None] = _is_here) -> TsdbRecording:
    """The recording in a folder; raises ProblemError."""
    if is_block(path):
        meta = read_meta(path)
        if meta.resolution:
            raise refuse("unsupported", path, _DOWNSAMPLED.format(meta.resolution // 1000), _RAW)
        return TsdbRecording(path, [(path, meta)])
    for _ in range(_TRIES - 1):
        try:
            return _read(path, fetch)
        except ProblemError as error:
            if error.problem.code != "input/missing":
                raise
    return _read(path, fetch)


_TRIES = 3
"""A server that makes a block of its log removes files; nothing is missing for long."""

_DOWNSAMPLED = "a downsampled block, with aggregates of {} s and no samples"
_RAW = "give blocks of raw samples, those with `resolution` 0 in meta.json"


def _read(path: str, fetch: Callable[[str], None]) -> TsdbRecording:
    # The log first: what the server moves from it to a block meanwhile is then read twice, and not missed.
    log = read_log(path)
    metas = {folder: read_meta(folder) for folder in _folders(path) if is_block(folder)}
    parents = {parent for meta in metas.values() for parent in meta.parents}
    used = [(folder, meta) for folder, meta in metas.items() if not meta.resolution and meta.ulid not in parents]
    if metas and not used:
        raise refuse("unsupported", path, "has downsampled blocks only", _RAW)
    in_order, late, lost = head_series(log, max((meta.end for _, meta in used if meta.in_order), default=_BEFORE))
    problems = [
        warning("unsupported", folder, "left out: " + _DOWNSAMPLED.format(meta.resolution // 1000), _RAW)
        for folder, meta in metas.items()
        if meta.resolution
    ]
    counts = (
        (log.histograms, "native-histograms", "records of native histograms were left out: only floats are read"),
        (log.unknown, "unsupported", "records of a kind that is not known were left out"),
        (lost, "lost-series", "samples were left out: no record tells of which series they are"),
    )
    wal = os.path.join(path, "wal")
    problems += [warning(code, wal, f"{count:,} {message}") for count, code, message in counts if count]
    problems += [
        warning("truncated", file, f"the log ends at byte {at}, in the middle of a record that a server was writing")
        for file, at in log.cut
    ]
    return TsdbRecording(path, used, (in_order, late), problems, fetch)


_BEFORE = -(1 << 63)


def _folders(path: str) -> list[str]:
    """The folders in a folder but those that are being made or deleted, sorted."""
    if not os.path.isdir(path):
        return []
    with readable(path), os.scandir(path) as entries:
        return sorted(entry.path for entry in entries if entry.is_dir() and "." not in entry.name)
