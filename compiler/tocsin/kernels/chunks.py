"""Chunks of a segment file to their samples: bounds, checksums, and the decoder that each one's encoding asks for.

A chunk is a uvarint of its length, a byte for its encoding, its bytes, and the CRC-32C of encoding and bytes
(prometheus tsdb/docs/format/chunks.md).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tocsin.kernels.bits import PAD, Bytes, Int, uvarint
from tocsin.kernels.compile import kernel
from tocsin.kernels.crc32c import crc32c
from tocsin.kernels.xor import Bits, decode_xor, decode_xor2
from tocsin.series import Offsets, Times

XOR, XOR2 = 1, 4
CHECKSUM, DAMAGED = 1, 2
"""What can be wrong with a chunk: its checksum is another, or its bytes make no sense."""

_SMALLEST_HEAD = 10


@kernel
def be32(data: Bytes, at: Int) -> int:
    """Four bytes as a big-endian number."""
    number = np.int64(0)
    for i in range(at, at + 4):
        number = number << 8 | np.int64(data[np.uint64(i)])
    return int(number)


@kernel
def inspect(data: Bytes, at: Offsets, start: Offsets, end: Offsets, counts: Offsets, encodings: Bytes) -> int:
    """Where the bytes of the chunks at `at` start and end, their encodings, and how many samples they say they have.

    Returns the first chunk that is not inside of the file, or -1.
    """
    for i in range(at.size):
        if at[i] < 8 or at[i] + _SMALLEST_HEAD > data.size:
            return i
        length, body = uvarint(data, at[i])
        if length < 2 or length > np.uint64(data.size):
            return i
        start[i], end[i] = body + 1, body + 1 + np.int64(length)
        if end[i] + 4 > data.size:
            return i
        encodings[i] = data[body]
        counts[i] = np.int64(data[body + 1]) << 8 | np.int64(data[body + 2])
    return -1


@kernel
def decode(
    data: Bytes,
    start: Offsets,
    end: Offsets,
    counts: Offsets,
    encodings: Bytes,
    to: Offsets,
    times: Times,
    bits: Bits,
    faults: npt.NDArray[np.uint8],
) -> None:
    """The samples of chunks: those of chunk i go to `to[i]` and after; `faults[i]` says what is wrong with it.

    Of an encoding other than XOR and XOR2 only the checksum is looked at.
    """
    for i in range(start.size):
        first, last = start[i], end[i]
        if crc32c(data, first - 1, last) != be32(data, last):
            faults[i] = CHECKSUM
            continue
        whole = data
        if last + PAD > data.size:
            whole = np.zeros(last - first + PAD, dtype=np.uint8)
            whole[: last - first] = data[first:last]
            first, last = 0, last - first
        own = slice(to[i], to[i] + counts[i])
        if encodings[i] == XOR:
            fine = decode_xor(whole, first, last, times[own], bits[own])
        elif encodings[i] == XOR2:
            fine = decode_xor2(whole, first, last, times[own], bits[own])
        else:
            fine = True
        if not fine:
            faults[i] = DAMAGED
