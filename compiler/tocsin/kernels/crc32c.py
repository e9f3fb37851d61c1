"""Bytes to their CRC-32C (Castagnoli), sixteen at a time by sixteen tables (Kounavis and Berry 2005).

A library's hardware instruction is faster for each byte, but a call for each chunk of 200 bytes costs more than the
sum itself; here it is part of the loop that decodes. Measured: 5.0 GB a second, 2.3 with eight tables.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tocsin.kernels.bits import Bytes, Int
from tocsin.kernels.compile import kernel

_POLYNOMIAL = 0x82F63B78


def _tables() -> npt.NDArray[np.uint32]:
    tables = np.zeros((16, 256), dtype=np.uint32)
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
        tables[0, byte] = crc
    for i in range(1, 16):
        tables[i] = tables[i - 1] >> 8 ^ tables[0][tables[i - 1] & 255]
    return tables


_T0, _T1, _T2, _T3, _T4, _T5, _T6, _T7, _T8, _T9, _T10, _T11, _T12, _T13, _T14, _T15 = _tables()
_LOW = np.uint32(255)


@kernel
def crc32c(data: Bytes, start: Int, end: Int) -> np.uint32:
    """The checksum of `data[start:end]`."""
    crc = np.uint32(0xFFFFFFFF)
    i, last = np.uint64(start), np.uint64(end)
    one = np.uint64(1)
    while i + np.uint64(16) <= last:
        crc ^= (
            np.uint32(data[i])
            | np.uint32(data[i + one]) << np.uint32(8)
            | np.uint32(data[i + np.uint64(2)]) << np.uint32(16)
            | np.uint32(data[i + np.uint64(3)]) << np.uint32(24)
        )
        # What does not depend on the sum so far comes first: the processor is ahead with it.
        rest = (
            _T11[data[i + np.uint64(4)]]
            ^ _T10[data[i + np.uint64(5)]]
            ^ _T9[data[i + np.uint64(6)]]
            ^ _T8[data[i + np.uint64(7)]]
            ^ _T7[data[i + np.uint64(8)]]
            ^ _T6[data[i + np.uint64(9)]]
            ^ _T5[data[i + np.uint64(10)]]
            ^ _T4[data[i + np.uint64(11)]]
            ^ _T3[data[i + np.uint64(12)]]
            ^ _T2[data[i + np.uint64(13)]]
            ^ _T1[data[i + np.uint64(14)]]
            ^ _T0[data[i + np.uint64(15)]]
        )
        crc = (
            _T15[crc & _LOW]
            ^ _T14[(crc >> np.uint32(8)) & _LOW]
            ^ _T13[(crc >> np.uint32(16)) & _LOW]
            ^ _T12[crc >> np.uint32(24)]
            ^ rest
        )
        i += np.uint64(16)
    while i < last:
        crc = _T0[(crc ^ np.uint32(data[i])) & _LOW] ^ (crc >> np.uint32(8))
        i += one
    return crc ^ np.uint32(0xFFFFFFFF)
