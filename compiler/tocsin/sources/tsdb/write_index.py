"""Series and the places of their chunks to the index of a block, version 2 (prometheus tsdb/docs/format/index.md)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from tocsin.kernels.crc32c import crc32c
from tocsin.labels import Labels
from tocsin.sources.api import refuse
from tocsin.sources.tsdb.index import MAGIC

Chunk = tuple[int, int, int]
"""First and last time, and the number of the segment file times 2**32 plus the offset there."""


def index_bytes(path: str, labels: Sequence[Labels], chunks: Sequence[Sequence[Chunk]]) -> bytes:
    """The index of series that are sorted by labels; raises ProblemError, for `path`, where it would be too large."""
    out = bytearray(struct.pack(">IB", MAGIC, 2))
    symbols = sorted({text for one in labels for pair in one for text in pair})
    number = {text: i for i, text in enumerate(symbols)}
    at_symbols = _section(out, len(symbols), b"".join(_string(text) for text in symbols))
    at_series, refs = len(out), []
    for one, own in zip(labels, chunks, strict=True):
        out += bytes(-len(out) % 16)
        refs.append(len(out) // 16)
        content = _series([number[text] for pair in one for text in pair], own)
        out += uvarint(len(content)) + content + checksum(content)
    if len(out) // 16 >= 1 << 32:
        raise refuse("too-large", path, "more series than a block can hold", "write shorter blocks")
    lists = _postings(labels, refs)
    at_label_index = _section(out, 0, b"")  # not read since version 2
    at_postings, entries = len(out), bytearray()
    for (name, value), found in lists:
        out += bytes(-len(out) % 4)
        offset = _section(out, len(found), np.array(found, dtype=">u4").tobytes())
        entries += b"\x02" + _string(name) + _string(value) + uvarint(offset)
    at_table = _section(out, len(lists), bytes(entries))
    toc = struct.pack(">6Q", at_symbols, at_series, at_label_index, at_label_index, at_postings, at_table)
    return bytes(out + toc + checksum(toc))


def _postings(labels: Sequence[Labels], refs: Sequence[int]) -> list[tuple[tuple[str, str], list[int]]]:
    """The series that have each label, sorted, after the list of them all."""
    lists: dict[tuple[str, str], list[int]] = {("", ""): list(refs)}
    for one, ref in zip(labels, refs, strict=True):
        for pair in one:
            lists.setdefault(pair, []).append(ref)
    return sorted(lists.items(), key=lambda item: item[0])


def _series(symbols: Sequence[int], chunks: Sequence[Chunk]) -> bytes:
    content = bytearray(uvarint(len(symbols) // 2))
    for symbol in symbols:
        content += uvarint(symbol)
    content += uvarint(len(chunks))
    before: Chunk | None = None
    for chunk in chunks:
        low, high, place = chunk
        content += varint(low) if before is None else uvarint(low - before[1])
        content += uvarint(high - low)
        content += uvarint(place) if before is None else varint(place - before[2])
        before = chunk
    return bytes(content)


def _section(out: bytearray, count: int, body: bytes) -> int:
    """Appends length, count, entries and checksum; returns where they start."""
    at = len(out)
    content = struct.pack(">I", count) + body
    out += struct.pack(">I", len(content)) + content + checksum(content)
    return at


def checksum(content: bytes) -> bytes:
    """The CRC-32C, big-endian."""
    return struct.pack(">I", crc32c(np.frombuffer(content, dtype=np.uint8), 0, len(content)))


def _string(text: str) -> bytes:
    encoded = text.encode()
    return uvarint(len(encoded)) + encoded


def uvarint(number: int) -> bytes:
    """An unsigned LEB128 number."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes((*out, number))


def varint(number: int) -> bytes:
    """A zigzag LEB128 number."""
    return uvarint(number << 1 if number >= 0 else -(number << 1) - 1)
