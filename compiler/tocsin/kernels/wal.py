"""Pages and records of Prometheus's write-ahead log to fragments and samples (tsdb/docs/format/wal.md)."""

from __future__ import annotations

import numpy as np

from tocsin.kernels.bits import Bytes, Int, load, uvarint, varint
from tocsin.kernels.chunks import be32
from tocsin.kernels.compile import kernel
from tocsin.kernels.crc32c import crc32c
from tocsin.kernels.xor import Bits
from tocsin.series import Mask, Offsets, Times

PAGE, HEADER = 1 << 15, 7
DONE, TORN, CHECKSUM, GARBAGE = 0, 1, 2, 3
"""How a page ends: well, in a fragment that the file does not hold to its end, or in one that is damaged."""


@kernel
def fragments(data: Bytes, at: Int, found: Offsets) -> tuple[int, int, Int]:
    """The fragments of the page at `at`: how many, how the page ends, and where.

    `found` int64[PAGE // HEADER, 3] gets the type byte of each, and where its bytes start and end.
    """
    end, count = min(at + PAGE, data.size), 0
    while at + HEADER <= end and data[at] != 0:
        size = np.int64(data[at + 1]) << 8 | np.int64(data[at + 2])
        first = at + HEADER
        if first + size > end:
            return count, TORN if end == data.size else GARBAGE, at
        if crc32c(data, first, first + size) != be32(data, at + 3):
            return count, CHECKSUM, at
        found[count, 0], found[count, 1], found[count, 2] = data[at], first, first + size
        count += 1
        at = first + size
    for i in range(at, end):
        if data[i] != 0:
            return count, TORN if end == data.size and at + HEADER > end else GARBAGE, at
    return count, DONE, end


@kernel
def samples_v1(data: Bytes, end: int, refs: Bits, times: Times, bits: Bits) -> int:
    """The samples of a record of type 2, whose bytes end at `end`; returns how many, or -1 where they make no sense."""
    if end < 17:
        return 0 if end == 1 else -1
    ref, time, count = np.int64(load(data, 1)), np.int64(load(data, 9)), 0
    at: Int = 17
    while at < end:
        by, at = varint(data, at)
        after, at = varint(data, at)
        if at + 8 > end:
            return -1
        refs[count], times[count], bits[count] = np.uint64(ref + by), time + after, load(data, at)
        count += 1
        at += 8
    return count


@kernel
def samples_v2(data: Bytes, end: int, refs: Bits, times: Times, bits: Bits) -> int:
    """The samples of a record of type 11, as `samples_v1`; their start times are passed over."""
    at: Int = 1
    count, ref, first = 0, np.int64(0), np.int64(0)
    while at < end:
        by, at = varint(data, at)
        after, at = varint(data, at)
        ref += by
        if count == 0:
            first = after
            _, at = uvarint(data, at)
        else:
            marker = data[at]
            at += 1
            if marker > 1:  # neither none nor the one before
                _, at = uvarint(data, at)
        if at + 8 > end:
            return -1
        refs[count], times[count] = np.uint64(ref), first + (after if count else np.int64(0))
        bits[count] = load(data, at)
        count += 1
        at += 8
    return count


@kernel
def rising(times: Times, offsets: Offsets, kept: Mask) -> None:
    """Of each series the samples that are newer than all before them, as the head takes them in."""
    for s in range(offsets.size - 1):
        some, newest = False, np.int64(0)
        for i in range(offsets[s], offsets[s + 1]):
            kept[i] &= not some or times[i] > newest
            if kept[i]:
                some, newest = True, times[i]
