"""Bytes to numbers at any bit: what the decoders of Prometheus's formats read with.

A position past the end of the array is not checked here: callers pass arrays that are longer than what they decode
by `PAD` bytes, and check where they are before every step that reads fewer.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tocsin.kernels.compile import kernel

Bytes = npt.NDArray[np.uint8]
Int: TypeAlias = int | np.int64
Word: TypeAlias = np.uint64
"""Bits that are shifted: with a signed number beside them they would become a float."""

PAD = 64
"""How far behind the position of its last check a decoder may look."""

_ONE = np.uint64(1)


@kernel
def load(data: Bytes, at: Int) -> Word:
    """Eight bytes as a big-endian number: one instruction, for an unsigned index is never one from the end."""
    i = np.uint64(at)
    word = np.uint64(data[i]) << np.uint64(56)
    word |= np.uint64(data[i + _ONE]) << np.uint64(48)
    word |= np.uint64(data[i + np.uint64(2)]) << np.uint64(40)
    word |= np.uint64(data[i + np.uint64(3)]) << np.uint64(32)
    word |= np.uint64(data[i + np.uint64(4)]) << np.uint64(24)
    word |= np.uint64(data[i + np.uint64(5)]) << np.uint64(16)
    word |= np.uint64(data[i + np.uint64(6)]) << np.uint64(8)
    return word | np.uint64(data[i + np.uint64(7)])


@kernel
def peek(data: Bytes, bit: Int) -> Word:
    """The 64 bits from position `bit` on, the first as the highest."""
    at, shift = bit >> 3, np.uint64(bit & 7)
    return (load(data, at) << shift) | (np.uint64(data[np.uint64(at + 8)]) >> (np.uint64(8) - shift))


@kernel
def uvarint(data: Bytes, at: Int) -> tuple[Word, Int]:
    """An unsigned LEB128 number of up to ten bytes, and where it ends; longer ones end after ten."""
    number, shift = np.uint64(0), np.uint64(0)
    for i in range(at, at + 10):
        byte = np.uint64(data[np.uint64(i)])
        number |= (byte & np.uint64(127)) << shift
        if byte < np.uint64(128):
            return number, i + 1
        shift += np.uint64(7)
    return number, at + 10


@kernel
def signed(number: Word) -> np.int64:
    """A zigzag number: 0, -1, 1, -2, ..."""
    return np.int64(number >> _ONE) ^ -np.int64(number & _ONE)


@kernel
def varint(data: Bytes, at: Int) -> tuple[np.int64, Int]:
    """A zigzag LEB128 number, and where it ends."""
    number, end = uvarint(data, at)
    return signed(number), end
