"""The folder of a block to what can be read of it: index, chunks, and what was deleted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tocsin.labels import Labels, from_mapping, get
from tocsin.promql.ast import Matcher
from tocsin.promql.match import accepts
from tocsin.sources.api import refuse
from tocsin.sources.tsdb.file import MappedFile, readable
from tocsin.sources.tsdb.index import Index, Selected, open_index
from tocsin.sources.tsdb.meta import META, Meta
from tocsin.sources.tsdb.tombstones import Deleted, read_tombstones

SEGMENT_MAGIC = 0x85BD40DD


@dataclass(slots=True, eq=False)
class Block:
    """A block; its segment files are opened when a chunk of theirs is read."""

    folder: str
    meta: Meta
    index: Index
    deleted: Deleted
    _paths: list[str]
    _segments: dict[int, MappedFile] = field(default_factory=dict)

    def everything(self) -> Selected:
        """All series, without their labels."""
        return self._checked(self.index.everything())

    def select(self, matchers: Sequence[Matcher]) -> Selected:
        """The series that all matchers accept; the labels that Thanos gives to a block count as theirs."""
        return self._checked(self._select(matchers))

    def _checked(self, found: Selected) -> Selected:
        """Refuses chunks outside of the times of the block, which decide whether a read looks at it."""
        for i in np.flatnonzero((found.low < self.meta.start) | (found.high >= self.meta.end))[:1]:
            times = f"from {found.low[i]} to {found.high[i]}"
            message = f"the block ends before {self.meta.end} and starts at {self.meta.start}, but has samples {times}"
            raise refuse("damaged", os.path.join(self.folder, META), message, "copy or download the block again")
        return found

    def _select(self, matchers: Sequence[Matcher]) -> Selected:
        given = self.meta.external
        if not given:
            return self.index.select(matchers)
        own = [matcher for matcher in matchers if not get(given, matcher.label)]
        if not all(accepts(matcher, get(given, matcher.label)) for matcher in matchers if matcher not in own):
            return self.index.series(np.zeros(0, dtype=np.int64))
        found = self.index.select(own)
        return replace(found, labels=tuple(_extended(labels, given) for labels in found.labels))

    def segment(self, number: int) -> MappedFile:
        """A segment file of chunks, counted from 0."""
        if number not in self._segments:
            if number >= len(self._paths):
                folder = os.path.join(self.folder, "chunks")
                message = f"the index points into segment file {number + 1}, and there are {len(self._paths)}"
                raise refuse("missing", folder, message, "copy or download the block again")
            file = MappedFile.open(self._paths[number], SEGMENT_MAGIC, 8)
            if file.data[4] != 1:
                raise file.damaged(4, f"chunks of version {file.data[4]}; known is 1")
            self._segments[number] = file
        return self._segments[number]


def is_block(folder: str) -> bool:
    return os.path.isfile(os.path.join(folder, META))


def open_block(folder: str, meta: Meta) -> Block:
    """A block whose meta.json has been read; raises ProblemError."""
    chunks = os.path.join(folder, "chunks")
    with readable(chunks):
        names = sorted((name for name in os.listdir(chunks) if name.isdecimal()), key=int)
    index = open_index(os.path.join(folder, "index"))
    deleted = read_tombstones(os.path.join(folder, "tombstones"))
    return Block(folder, meta, index, deleted, [os.path.join(chunks, name) for name in names])


def _extended(labels: Labels, given: Labels) -> Labels:
    return from_mapping({**dict(labels), **dict(given)})
