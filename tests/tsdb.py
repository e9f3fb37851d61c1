"""Series as rows of times and bits, written to and read from a Prometheus database."""

from __future__ import annotations

import os
import random
import struct
import subprocess
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from tocsin.labels import Labels, from_mapping
from tocsin.promql.ast import Matcher
from tocsin.series import Series
from tocsin.sources.open import open_recording
from tocsin.sources.tsdb.index import open_index
from tocsin.sources.tsdb.write_index import checksum, uvarint, varint

EVERYTHING = (Matcher("__name__", "=~", ".*"),)
Rows = dict[Labels, list[tuple[int, int]]]
"""Samples of each series as times and bits."""


def series_of(rows: Rows) -> Series:
    labels = sorted(rows)
    sizes = [len(rows[one]) for one in labels]
    flat = [sample for one in labels for sample in rows[one]]
    times = np.array([time for time, _ in flat], dtype=np.int64)
    bits = np.array([bits for _, bits in flat], dtype=np.uint64)
    offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    return Series(tuple(labels), offsets, times, bits.view(np.float64))


def rows_of(series: Series) -> Rows:
    bits, times = series.values.view(np.uint64).tolist(), series.times.tolist()
    ends = pairwise(series.offsets.tolist())
    return {one: list(zip(times[a:b], bits[a:b], strict=True)) for one, (a, b) in zip(series.labels, ends, strict=True)}


def read(path: Path | str, matchers: Sequence[Matcher] = EVERYTHING) -> Rows:
    recording = open_recording(str(path))
    return rows_of(recording.read(matchers, *recording.extent))


def bits(value: float) -> int:
    return int(np.float64(value).view(np.uint64))


def up(i: int | str) -> Labels:
    return from_mapping({"__name__": "up", "i": str(i)})


def counter(start: int, n: int, step: int = 15_000) -> list[tuple[int, int]]:
    return [(start + i * step, bits(float(i * 3))) for i in range(n)]


def dump(folder: Path) -> list[str]:
    (folder / "wal").mkdir(exist_ok=True)  # promtool 2.42 prints nothing without
    done = subprocess.run(["promtool", "tsdb", "dump", str(folder)], capture_output=True, text=True, check=True)
    (folder / "wal").rmdir()
    return done.stdout.splitlines()


def assert_as_dumped(rows: Rows, lines: Sequence[str]) -> None:
    """promtool prints each value so that it can be read back, but every NaN alike."""
    expected = [
        ("{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}", time, number)
        for labels, samples in sorted(rows.items())
        for time, number in samples
    ]
    assert len(lines) == len(expected)
    for line, (labels, at, number) in zip(lines, expected, strict=True):
        text, value, stamp = line.rsplit(" ", 2)
        assert (text, int(stamp)) == (labels, at)
        ours = np.uint64(number).view(np.float64)
        assert np.isnan(ours) if value == "NaN" else bits(float(value)) == number, line


def sample_rows(seed: int, n: int = 700) -> Rows:
    """Series of many kinds, over several two-hour ranges, with gaps and times that wobble."""
    chance = random.Random(seed)
    rows: Rows = {}
    kinds: list[Callable[[int], float]] = [
        lambda i: float(i),
        lambda _: chance.random(),
        lambda _: 1.0,
        lambda _: chance.choice([0.0, -0.0, np.inf, -np.inf, 1e-320, 1e308]),
        lambda i: float(i // 50),
        lambda _: float(chance.randint(-5, 5)),
    ]
    for i in range(24):
        at = 1_700_000_000_000 + chance.randint(0, 10**6)
        samples = []
        for k in range(chance.choice([1, 2, 3, 119, 120, 121, n])):
            samples.append((at, bits(kinds[i % len(kinds)](k))))
            at += chance.choice(
                [15_000, 15_000, 15_000, 15_001, 14_999, 60_000, 1, 3_700_000 if k % 97 == 0 else 15_000]
            )
        rows[from_mapping({"__name__": f"m{i % 5}", "i": str(i), "job": "ä" if i % 2 else ""})] = samples
    return rows


def rewrite_tombstones(block: str, entries: Sequence[tuple[int, int, int]]) -> None:
    content = b"".join(uvarint(ref) + varint(first) + varint(last) for ref, first, last in entries)
    Path(block, "tombstones").write_bytes(struct.pack(">IB", 0x0130BA30, 1) + content + checksum(content))


def number(block: str, which: int = 0) -> int:
    """What the index calls one of its series."""
    return int(open_index(os.path.join(block, "index")).everything().refs[which])
