"""Samples to XOR chunks, framed as a segment file holds them (prometheus tsdb/chunkenc/xor.go)."""

from __future__ import annotations

import numpy as np

from tocsin.kernels.bits import Bytes, Int, Word
from tocsin.kernels.chunks import XOR
from tocsin.kernels.compile import kernel
from tocsin.kernels.crc32c import crc32c
from tocsin.kernels.xor import Bits
from tocsin.series import Offsets, Times

WORST_SAMPLE, WORST_CHUNK = 19, 64
"""Bytes that no sample exceeds (68 bits of time, 77 of value), nor a chunk besides its samples."""

_EIGHT, _WHOLE = np.uint64(8), np.uint64(64)
_ONE = np.uint64(1)


@kernel
def put(out: Bytes, bit: Int, value: Word, count: Int) -> Int:
    """The lowest `count` bits of a value, 1 to 64, at position `bit` of bytes that are zero from there on."""
    word = value << (_WHOLE - np.uint64(count))
    at, used = bit >> 3, bit & 7
    out[at] |= np.uint8(word >> np.uint64(56 + used))
    word <<= np.uint64(8 - used)
    for i in range(at + 1, (bit + count + 7) >> 3):
        out[i] = np.uint8(word >> np.uint64(56))
        word <<= _EIGHT
    return bit + count


@kernel
def put_uvarint(out: Bytes, at: Int, number: Word) -> Int:
    """An unsigned LEB128 number; returns where it ends."""
    while number >= np.uint64(128):
        out[at] = np.uint8(number & np.uint64(127) | np.uint64(128))
        number >>= np.uint64(7)
        at += 1
    out[at] = np.uint8(number)
    return at + 1


@kernel
def zigzag(number: Int) -> Word:
    """A signed number as LEB128 has it: 0, -1, 1, -2, ... counted from 0."""
    return np.uint64((np.int64(number) << np.int64(1)) ^ (np.int64(number) >> np.int64(63)))


@kernel
def put_change(out: Bytes, pos: Int, change: Int) -> Int:
    """By how much the distance to the sample before changed; each width stands for one more above than below zero."""
    if change == 0:
        return put(out, pos, np.uint64(0), 1)
    for ones in range(1, 4):
        width = 14 if ones == 1 else 17 if ones == 2 else 20
        if -(1 << (width - 1)) < change <= 1 << (width - 1):
            pos = put(out, pos, np.uint64((1 << (ones + 1)) - 2), ones + 1)
            return put(out, pos, np.uint64(change), width)
    return put(out, put(out, pos, np.uint64(15), 4), np.uint64(change), 64)


@kernel
def encode_xor(times: Times, bits: Bits, out: Bytes, at: Int) -> Int:
    """A chunk from its number of samples on, at `out[at]`, where all is zero; returns where it ends."""
    n = times.size
    out[at], out[at + 1] = np.uint8(n >> 8), np.uint8(n & 255)
    at = put_uvarint(out, at + 2, zigzag(times[0]))
    pos = put(out, at * 8, bits[0], 64)
    step = np.int64(0)
    lead, trail = 64, 64  # no window yet: none is as narrow
    for i in range(1, n):
        distance = times[i] - times[i - 1]
        pos = 8 * put_uvarint(out, pos >> 3, np.uint64(distance)) if i == 1 else put_change(out, pos, distance - step)
        step = distance
        changed = bits[i] ^ bits[i - 1]
        if changed == 0:
            pos = put(out, pos, changed, 1)
            continue
        zeros, trailing = 0, 0
        while zeros < 31 and (changed >> np.uint64(63 - zeros)) == 0:
            zeros += 1
        while (changed >> np.uint64(trailing)) & _ONE == 0:
            trailing += 1
        if zeros >= lead and trailing >= trail:
            pos = put(out, pos, np.uint64(2), 2)
        else:
            lead, trail = zeros, trailing
            pos = put(out, pos, np.uint64(3 << 11 | lead << 6 | (64 - lead - trail) & 63), 13)
        pos = put(out, pos, changed >> np.uint64(trail), 64 - lead - trail)
    return (pos + 7) >> 3


@kernel
def encode(times: Times, bits: Bits, start: Offsets, end: Offsets, out: Bytes, places: Offsets) -> Int:
    """The chunks `[start[i]:end[i]]` one after the other; returns where they end.

    `out` uint8 is all zero, and holds `WORST_SAMPLE` for each sample and `WORST_CHUNK` for each chunk; `places` int64
    of where each chunk starts is filled.
    """
    at = np.int64(0)
    for i in range(start.size):
        places[i] = at
        samples = slice(start[i], end[i])
        # The length stands in front, in as many bytes as it needs: leave room, then close the gap.
        body = at + 11
        last = encode_xor(times[samples], bits[samples], out, body)
        first = put_uvarint(out, at, np.uint64(last - body))
        out[first] = XOR
        size = last - body
        for k in range(size):
            out[first + 1 + k] = out[body + k]
        last = first + 1 + size
        checksum = crc32c(out, first, last)
        for k in range(4):
            out[last + k] = np.uint8((checksum >> np.uint32(24 - 8 * k)) & np.uint32(255))
        at = last + 4
        out[at : body + size] = 0
    return at
