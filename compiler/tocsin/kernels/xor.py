"""Chunks of float samples, XOR and XOR2, to times and values (prometheus tsdb/chunkenc/xor.go and xor2.go).

Both hold a number of samples in 16 bits, the first sample whole, the second with the distance of its time, and from
then on the change of that distance and the changed bits of the value. The values are bits here, so that no NaN loses
its payload.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tocsin.kernels.bits import Bytes, Int, Word, peek, uvarint, varint
from tocsin.kernels.compile import kernel
from tocsin.series import STALE_BITS, Times

Bits = npt.NDArray[np.uint64]

_STALE = np.uint64(STALE_BITS)
_WHOLE = np.uint64(64)


@kernel
def top(word: Word, count: Int) -> Word:
    """The first `count` bits of a word, 1 to 64."""
    return word >> (_WHOLE - np.uint64(count))


@kernel
def top_signed(word: Word, count: Int) -> np.int64:
    """The first `count` bits of a word, 1 to 64, in two's complement."""
    return np.int64(word) >> np.int64(64 - count)


@kernel
def leading_ones(word: Word, limit: int) -> int:
    """With how many ones a word begins, at most `limit`."""
    count = 0
    while count < limit and np.int64(word) < 0:
        word <<= np.uint64(1)
        count += 1
    return count


@kernel
def lopsided(number: Word, count: int) -> np.int64:
    """A number of `count` bits that stands for -(2**(count - 1) - 1) to 2**(count - 1), as XOR has them."""
    plain = np.int64(number)
    return plain - (np.int64(1) << np.int64(count)) if plain > np.int64(1) << np.int64(count - 1) else plain


@kernel
def decode_xor(data: Bytes, start: Int, end: Int, times: Times, bits: Bits) -> bool:
    """The samples of an XOR chunk whose bytes, from the number of samples on, are `data[start:end]`.

    `times` int64[n] and `bits` uint64[n] are filled; returns whether the bytes sufficed and made sense.
    """
    n, last = times.size, end * 8
    if n == 0:
        return True
    time, at = varint(data, start + 2)
    value = peek(data, at * 8)
    times[0], bits[0] = time, value
    pos = at * 8 + 64
    step = np.int64(0)
    lead, size = np.int64(0), np.int64(64)
    for i in range(1, n):
        if pos >= last:
            return False
        if i == 1:
            distance, at = uvarint(data, pos >> 3)
            step = np.int64(distance)
            pos = at * 8
            word = peek(data, pos)
        else:
            word = peek(data, pos)
            if np.int64(word) >= 0:
                word <<= np.uint64(1)
                pos += 1
            else:
                ones = leading_ones(word, 4)
                if ones == 4:
                    step += np.int64(peek(data, pos + 4))
                    pos += 68
                    word = peek(data, pos)
                else:
                    width = 14 if ones == 1 else 17 if ones == 2 else 20
                    step += lopsided(top(word << np.uint64(ones + 1), width), width)
                    pos += ones + 1 + width
                    word <<= np.uint64(ones + 1 + width)
        time += step
        if np.int64(word) >= 0:
            pos += 1
        else:
            if np.int64(word << np.uint64(1)) >= 0:
                pos += 2
            else:
                lead = np.int64((word >> np.uint64(57)) & np.uint64(31))
                size = np.int64((word >> np.uint64(51)) & np.uint64(63))
                size = np.int64(64) if size == 0 else size
                pos += 13
            if lead + size > 64:
                return False
            value ^= top(peek(data, pos), size) << np.uint64(64 - lead - size)
            pos += size
        times[i], bits[i] = time, value
    return bool(pos <= last)


@kernel
def skip_varbit(data: Bytes, pos: Int) -> Int:
    """Where a number of one of nine widths ends (prometheus tsdb/chunkenc/varbit.go)."""
    ones = leading_ones(peek(data, pos), 8)
    if ones == 0:
        return pos + 1
    if ones < 6:
        return pos + ones + 1 + (3 * ones if ones < 5 else 18)
    return pos + (7 + 25 if ones == 6 else 8 + 56 if ones == 7 else 8 + 64)


@kernel
def joint(data: Bytes, pos: Int) -> tuple[int, np.int64, Int]:
    """The control bits of a sample of XOR2, from the third on: how many ones, and by how much its distance changes.

    No one: nothing changes; one: the value does; two to four: the distance does, in 13, 20 or 64 bits, and perhaps the
    value; five: a staleness marker at the old distance.
    """
    word = peek(data, pos)
    ones = leading_ones(word, 5)
    if ones == 0 or ones == 5:
        return ones, np.int64(0), pos + max(ones, 1)
    if ones == 1:
        return ones, np.int64(0), pos + 2
    if ones == 4:
        return ones, np.int64(peek(data, pos + 5)), pos + 69
    width = 13 if ones == 2 else 20
    return ones, top_signed(word << np.uint64(ones + 1), width), pos + ones + 1 + width


@kernel
def decode_xor2(data: Bytes, start: Int, end: Int, times: Times, bits: Bits) -> bool:
    """The samples of an XOR2 chunk, as `decode_xor`; start times are passed over.

    A value is told from the last one that was no staleness marker. Where the distance changed, 0 says the same value,
    10 one in the old window, 110 one in a new window, 111 a staleness marker; where only the value did, 0 the old
    window, 1 a new one.
    """
    n, last = times.size, end * 8
    if n == 0:
        return True
    known, changes = data[start + 2] >= 128, np.int64(data[start + 2] & np.uint8(127))
    time, at = varint(data, start + 3)
    value = peek(data, at * 8)
    times[0], bits[0] = time, value
    if value == _STALE:
        value = np.uint64(0)
    pos = at * 8 + 64
    if known:
        _, at = uvarint(data, pos >> 3)
        pos = at * 8
    step = np.int64(0)
    lead, size = np.int64(0), np.int64(64)
    for i in range(1, n):
        if pos >= last:
            return False
        if i == 1:
            distance, at = uvarint(data, pos >> 3)
            step, pos, ones = np.int64(distance), at * 8, 2
        else:
            ones, change, pos = joint(data, pos)
            step += change
        time += step
        prefix = 5 if ones == 5 else 0
        if ones == 1:
            prefix = 1 + leading_ones(peek(data, pos), 1)
            pos += 1
        elif 1 < ones < 5:
            prefix = leading_ones(peek(data, pos), 3)
            pos += min(prefix + 1, 3)
        if prefix == 2:
            word = peek(data, pos)
            lead, size = np.int64(top(word, 5)), np.int64(top(word << np.uint64(5), 6))
            size = np.int64(64) if size == 0 else size
            pos += 11
        if 0 < prefix < 3:
            if lead + size > 64:
                return False
            value ^= top(peek(data, pos), size) << np.uint64(64 - lead - size)
            pos += size
        times[i], bits[i] = time, _STALE if prefix > 2 else value
        if changes > 0 and i >= changes:
            pos = skip_varbit(data, pos)
    return bool(pos <= last)
