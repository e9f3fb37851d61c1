"""Where a recording has samples: what is left out as of no account is of none, whatever the gaps."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.evaluations import Piecewise

from tocsin.alerts.reach import covered, covering_times, in_reach, sample_times
from tocsin.diagnostics import Text
from tocsin.labels import from_mapping
from tocsin.promql.parse import parse
from tocsin.series import Series
from tocsin.sources.memory import MemoryRecording

LOOKBACK = 5_000
EXPRS = [parse(Text.of("rate(a[3s]) > max_over_time(b[1m])")), parse(Text.of("nothing or a offset 5s"))]
LEAST = 3_000


times = st.sets(st.integers(0, 60).map(lambda second: second * 1_000), min_size=1, max_size=40).map(sorted)


@given(
    st.dictionaries(st.sampled_from("aabbcd"), times, min_size=1),
    st.integers(-5, 65),
    st.integers(-5, 65),
    st.booleans(),
)
def test_coverage_is_that_of_all_samples(samples: dict[str, list[int]], start: int, end: int, resident: bool) -> None:
    names = sorted(samples)
    columns = [np.array(samples[name], dtype=np.int64) for name in names]
    every = np.concatenate(columns)
    offsets = np.cumsum([0, *map(len, columns)])
    labels = tuple(from_mapping({"__name__": name}) for name in names)
    held = MemoryRecording(Series(labels, offsets, every, np.zeros(len(every))))
    recording = held if resident else Piecewise(held)
    low, high = start * 1_000, max(start, end) * 1_000
    all_times = sample_times(recording, low, high)
    some_times = covering_times(recording, low, high, EXPRS, LOOKBACK)
    assert set(some_times.tolist()) <= set(all_times.tolist())
    grid = np.arange(low, high + 1, 500)
    for reach in (LEAST, LOOKBACK, 20_000):
        assert in_reach(some_times, grid, reach).tolist() == in_reach(all_times, grid, reach).tolist()
    assert covered(some_times, LOOKBACK, low, high) == covered(all_times, LOOKBACK, low, high)


def test_what_the_rules_read_is_enough_where_it_has_no_gaps() -> None:
    grid = np.arange(0, 3_600_000, 1_000)
    labels = tuple(from_mapping({"__name__": "a", "i": str(number)}) for number in range(3))
    every = np.concatenate([grid, grid[1:] + 1, grid + 2])
    offsets = np.array([0, len(grid), 2 * len(grid) - 1, 3 * len(grid) - 1])
    recording = MemoryRecording(Series(labels, offsets, every, np.zeros(len(every))))
    found = covering_times(recording, -10, 4_000_000, EXPRS, LOOKBACK)
    assert found.tolist() == [*grid.tolist(), 3_599_002]
