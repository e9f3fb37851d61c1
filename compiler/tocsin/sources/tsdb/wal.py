"""A folder of Prometheus's write-ahead log to its records (prometheus tsdb/docs/format/wal.md)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cramjam
import numpy as np

from tocsin.diagnostics import ProblemError
from tocsin.kernels.wal import CHECKSUM, HEADER, PAGE, TORN, fragments
from tocsin.sources.api import refuse
from tocsin.sources.tsdb.file import readable

_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_SNAPPY, _ZSTD = 8, 16
_SNAPSHOT = "take a snapshot of the server (`POST /api/v1/admin/tsdb/snapshot`) and give that folder instead"


@dataclass(frozen=True, slots=True)
class Record:
    """A record, unpacked; `path` and `offset` are of its last fragment. One without content ends a log too early."""

    path: str
    offset: int
    content: bytes

    def damaged(self, what: str) -> ProblemError:
        return _damaged(self.path, self.offset, what)


def segments(folder: str, after: int = -1) -> list[str]:
    """The segment files of a log, those of numbers above `after`; refuses a log with a gap."""
    if not os.path.isdir(folder):
        return []
    with readable(folder):
        found = sorted((int(name), name) for name in os.listdir(folder) if name.isdecimal() and int(name) > after)
    for (one, name), (other, _) in pairwise(found):
        if other != one + 1:
            raise refuse("missing", os.path.join(folder, name), f"segment {one + 1} of the log is not there", _SNAPSHOT)
    return [os.path.join(folder, name) for _, name in found]


def records(paths: list[str]) -> Iterator[Record]:
    """The records of segment files in their order.

    A server may be writing the last one: a record that has not ended there is none yet, and is given without content.
    """
    parts: list[bytes] = []
    for path in paths:
        with readable(path), open(path, "rb") as file:
            content = file.read()
        for kind, start, end in _fragments(path, content, last=path == paths[-1]):
            if not kind:
                yield Record(path, start, b"")
                return
            kind, packing = kind & 7, kind & (_SNAPPY | _ZSTD)
            if (kind in (_FULL, _FIRST)) == bool(parts) or kind > _LAST:
                raise _damaged(path, start - HEADER, "a part of a record that does not follow from the one before")
            parts.append(content[start:end])
            if kind in (_FULL, _LAST):
                yield Record(path, start - HEADER, _unpacked(path, start - HEADER, b"".join(parts), packing))
                parts = []


def _fragments(path: str, content: bytes, *, last: bool) -> Iterator[tuple[int, int, int]]:
    """The parts of records in a segment file: type, 0 for one that is cut, and where the bytes start and end."""
    data = np.frombuffer(content, dtype=np.uint8)
    found = np.empty((PAGE // HEADER, 3), dtype=np.int64)
    for page in range(0, len(data), PAGE):
        count, fault, at = fragments(data, page, found)
        yield from found[:count].tolist()
        if fault == TORN and last:
            yield 0, int(at), int(at)
            return
        if fault:
            raise _damaged(path, int(at), "wrong checksum" if fault == CHECKSUM else "not a part of a log")


def _unpacked(path: str, offset: int, content: bytes, packing: int) -> bytes:
    if not packing:
        return content
    try:
        if packing == _SNAPPY:
            return bytes(cramjam.snappy.decompress_raw(content))
        return bytes(cramjam.zstd.decompress(content))
    except cramjam.DecompressionError:
        raise _damaged(path, offset, "a record that cannot be decompressed") from None


def _damaged(path: str, offset: int, what: str) -> ProblemError:
    return refuse("damaged", path, f"at byte {offset}: {what}", _SNAPSHOT)
