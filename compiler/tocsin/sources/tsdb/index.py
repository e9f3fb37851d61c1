"""A block's index to the series that matchers accept: their labels, and where their chunks are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tocsin.kernels.bits import uvarint
from tocsin.kernels.chunks import be32
from tocsin.kernels.tsdb_index import posting_entries, series_entries, series_sizes, symbol_starts
from tocsin.labels import Labels
from tocsin.promql.ast import Matcher
from tocsin.promql.match import accepts
from tocsin.series import Offsets, Times, offsets_of
from tocsin.sources.tsdb.file import MappedFile

MAGIC = 0xBAAAD700
TOC = 52
"""Six offsets of sections and a checksum, at the end."""

Refs = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Selected:
    """Series of a block: `chunks[offsets[i]:offsets[i + 1]]` are those of series i.

    `refs` int64[S] are their numbers in the index, `low` and `high` the first and last time of each chunk, `chunks`
    the number of its segment file times 2**32 plus its offset there.
    """

    labels: tuple[Labels, ...]
    refs: Refs
    offsets: Offsets
    low: Times
    high: Times
    chunks: Refs


@dataclass(slots=True)
class Index:
    """An index of version 1, 2 or 3; its symbols and its table of postings are checked when it is opened."""

    file: MappedFile
    version: int
    symbols: Offsets
    series_end: int
    entries: Refs
    names: dict[str, list[tuple[int, int]]]
    _values: dict[str, dict[str, int]] = field(default_factory=dict)
    _strings: dict[int, str] = field(default_factory=dict)

    def select(self, matchers: Sequence[Matcher]) -> Selected:
        """The series that all matchers accept, in the order of the index."""
        return self.series(self._postings(matchers))

    def series(self, refs: Refs, *, named: bool = True) -> Selected:
        """Labels, if they are to be `named`, and chunks of series; refuses an entry that is damaged."""
        data = self.file.data
        at = refs if self.version == 1 else refs * 16
        labels, chunks = np.zeros(len(at), dtype=np.int64), np.zeros(len(at), dtype=np.int64)
        bad = series_sizes(data, at, self.series_end, labels, chunks)
        if bad >= 0:
            raise self.file.damaged(int(at[bad]), "not a series with its checksum")
        pairs = np.empty((int(labels.sum()), 2), dtype=np.int64)
        low, high, place = (np.empty(int(chunks.sum()), dtype=np.int64) for _ in range(3))
        series_entries(data, at, labels, chunks, pairs, low, high, place)
        return Selected(self._labels(pairs, labels) if named else (), refs, offsets_of(chunks), low, high, place)

    def everything(self) -> Selected:
        """All series, without their labels."""
        return self.series(self._postings(()), named=False)

    def _labels(self, pairs: Refs, sizes: Offsets) -> tuple[Labels, ...]:
        strings = self._strings
        for ref in np.setdiff1d(pairs, np.fromiter(strings, dtype=np.int64, count=len(strings))).tolist():
            strings[ref] = self._symbol(ref)
        names, values = ([strings[ref] for ref in column] for column in pairs.T.tolist())
        every = list(zip(names, values, strict=True))
        ends = np.cumsum(sizes).tolist()
        return tuple(tuple(every[end - size : end]) for end, size in zip(ends, sizes.tolist(), strict=True))

    def _symbol(self, ref: int) -> str:
        """Symbols are numbered, in version 1 by their offset."""
        known = ref in self.symbols if self.version == 1 else ref < len(self.symbols)
        if not known:
            raise self.file.damaged(0, f"a series names symbol {ref}, and there are {len(self.symbols)}")
        length, at = uvarint(self.file.data, ref if self.version == 1 else int(self.symbols[ref]))
        return self._text(int(at), int(at) + int(length))

    def _text(self, start: int, end: int) -> str:
        try:
            return self.file.data[start:end].tobytes().decode()
        except UnicodeDecodeError:
            raise self.file.damaged(start, "a label that is not UTF-8") from None

    def _postings(self, matchers: Sequence[Matcher]) -> Refs:
        """The numbers of the series that all matchers accept. One that accepts no label at all only takes away."""
        found: Refs | None = None
        away: list[Refs] = []
        for matcher in matchers:
            if accepts(matcher, ""):
                away.append(self._union(self._chosen(matcher, wanted=False)))
            else:
                refs = self._union(self._chosen(matcher, wanted=True))
                found = refs if found is None else np.intersect1d(found, refs, assume_unique=True)
        if found is None:
            found = self._union([self._of("").get("", 0)])
        for refs in away:
            found = np.setdiff1d(found, refs, assume_unique=True)
        return found

    def _chosen(self, matcher: Matcher, *, wanted: bool) -> Iterable[int]:
        """The offsets of the postings of the values that a matcher accepts, or of those that it does not."""
        values = self._of(matcher.label)
        if matcher.op in ("=", "!=") and matcher.value:
            return [values[matcher.value]] if matcher.value in values else []
        return [offset for value, offset in values.items() if accepts(matcher, value) is wanted]

    def _of(self, name: str) -> dict[str, int]:
        """The values of a label, and where the postings of each are."""
        if name not in self._values:
            self._values[name] = {
                self._text(start, end): offset
                for first, last in self.names.get(name, [])
                for start, end, offset in self.entries[first:last, 2:5].tolist()
            }
        return self._values[name]

    def _union(self, offsets: Iterable[int]) -> Refs:
        lists = [self._list(offset) for offset in offsets]
        if len(lists) == 1:
            return lists[0]
        return np.unique(np.concatenate(lists)) if lists else np.zeros(0, dtype=np.int64)

    def _list(self, offset: int) -> Refs:
        start, end, count = self.file.section(offset)
        if end - start != 4 * count:
            raise self.file.damaged(offset, f"{count} postings in {end - start} bytes")
        refs = self.file.data[start:end].view(">u4").astype(np.int64)
        if not (np.diff(refs) > 0).all():
            raise self.file.damaged(offset, "postings that do not rise")
        return refs


def open_index(path: str) -> Index:
    """The index of a block; raises ProblemError."""
    file = MappedFile.open(path, MAGIC, 5 + TOC)
    version = int(file.data[4])
    if version not in (1, 2, 3):
        raise file.damaged(4, f"an index of version {version}; known are 1 to 3")
    toc = file.data.size - TOC
    file.check(toc, file.data.size - 4)
    symbols, series, label_index, label_table, postings, table = (
        be32(file.data, toc + 8 * i) << 32 | be32(file.data, toc + 8 * i + 4) for i in range(6)
    )
    after = [at for at in (label_index, label_table, postings, table, toc) if at > series]
    entries = _entries(file, table)
    return Index(file, version, _symbols(file, symbols), min(after), entries, _names(file, entries))


def _symbols(file: MappedFile, at: int) -> Offsets:
    first, end, count = file.section(at)
    if count > end - first:
        raise file.damaged(at, f"{count} symbols in {end - first} bytes")
    starts = np.empty(count, dtype=np.int64)
    if symbol_starts(file.data, first, end, starts) != end:
        raise file.damaged(at, "symbols that do not fill their section")
    return starts


def _entries(file: MappedFile, at: int) -> Refs:
    first, end, count = file.section(at)
    if count > end - first:
        raise file.damaged(at, f"{count} postings in {end - first} bytes")
    entries = np.empty((count, 6), dtype=np.int64)
    if posting_entries(file.data, first, end, entries) != end:
        raise file.damaged(at, "a table of postings that does not fill its section")
    return entries


def _names(file: MappedFile, entries: Refs) -> dict[str, list[tuple[int, int]]]:
    """The stretches of the table that belong to each label."""
    firsts = np.flatnonzero(entries[:, 5] == 0).tolist()
    names: dict[str, list[tuple[int, int]]] = {}
    for first, last in zip(firsts, [*firsts[1:], len(entries)], strict=True):
        start, end = entries[first, :2].tolist()
        name = file.data[start:end].tobytes().decode("utf-8", "replace")
        names.setdefault(name, []).append((first, last))
    return names
