"""Series to blocks that Prometheus, promtool, Thanos and Mimir open."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tocsin.kernels.xor import Bits
from tocsin.kernels.xor_encode import WORST_CHUNK, WORST_SAMPLE, encode
from tocsin.series import Offsets, Series, Times, offsets_of
from tocsin.sources.api import refuse
from tocsin.sources.tsdb.block import SEGMENT_MAGIC
from tocsin.sources.tsdb.file import readable
from tocsin.sources.tsdb.meta import META
from tocsin.sources.tsdb.tombstones import MAGIC as TOMBSTONES_MAGIC
from tocsin.sources.tsdb.write_index import Chunk, checksum, index_bytes

HOUR = 3_600_000
SPAN = 18 * HOUR
"""Two hours times nine: one of the lengths that Prometheus itself gives to blocks."""

_SAMPLES = 120
"""In a chunk, as Prometheus cuts them."""

_BATCH = 4096
_SEGMENT = 512 << 20


@dataclass(frozen=True, slots=True)
class _Span:
    """The samples of one block: of series `owner[i]` those from `start[i]` to before `end[i]`."""

    owner: Offsets
    start: Offsets
    end: Offsets


def write_blocks(series: Series, folder: str, span: int = SPAN) -> list[str]:
    """Writes blocks of at most `span` milliseconds each, at multiples of it, and returns their folders.

    The names follow from the contents, so what is written twice is there once; a block is there whole or not at all.
    Prometheus takes blocks in while it runs, promtool 2.42 wants a folder `wal` beside them. Raises ProblemError where
    the folder cannot be written, or where samples are native histograms.
    """
    if series.histograms is not None and any(one is not None for one in series.histograms):
        raise refuse("unsupported", folder, "native histograms cannot be written to blocks yet, only floats")
    with readable(folder):
        os.makedirs(folder, exist_ok=True)
        return [_write(series, part, folder) for part in _spans(series, span)]


def _spans(series: Series, span: int) -> Iterator[_Span]:
    """The samples by block, in the order of time."""
    if not len(series.times):
        return
    block = series.times // span
    edge = np.concatenate(([True], block[1:] != block[:-1]))
    edge[series.offsets[:-1][np.diff(series.offsets) > 0]] = True
    start = np.flatnonzero(edge)
    end = np.append(start[1:], len(block))
    owner = np.searchsorted(series.offsets, start, side="right") - 1
    for number in np.unique(block[start]).tolist():
        own = block[start] == number
        yield _Span(owner[own], start[own], end[own])


def _write(series: Series, part: _Span, folder: str) -> str:
    """One block; made in a folder that Prometheus passes over, and then given its name."""
    making = tempfile.mkdtemp(prefix="tocsin-", suffix=".tmp-for-creation", dir=folder)
    try:
        os.chmod(making, 0o755)
        low, high = int(series.times[part.start].min()), int(series.times[part.end - 1].max())
        name = _ulid(high + 1, _fill(series, part, making))
        stats = {
            "numSamples": int((part.end - part.start).sum()),
            "numSeries": len(part.owner),
            "numChunks": int((-((part.start - part.end) // _SAMPLES)).sum()),
        }
        compaction = {"level": 1, "sources": [name]}
        meta = {"ulid": name, "minTime": low, "maxTime": high + 1, "stats": stats, "compaction": compaction}
        _save(os.path.join(making, META), json.dumps({**meta, "version": 1}, indent="\t").encode())
        target = os.path.join(folder, name)
        if not os.path.exists(target):
            os.rename(making, target)
        return target
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _fill(series: Series, part: _Span, folder: str) -> bytes:
    """Chunks, index and tombstones; returns a digest of what was written."""
    start, end, first = _cut(part)
    digest = hashlib.sha256()
    os.mkdir(os.path.join(folder, "chunks"))
    places: list[int] = []
    for number, (content, own) in enumerate(_segments(series.times, series.values.view(np.uint64), start, end)):
        digest.update(content)
        _save(os.path.join(folder, "chunks", f"{number + 1:06}"), content)
        places += [number << 32 | place for place in own]
    chunks: list[Chunk] = list(zip(series.times[start].tolist(), series.times[end - 1].tolist(), places, strict=True))
    labels = [series.labels[owner] for owner in part.owner.tolist()]
    index = index_bytes(folder, labels, [chunks[a:b] for a, b in pairwise(first.tolist())])
    digest.update(index)
    _save(os.path.join(folder, "index"), index)
    _save(os.path.join(folder, "tombstones"), struct.pack(">IB", TOMBSTONES_MAGIC, 1) + checksum(b""))
    return digest.digest()


def _cut(part: _Span) -> tuple[Offsets, Offsets, Offsets]:
    """Where the chunks start and end, and the first chunk of each series."""
    sizes = -((part.start - part.end) // _SAMPLES)
    first = offsets_of(sizes)
    start = np.repeat(part.start, sizes) + _SAMPLES * (np.arange(first[-1]) - np.repeat(first[:-1], sizes))
    return start, np.minimum(start + _SAMPLES, np.repeat(part.end, sizes)), first


def _segments(times: Times, bits: Bits, start: Offsets, end: Offsets) -> Iterator[tuple[bytes, list[int]]]:
    """Segment files of at most 512 MiB, and the offsets of their chunks."""
    header = struct.pack(">IB3x", SEGMENT_MAGIC, 1)
    content, places = bytearray(header), list[int]()
    for first in range(0, len(start), _BATCH):
        batch = slice(first, first + _BATCH)
        encoded, own = _encoded(times, bits, start[batch], end[batch])
        if len(content) + len(encoded) > _SEGMENT:
            yield bytes(content), places
            content, places = bytearray(header), []
        places += (own + len(content)).tolist()
        content += encoded
    yield bytes(content), places


def _encoded(times: Times, bits: Bits, start: Offsets, end: Offsets) -> tuple[bytes, Offsets]:
    room = int((end - start).sum()) * WORST_SAMPLE + len(start) * WORST_CHUNK
    out, places = np.zeros(room, dtype=np.uint8), np.empty(len(start), dtype=np.int64)
    size = encode(times, bits, start, end, out, places)
    return out[:size].tobytes(), places


_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _ulid(time: int, digest: bytes) -> str:
    """A ULID: 48 bits of milliseconds and 80 bits, which here come from the content, in base 32."""
    number = (max(time, 0) & (1 << 48) - 1) << 80 | int.from_bytes(digest[:10], "big")
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def _save(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
