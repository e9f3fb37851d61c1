"""Samples to the body of a remote write request, which keeps staleness markers as they are.

Source: the remote write 1.0 specification; a protobuf `WriteRequest` in the block format of snappy.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from tests.oracle_numbers import Samples

from tocsin.labels import Labels

HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}


def body(data: Mapping[Labels, Samples]) -> bytes:
    """The request; its series stand in the order of `data`, and Prometheus creates them in that order."""
    return uncompressed(b"".join(_field(1, _series(labels, samples)) for labels, samples in data.items()))


def uncompressed(raw: bytes) -> bytes:
    """A snappy block of one literal whose length has four bytes."""
    return _varint(len(raw)) + bytes([63 << 2]) + struct.pack("<I", len(raw) - 1) + raw


def _series(labels: Labels, samples: Samples) -> bytes:
    names = (_field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in labels)
    points = (_field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(time)) for time, value in samples)
    return b"".join([*names, *points])


def _field(number: int, content: bytes) -> bytes:
    """A field of bytes: wire type 2."""
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
