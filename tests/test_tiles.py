"""Tiles of any length give the same results; what one has read, the next one need not read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.diagnostics import Text
from tocsin.engine.evaluate import concatenate, evaluate
from tocsin.engine.read import Need, Reader, continued
from tocsin.engine.semantics import Grid, Semantics
from tocsin.engine.tile import Tile
from tocsin.engine.tile_length import FIRST, GROWTH, LIMIT, ROOMY, first_length, next_length
from tocsin.labels import Labels
from tocsin.promql.ast import Matcher, MatrixSelector, walk
from tocsin.promql.match import matchers_of
from tocsin.promql.parse import parse
from tocsin.series import Series
from tocsin.sources.memory import MemoryRecording

MINUTE = 60_000
HOUR = 60 * MINUTE


def labels(i: int) -> Labels:
    return (("__name__", "x"), ("i", f"{i:04d}"))


def column(times: list[list[int]]) -> Series:
    """Series with a sample at each of the given times, and their place among all as values."""
    flat = np.array([time for own in times for time in own], dtype=np.int64)
    offsets = np.cumsum([0, *map(len, times)], dtype=np.int64)
    return Series(tuple(map(labels, range(len(times)))), offsets, flat, np.arange(len(flat), dtype=np.float64))


def regular(series: int, duration: int, interval: int = 15_000) -> MemoryRecording:
    return MemoryRecording(column([list(range(7 * i, duration, interval)) for i in range(series)]))


@dataclass
class Counted:
    """A recording that remembers what was asked of it."""

    recording: MemoryRecording
    reads: list[tuple[int, int]] = field(default_factory=list)

    @property
    def extent(self) -> tuple[int, int]:
        return self.recording.extent

    def read(self, matchers: Sequence[Matcher], start: int, end: int) -> Series:
        self.reads.append((start, end))
        return self.recording.read(matchers, start, end)


def same(a: Series, b: Series) -> bool:
    columns = ((a.offsets, b.offsets), (a.times, b.times), (a.values, b.values))
    return a.labels == b.labels and all(one.tolist() == other.tolist() for one, other in columns)


@given(
    st.lists(st.lists(st.integers(0, 60), max_size=12, unique=True).map(sorted), min_size=1, max_size=5),
    st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60)).map(sorted),
)
def test_two_reads_are_one(times: list[list[int]], edges: list[int]) -> None:
    low, high, end = edges
    recording = MemoryRecording(column(times))
    everything = [Matcher("__name__", "=", "x")]
    before, after = recording.read(everything, low - 1, high), recording.read(everything, high + 1, end)
    joined = continued(before, low, after)
    filled = np.diff(joined.offsets) > 0
    assert joined.labels == tuple(sorted({*before.labels, *after.labels}))
    expected = recording.read(everything, low, end)
    assert tuple(one for one, some in zip(joined.labels, filled, strict=True) if some) == expected.labels
    assert (joined.times.tolist(), joined.values.tolist()) == (expected.times.tolist(), expected.values.tolist())


def test_a_later_reader_reads_only_what_is_new() -> None:
    source = Counted(regular(3, 10 * HOUR))
    matchers = matchers_of(parse(Text.of("x")))  # type: ignore[arg-type]
    reader = Reader.of(source, [Need(matchers, 0, 4 * HOUR)])
    reader.with_stale(Need(matchers, 0, 4 * HOUR))
    wanted = Need(matchers, HOUR, 5 * HOUR)
    reader = reader.then([wanted])
    found = reader.with_stale(wanted)
    assert source.reads == [(0, 4 * HOUR), (4 * HOUR + 1, 5 * HOUR)]
    assert same(found, source.recording.read(matchers, HOUR, 5 * HOUR))


def test_little_that_is_known_is_read_again() -> None:
    source = Counted(regular(3, 10 * HOUR))
    matchers = matchers_of(parse(Text.of("x")))  # type: ignore[arg-type]
    reader = Reader.of(source, [Need(matchers, 0, 4 * HOUR)])
    reader.with_stale(Need(matchers, 0, 4 * HOUR))
    wanted = Need(matchers, 4 * HOUR - MINUTE, 8 * HOUR)
    reader.then([wanted]).with_stale(wanted)
    assert source.reads[1:] == [(wanted.start, wanted.end)]


@pytest.mark.parametrize("text", ["rate(x[6h])", "max_over_time(x[6h]) - x", "sum(x offset 1h) / sum(rate(x[6h]))"])
@pytest.mark.parametrize("compat", [2, 3])
def test_the_length_of_tiles_changes_nothing(text: str, compat: int) -> None:
    source = Counted(regular(5, 40 * HOUR))
    grid, semantics = Grid(0, 40 * HOUR, MINUTE), Semantics(2 if compat == 2 else 3)
    expr = parse(Text.of(text))
    chosen = concatenate([result for (result,) in evaluate([expr], source, grid, semantics)])
    whole = concatenate([result for (result,) in evaluate([expr], source, grid, semantics, tile=10**6)])
    assert chosen.frame.labels == whole.frame.labels
    assert (chosen.frame.present == whole.frame.present).all()
    here = whole.frame.present
    assert chosen.frame.values[here].tobytes() == whole.frame.values[here].tobytes()


def tile_of(series: int, steps: int) -> Tile:
    """A tile in which `rate(x[5m])` was evaluated at every minute."""
    expr = parse(Text.of("rate(x[5m])"))
    window = next(node for node in walk(expr) if isinstance(node, MatrixSelector))
    need = Need(matchers_of(window.selector), 0, steps * MINUTE)
    tile = Tile(np.arange(1, steps + 1) * MINUTE, Semantics(), Reader.of(regular(series, steps * MINUTE), [need]))
    tile.reader.stretches[need.matchers] = [(-HOUR, steps * MINUTE)]
    tile.outcome(expr)
    return tile


def test_a_tile_grows_to_what_memory_should_hold() -> None:
    assert first_length(5 * MINUTE, MINUTE) == FIRST
    assert next_length(tile_of(1, 64), 5 * MINUTE, MINUTE) == 64 * GROWTH
    few, many = next_length(tile_of(50, 2048), 5 * MINUTE, MINUTE), next_length(tile_of(100, 2048), 5 * MINUTE, MINUTE)
    assert few == pytest.approx(2 * many, rel=0.1)
    # Four samples of 16 bytes a step, a value and its presence.
    assert few == pytest.approx(ROOMY / (50 * (4 * 16 + 8 + 1)), rel=0.1)


def test_a_tile_of_many_series_stays_below_the_limit() -> None:
    series = 3000
    length = next_length(tile_of(series, 64), 5 * MINUTE, MINUTE)
    assert length * series * (4 * 16 + 9) <= LIMIT
    assert length < 1024


def test_a_tile_is_no_small_part_of_its_windows() -> None:
    assert first_length(30 * 24 * HOUR, MINUTE) == 30 * 24 * 60 // 4
