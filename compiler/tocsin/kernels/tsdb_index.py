"""Sections of a block's index to arrays of offsets (prometheus tsdb/docs/format/index.md).

Offsets count from the start of the file. A kernel that meets bytes which make no sense returns where.
"""

from __future__ import annotations

import numpy as np

from tocsin.kernels.bits import Bytes, Int, uvarint, varint
from tocsin.kernels.chunks import be32
from tocsin.kernels.compile import kernel
from tocsin.kernels.crc32c import crc32c
from tocsin.series import Offsets, Times


@kernel
def symbol_starts(data: Bytes, at: Int, end: Int, starts: Offsets) -> Int:
    """Where each symbol, a uvarint of its length and its bytes, starts; returns where they end, or -1."""
    for i in range(starts.size):
        if at >= end:
            return -1
        starts[i] = at
        length, body = uvarint(data, at)
        if length > np.uint64(end - body):
            return -1
        at = body + np.int64(length)
    return at


@kernel
def same(data: Bytes, a: Int, b: Int, length: Int) -> bool:
    """Whether two stretches of bytes are equal."""
    for i in range(length):  # noqa: SIM110  a loop, for numba
        if data[np.uint64(a + i)] != data[np.uint64(b + i)]:
            return False
    return True


@kernel
def posting_entries(data: Bytes, at: Int, end: Int, entries: Offsets) -> Int:
    """The table of postings: where name and value of each entry start and end, and the offset of its postings.

    `entries` int64[n, 6]: name start, name end, value start, value end, offset, and whether the name is the one of
    the entry before. Returns where the table ends, or -1.
    """
    for i in range(entries.shape[0]):
        if at >= end or data[at] != 2:
            return -1
        at += 1
        for part in range(2):
            length, body = uvarint(data, at)
            if body >= end or length > np.uint64(end - body):
                return -1
            at = body + np.int64(length)
            entries[i, 2 * part], entries[i, 2 * part + 1] = body, at
        offset, at = uvarint(data, at)
        if at > end:
            return -1
        entries[i, 4] = np.int64(offset)
        size = entries[i, 1] - entries[i, 0]
        entries[i, 5] = (
            i > 0
            and entries[i - 1, 1] - entries[i - 1, 0] == size
            and same(data, entries[i, 0], entries[i - 1, 0], size)
        )
    return at


@kernel
def series_sizes(data: Bytes, at: Offsets, limit: int, labels: Offsets, chunks: Offsets) -> int:
    """How many labels and chunks the series at offsets `at` have; the first entry with a fault is returned, or -1.

    Entries end before `limit`; their checksums and bounds are checked here.
    """
    for i in range(at.size):
        if at[i] < 5 or at[i] >= limit:
            return i
        length, pos = uvarint(data, at[i])
        if pos + 4 > limit or length > np.uint64(limit - pos - 4):
            return i
        end = pos + np.int64(length)
        if crc32c(data, pos, end) != be32(data, end):
            return i
        count, pos = uvarint(data, pos)
        if count > length:
            return i
        labels[i] = np.int64(count)
        for _ in range(2 * labels[i]):
            _, pos = uvarint(data, pos)
        count, pos = uvarint(data, pos)
        if pos > end or count > length:
            return i
        chunks[i] = np.int64(count)
        for _ in range(3 * chunks[i]):
            _, pos = uvarint(data, pos)
            if pos > end:
                return i
        if pos != end:
            return i
    return -1


@kernel
def series_entries(
    data: Bytes, at: Offsets, labels: Offsets, chunks: Offsets, pairs: Offsets, low: Times, high: Times, refs: Offsets
) -> None:
    """What `series_sizes` counted: symbols of names and values in turn, and of each chunk its times and its place.

    `labels` and `chunks` int64[S] are the sizes, `pairs` int64[sum(labels), 2], `low` and `high` the first and last
    time of each chunk, `refs` the number of its segment file times 2**32 plus its offset there.
    """
    pair = chunk = 0
    for i in range(at.size):
        _, pos = uvarint(data, at[i])
        _, pos = uvarint(data, pos)
        for _ in range(labels[i]):
            name, pos = uvarint(data, pos)
            value, pos = uvarint(data, pos)
            pairs[pair, 0], pairs[pair, 1] = np.int64(name), np.int64(value)
            pair += 1
        _, pos = uvarint(data, pos)
        time = ref = np.int64(0)
        for k in range(chunks[i]):
            if k == 0:
                time, pos = varint(data, pos)
            else:
                distance, pos = uvarint(data, pos)
                time += np.int64(distance)
            low[chunk] = time
            distance, pos = uvarint(data, pos)
            time += np.int64(distance)
            high[chunk] = time
            if k == 0:
                first, pos = uvarint(data, pos)
                ref = np.int64(first)
            else:
                step, pos = varint(data, pos)
                ref += step
            refs[chunk] = ref
            chunk += 1
