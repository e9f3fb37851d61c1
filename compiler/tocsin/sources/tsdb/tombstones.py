"""A block's tombstones to the stretches of time that were deleted from its series."""

from __future__ import annotations

import os

from tocsin.sources.tsdb.file import MappedFile, uvarint_at, varint_at

MAGIC = 0x0130BA30

Deleted = dict[int, list[tuple[int, int]]]
"""Stretches of time, both ends inclusive, by the number of the series."""


def read_tombstones(path: str) -> Deleted:
    """What was deleted; nothing where the file is not there, as in blocks that other tools write."""
    if not os.path.exists(path):
        return {}
    file = MappedFile.open(path, MAGIC, 9)
    if file.data[4] != 1:
        raise file.damaged(4, f"tombstones of version {file.data[4]}; known is 1")
    end = file.data.size - 4
    file.check(5, end)
    data, at = file.data[:end].tobytes(), 5
    deleted: Deleted = {}
    try:
        while at < end:
            series, at = uvarint_at(data, at)
            first, at = varint_at(data, at)
            last, at = varint_at(data, at)
            deleted.setdefault(series, []).append((first, last))
    except (IndexError, ValueError):
        raise file.damaged(at, "tombstones that end in the middle") from None
    return deleted
