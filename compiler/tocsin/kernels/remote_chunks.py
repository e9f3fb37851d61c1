"""Chunks as remote read sends them, without lengths and checksums of their own, to their samples."""

from __future__ import annotations

from tocsin.kernels.bits import Bytes
from tocsin.kernels.chunks import XOR
from tocsin.kernels.compile import kernel
from tocsin.kernels.xor import Bits, decode_xor, decode_xor2
from tocsin.series import Offsets, Times


@kernel
def decode_chunks(data: Bytes, edges: Offsets, encodings: Bytes, to: Offsets, times: Times, bits: Bits) -> int:
    """The samples of chunks of XOR and XOR2; chunk i is `data[edges[i]:edges[i + 1]]`, its samples go to `to[i]` and
    after. Behind the last chunk there are `bits.PAD` bytes. Returns the first chunk that makes no sense, or -1.
    """
    for i in range(encodings.size):
        own = slice(to[i], to[i + 1])
        if encodings[i] == XOR:
            fine = decode_xor(data, edges[i], edges[i + 1], times[own], bits[own])
        else:
            fine = decode_xor2(data, edges[i], edges[i + 1], times[own], bits[own])
        if not fine:
            return i
    return -1
