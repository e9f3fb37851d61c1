"""What is evaluated on samples that stay where they are has the bits of what is evaluated on samples that were read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evaluations import Piecewise

from tocsin.diagnostics import Text
from tocsin.engine.evaluate import evaluate
from tocsin.engine.semantics import Grid, Semantics
from tocsin.functions.values import Compat
from tocsin.promql.ast import Matcher
from tocsin.promql.parse import parse
from tocsin.series import STALE, Recording, Resident, Series
from tocsin.sources.memory import MemoryRecording

MINUTE = 60_000
NUMBERS = st.sampled_from([0.0, -0.0, 1.0, 2.5, 3.0, 1e300, float("nan"), float("inf"), float("-inf"), STALE])
RUNS = st.lists(st.tuples(st.integers(1, 600), NUMBERS), min_size=1, max_size=40)
FUNCTIONS = """changes resets rate increase delta irate idelta deriv min_over_time max_over_time avg_over_time
sum_over_time stdvar_over_time quantile_over_time ts_of_max_over_time ts_of_min_over_time ts_of_last_over_time
ts_of_first_over_time last_over_time first_over_time count_over_time mad_over_time""".split()


def recording(runs: Sequence[tuple[str, int, list[tuple[int, float]]]]) -> MemoryRecording:
    """Series of a metric, from a minute on, with the seconds between their samples."""
    columns = []
    for i, (metric, first, run) in enumerate(runs):
        times = first * MINUTE + np.cumsum([gap for gap, _ in run]) * 1000
        columns.append(((("__name__", metric), ("i", str(i))), times, np.array([value for _, value in run])))
    columns.sort(key=lambda column: column[0])
    offsets = np.cumsum([0, *(len(times) for _, times, _ in columns)], dtype=np.int64)
    times, values = (np.concatenate([column[k] for column in columns]) for k in (1, 2))
    return MemoryRecording(Series(tuple(labels for labels, _, _ in columns), offsets, times, values))


def bits(text: str, source: Recording, compat: Compat, tile: int) -> dict[tuple[object, int], bytes]:
    """Every value that there is, by its series and its time."""
    found: dict[tuple[object, int], bytes] = {}
    for (result,) in evaluate(
        [parse(Text.of(text))], source, Grid(0, 200 * MINUTE, 7 * MINUTE), Semantics(compat), tile
    ):
        frame = result.frame
        for row, step in zip(*np.nonzero(frame.present), strict=True):
            found[frame.labels[row], int(frame.times[step])] = frame.values[row, step].tobytes()
    return found


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 150), RUNS), min_size=1, max_size=6),
    st.sampled_from([*FUNCTIONS, "timestamp"]),
    st.sampled_from(["x", "y", '{__name__=~"x|z"}']),
    st.sampled_from([2, 3]),
    st.sampled_from([1, 4, 100]),
)
def test_resident_samples_give_what_read_ones_give(
    runs: list[tuple[str, int, list[tuple[int, float]]]], name: str, selector: str, compat: Compat, tile: int
) -> None:
    source = recording(runs)
    argument = {"quantile_over_time": f"0.3, {selector}[20m]", "timestamp": selector}.get(name, f"{selector}[20m]")
    for text in (f"{name}({argument})", f"sum_over_time({selector}[40m:3m])"):
        assert bits(text, source, compat, tile) == bits(text, Piecewise(source), compat, tile)


def test_series_that_stand_side_by_side_are_not_copied() -> None:
    source = recording([(metric, 0, [(60, 1.0)] * 3) for metric in "xyz"])
    assert isinstance(source, Resident)
    held = source.resident([Matcher("__name__", "=", "y")], 0, 0, stale=False)
    assert held is not None
    assert held.times is source.series.times
    assert held.offsets.tolist() == [3, 6]
    assert source.resident([Matcher("__name__", "!=", "y")], 0, 0, stale=False) is None


@pytest.mark.parametrize("stale", [True, False])
def test_markers_are_held_apart(stale: bool) -> None:
    source = recording([("x", 0, [(60, 1.0), (60, STALE), (60, 2.0)])])
    held = source.resident([Matcher("__name__", "=", "x")], 0, 0, stale)
    assert held is not None
    assert np.diff(held.offsets).tolist() == [3 if stale else 2]
