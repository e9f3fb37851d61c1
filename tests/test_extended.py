"""Anchored and smoothed selectors against a slow twin, over resets, gaps and edges that hit samples."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evaluations import recording
from tests.oracle_numbers import Samples

from tocsin.engine.evaluate import concatenate, evaluate, evaluate_instant
from tocsin.engine.semantics import Grid
from tocsin.histograms.model import Hint, Histogram
from tocsin.labels import Labels
from tocsin.promql.parse import parse
from tocsin.series import Series
from tocsin.sources.memory import MemoryRecording

START = 1_700_000_000_000
LOOKBACK = 300_000


def _line(before: tuple[int, float], after: tuple[int, float], time: int, counter: bool) -> float:
    low = 0.0 if counter and after[1] < before[1] else before[1]
    return low + (after[1] - low) * float(time - before[0]) / float(after[0] - before[0])


def _edges(samples: Samples, start: int, end: int, smoothed: bool, counter: bool) -> Samples | None:
    """The samples from edge to edge: what stands for the sample at each edge, and those strictly between."""
    near = [s for s in samples if start - LOOKBACK < s[0] <= end + (LOOKBACK if smoothed else 0)]
    older, inside = [s for s in near if s[0] <= start], [s for s in near if start < s[0] <= end]
    newer = [s for s in near if s[0] > end]
    if not inside and not (smoothed and older and newer):
        return None
    left = (start, (older or inside)[-1 if older else 0][1])
    if smoothed and older and older[-1][0] < start:
        left = (start, _line(older[-1], (inside or newer)[0], start, counter))
    right = (end, inside[-1][1]) if inside else newer[0]
    if smoothed and newer and not (inside and inside[-1][0] == end) and (inside or older):
        right = (end, _line((inside or older)[-1], newer[0], end, counter))
    return [left, *(s for s in inside if s[0] < end), right]


def _change(function: str, samples: Samples, start: int, end: int, smoothed: bool) -> float | None:
    counter = function in ("rate", "increase")
    points = _edges(samples, start, end, smoothed, counter)
    if points is None:
        return None
    if function in ("resets", "changes"):
        old = [s for s in samples if start - LOOKBACK < s[0] <= start]
        values = [v for _, v in [*old[-1:], *(s for s in samples if start < s[0] <= end)]]
        differs: Callable[[float, float], bool] = operator.gt if function == "resets" else operator.ne
        return float(sum(differs(a, b) for a, b in pairwise(values)))
    values = [value for _, value in points]
    change = values[-1] - values[0]
    if counter:
        lost = 0.0
        for a, b in pairwise(values):
            if b < a:
                lost += a
        change += lost
    return change / ((end - start) / 1000) if function == "rate" else change


VALUES = st.integers(0, 9).map(float) | st.floats(0, 1e6)
SAMPLES = st.lists(st.tuples(st.integers(-20, 60), VALUES), min_size=1, max_size=25, unique_by=lambda s: s[0]).map(
    lambda found: [(START + 15_000 * at, value) for at, value in sorted(found)]
)
EXTENDED = [(function, "smoothed") for function in ("rate", "increase", "delta")] + [
    (function, "anchored") for function in ("rate", "increase", "delta", "resets", "changes")
]


@pytest.mark.parametrize(("function", "word"), EXTENDED)
@given(samples=SAMPLES, width=st.sampled_from([15_000, 60_000, 100_000]), offset=st.sampled_from([0, 30_000, -7_000]))
def test_changes_from_edge_to_edge(function: str, word: str, samples: Samples, width: int, offset: int) -> None:
    expr = parse(f"{function}(x[{width}ms] {word} offset {offset}ms)".replace("offset --", "offset -"))
    grid = Grid(START, START + 600_000, 20_000)
    source = recording({(("__name__", "x"),): samples})
    frame = concatenate([result for (result,) in evaluate([expr], source, grid, tile=7)]).frame
    for t, time in enumerate(grid.times.tolist()):
        end = time - offset
        wanted = _change(function, samples, end - width, end, word == "smoothed")
        got = float(frame.values[0, t]) if len(frame.labels) and frame.present[0, t] else None
        assert got == wanted, (time, wanted, got)


@given(samples=SAMPLES)
def test_smoothed_instants_lie_on_the_lines(samples: Samples) -> None:
    grid = Grid(START, START + 600_000, 10_000)
    source = recording({(("__name__", "x"),): samples})
    frame = concatenate([result for (result,) in evaluate([parse("x smoothed")], source, grid, tile=7)]).frame
    for t, time in enumerate(grid.times.tolist()):
        before = [s for s in samples if time - LOOKBACK < s[0] <= time]
        after = [s for s in samples if time < s[0] <= time + LOOKBACK]
        wanted = math.nan
        if before:
            exact = before[-1][0] == time or not after
            wanted = before[-1][1] if exact else _line(before[-1], after[0], time, False)
        got = float(frame.values[0, t]) if len(frame.labels) and frame.present[0, t] else math.nan
        assert repr(got) == repr(wanted)


def both(samples: Samples, hint: Hint) -> MemoryRecording:
    """The counter `x`, and `h` with as many observations, all in one bucket."""
    times = np.array([time for time, _ in samples])
    objects = np.full(2 * len(samples), None, dtype=object)
    for k, (_, value) in enumerate(samples):
        objects[k] = Histogram(0, value, value, positive={1: value} if value else {}, hint=hint)
    values = np.array([0.0] * len(samples) + [value for _, value in samples])
    labels: tuple[Labels, ...] = ((("__name__", "h"),), (("__name__", "x"),))
    offsets = np.array([0, len(samples), 2 * len(samples)])
    return MemoryRecording(Series(labels, offsets, np.tile(times, 2), values, objects))


@pytest.mark.parametrize(
    ("template", "hint"),
    [(f"{function}({{0}}[{{1}}ms] {word})", "unknown") for function, word in EXTENDED]
    + [("delta({0}[{1}ms] smoothed)", "gauge"), ("{0} smoothed", "gauge")],
)
@given(samples=SAMPLES, width=st.sampled_from([15_000, 60_000, 100_000]))
def test_a_histogram_changes_as_its_count_does(template: str, hint: Hint, samples: Samples, width: int) -> None:
    grid, source = Grid(START, START + 600_000, 20_000), both(samples, hint)
    ask = "histogram_{0}({1})" if not template.startswith(("resets", "changes")) else "{1}"
    counted, summed, plain = (
        concatenate([result for (result,) in evaluate([parse(text)], source, grid, tile=7)]).frame
        for text in (
            ask.format("count", template.format("h", width)),
            ask.format("sum", template.format("h", width)),
            template.format("x", width),
        )
    )
    for frame in (counted, summed):
        assert frame.present.tolist() == plain.present.tolist()
        assert frame.values[frame.present] == pytest.approx(plain.values[plain.present], rel=1e-9, abs=1e-9)


def test_histograms_and_floats_together_have_no_change() -> None:
    """Also where one of them is only near the window; but what changes is counted."""
    source = both([(START + 15_000 * k, float(k)) for k in range(8)], "unknown")
    every = source.series
    objects = np.concatenate([[None] * 2, every.histograms[2:]]) if every.histograms is not None else None
    source = MemoryRecording(replace(every, histograms=objects))
    for text, present in (
        ("increase(h[30s] anchored)", [False, False]),
        ("h smoothed", [False, False]),
        ("resets(h[30s] anchored)", [True, True]),
    ):
        grid = Grid(START + 50_000, START + 110_000, 60_000)
        frame = concatenate([result for (result,) in evaluate([parse(text)], source, grid)]).frame
        assert frame.present.any(axis=0).tolist() == present if len(frame.labels) else not any(present)


def test_a_reset_that_is_told_is_counted_once() -> None:
    """The hint stays with what is interpolated before it, and with the sample at the edge itself."""
    hints: list[Hint] = ["unknown", "unknown", "reset"]
    objects = np.full(3, None, dtype=object)
    objects[:] = [
        Histogram(0, n, n, positive={1: n}, hint=hint) for n, hint in zip((5.0, 10.0, 30.0), hints, strict=True)
    ]
    times = START + np.array([0, 30_000, 60_000])
    source = MemoryRecording(Series(((("__name__", "h"),),), np.array([0, 3]), times, np.zeros(3), objects))
    for word, end, wanted in (("anchored", 60_000, 30 - 5 + 10), ("smoothed", 45_000, 15 - 5 + 10)):
        result = evaluate_instant(parse(f"histogram_count(increase(h[{end}ms] {word}))"), source, START + end)
        assert result.frame.values.tolist() == [[float(wanted)]]
