"""The logs in a server's data folder to the samples that are not in blocks yet, as a restart would read them.

In order: the last checkpoint, the log after it, and the log of samples that came out of order. The files of
`chunks_head` hold nothing more.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tocsin.kernels.wal import rising, samples_v1, samples_v2
from tocsin.kernels.xor import Bits
from tocsin.labels import Labels, from_mapping
from tocsin.series import Mask, Series, Times, offsets_of
from tocsin.sources.tsdb.file import uvarint_at, varint_at
from tocsin.sources.tsdb.wal import Record, records, segments

_SERIES, _SAMPLES, _TOMBSTONES, _SAMPLES_V2, _MIN_TIME = 1, 2, 3, 11, 14
_HISTOGRAMS = (7, 8, 9, 10, 12, 13)
_PASSED_OVER = (4, 5, 6)
"""Exemplars, marks of chunks that are in `chunks_head` too, and metadata."""

_EVER = (-(1 << 63), (1 << 63) - 1)
"""The stretch of a series that the server dropped from its head; what is in the log so far is in blocks."""

_PAD = bytes(64)


@dataclass(slots=True)
class Log:
    """What the records say. `series` numbers label sets in the order in which they come up, by their reference."""

    series: dict[int, int] = field(default_factory=dict)
    labels: dict[Labels, int] = field(default_factory=dict)
    rows: list[tuple[Bits, Times, Bits]] = field(default_factory=list)
    late: list[tuple[Bits, Times, Bits]] = field(default_factory=list)
    count: int = 0
    deleted: list[tuple[int, int, int]] = field(default_factory=list)
    dropped: list[tuple[int, int]] = field(default_factory=list)
    min_time: int = -(1 << 63)
    histograms: int = 0
    unknown: int = 0
    cut: list[tuple[str, int]] = field(default_factory=list)


def read_log(folder: str) -> Log:
    """The logs in a data folder; raises ProblemError."""
    wal = os.path.join(folder, "wal")
    checkpoint = _checkpoint(wal)
    log = Log()
    if checkpoint is not None:
        _take(log, segments(os.path.join(wal, f"checkpoint.{checkpoint}")), log.rows)
    _take(log, segments(wal, -1 if checkpoint is None else int(checkpoint)), log.rows)
    _take(log, segments(os.path.join(folder, "wbl")), log.late)
    return log


def _checkpoint(wal: str) -> str | None:
    """The number of the last checkpoint, as it is written in its name."""
    names = os.listdir(wal) if os.path.isdir(wal) else []
    numbers = [found[1] for name in names if (found := re.fullmatch(r"checkpoint\.([0-9]+)", name))]
    return max(numbers, key=int, default=None)


def _take(log: Log, paths: list[str], rows: list[tuple[Bits, Times, Bits]]) -> None:
    for record in records(paths):
        if not record.content:
            log.cut.append((record.path, record.offset))
            break
        kind = record.content[0]
        try:
            if kind in (_SAMPLES, _SAMPLES_V2):
                found = _samples(record, samples_v1 if kind == _SAMPLES else samples_v2)
                rows.append(found)
                log.count += len(found[0]) if rows is log.rows else 0
            elif kind == _SERIES:
                _series(log, record.content)
            elif kind == _TOMBSTONES:
                _tombstones(log, record.content)
            elif kind == _MIN_TIME:
                log.min_time = max(log.min_time, *struct.unpack_from(">q", record.content, 1))
            elif kind in _HISTOGRAMS:
                log.histograms += 1
            elif kind not in _PASSED_OVER:
                log.unknown += 1
        except (IndexError, ValueError, struct.error):  # a UnicodeDecodeError is a ValueError
            raise record.damaged(f"a record of type {kind} that ends in the middle") from None


def _samples(
    record: Record, decode: Callable[[npt.NDArray[np.uint8], int, Bits, Times, Bits], int]
) -> tuple[Bits, Times, Bits]:
    size = len(record.content)
    data = np.frombuffer(record.content + _PAD, dtype=np.uint8)
    most = size // 10 + 1  # two numbers of a byte or more, and a value
    refs, times, bits = np.empty(most, np.uint64), np.empty(most, np.int64), np.empty(most, np.uint64)
    count = decode(data, size, refs, times, bits)
    if count < 0:
        raise ValueError
    return refs[:count], times[:count], bits[:count]


def _series(log: Log, content: bytes) -> None:
    at = 1
    while at < len(content):
        (ref,) = struct.unpack_from(">Q", content, at)
        count, at = uvarint_at(content, at + 8)
        texts = []
        for _ in range(2 * count):
            size, at = uvarint_at(content, at)
            if at + size > len(content):
                raise ValueError
            texts.append(content[at : at + size].decode())
            at += size
        labels = from_mapping(dict(zip(texts[::2], texts[1::2], strict=True)))
        log.series[ref] = log.labels.setdefault(labels, len(log.labels))


def _tombstones(log: Log, content: bytes) -> None:
    at = 1
    while at < len(content):
        (ref,) = struct.unpack_from(">Q", content, at)
        first, at = varint_at(content, at + 8)
        last, at = varint_at(content, at)
        if ref in log.series:
            one = log.series[ref]
            if (first, last) == _EVER:
                log.dropped.append((one, log.count))
            else:
                log.deleted.append((one, first, last))


def head_series(log: Log, min_time: int) -> tuple[Series, Series, int]:
    """The samples that came in order, from `min_time` on where blocks end, and those that came out of order.

    Also how many samples are of no series that the log knows.
    """
    owners, times, bits, lost = _columns(log, log.rows)
    kept = times >= max(min_time, log.min_time)
    for one, before in log.dropped:
        kept[:before] &= owners[:before] != one
    in_order = _sorted(log, owners, times, bits, kept, by_time=False)
    owners, times, bits, late_lost = _columns(log, log.late)
    return (
        in_order,
        _sorted(log, owners, times, bits, np.ones(len(times), dtype=np.bool_), by_time=True),
        lost + late_lost,
    )


def _columns(log: Log, rows: list[tuple[Bits, Times, Bits]]) -> tuple[Times, Times, Bits, int]:
    """Samples as the log has them: number of the label set, -1 for none, time and bits; and how many have none."""
    refs, times, bits = (
        np.concatenate([np.zeros(0, kind), *(row[i] for row in rows)])
        for i, kind in enumerate((np.uint64, np.int64, np.uint64))
    )
    known, place = np.unique(refs, return_inverse=True)
    owners = np.array([log.series.get(ref, -1) for ref in known.tolist()], dtype=np.int64)[place]
    return owners, times, bits, int((owners < 0).sum())


def _sorted(log: Log, owners: Times, times: Times, bits: Bits, kept: Mask, *, by_time: bool) -> Series:
    """Samples by label set and time, each time once; what is not newer than all before it is left out."""
    labels = sorted(log.labels)
    rank = np.empty(len(labels), dtype=np.int64)
    rank[[log.labels[one] for one in labels]] = np.arange(len(labels))
    kept = kept & (owners >= 0)
    owners, times, bits = rank[owners[kept]], times[kept], bits[kept]
    order = np.lexsort((times, owners)) if by_time else np.argsort(owners, kind="stable")
    owners, times, bits = owners[order], times[order], bits[order]
    ends = np.searchsorted(owners, np.arange(len(labels) + 1))
    newer = np.ones(len(times), dtype=np.bool_)
    rising(times, ends, newer)
    for one, first, last in log.deleted:
        own = slice(ends[rank[one]], ends[rank[one] + 1])
        newer[own] &= (times[own] < first) | (times[own] > last)
    offsets = offsets_of(newer)[ends]
    return Series(tuple(labels), offsets, times[newer], bits[newer].view(np.float64))
