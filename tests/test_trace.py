"""What a rule compares, found in its expression and thinned for a chart: nothing that matters is lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.backtest.model import Backtest, Score, Window
from tocsin.backtest.trace import Threshold, join, nearest, recorded, thin, thresholds, trace, traces
from tocsin.labels import Labels, from_mapping
from tocsin.promql.ast import Expr
from tocsin.promql.compare import constant
from tocsin.promql.parse import parse
from tocsin.rules import AlertingRule, RecordingRule, RuleGroup
from tocsin.series import Frame, Series
from tocsin.sources.memory import MemoryRecording

MINUTE = 60_000


@pytest.mark.parametrize(
    ("text", "value", "limits"),
    [
        ("a > 1", "a", [(">", 1.0)]),
        ("1 <= a", "a", [(">=", 1.0)]),
        ("(rate(a[5m]) / rate(b[5m]) > 0.01) and on () c > 5", "rate(a[5m]) / rate(b[5m])", [(">", 0.01)]),
        ("a > 14.4 * (1 - 0.999)", "a", [(">", 14.4 * (1 - 0.999))]),
        ("a < 1 or a > 9", "a", [("<", 1.0), (">", 9.0)]),
        ("a > 1 or b > 2", "a", [(">", 1.0)]),
        ("a unless b > 1", None, []),
        ("a > 1 unless on (job) b == 1", "a", [(">", 1.0)]),
        ("up and a == -1", "a", [("==", -1.0)]),
        ("a > b", None, []),
        ("a > bool 1", None, []),
        ("absent(a)", None, []),
        ("1 < bool 2", None, []),
    ],
)
def test_the_value_and_its_thresholds(text: str, value: str | None, limits: list[tuple[str, float]]) -> None:
    found = thresholds(parse(text))
    assert (found.value if found else None) == (parse(value) if value else None)
    assert [(limit.op, limit.limit) for limit in found.thresholds] == limits if found else not limits


def test_a_constant_that_has_no_value_is_none() -> None:
    assert constant(parse("1 / 0")) is None
    assert constant(parse("a")) is None
    assert constant(parse("-(2 + 3)")) == -5.0


def frame(rows: list[list[float | None]], start: int = 0) -> Frame:
    values = np.array([[0.0 if value is None else value for value in row] for row in rows])
    present = np.array([[value is not None for value in row] for row in rows])
    labels = tuple(from_mapping({"row": str(row)}) for row in range(len(rows)))
    return Frame(labels, start + np.arange(values.shape[1], dtype=np.int64) * MINUTE, values, present)


VALUES = st.lists(st.none() | st.sampled_from([0.5, 1.0, -3.0, np.inf, np.nan]) | st.floats(-1e9, 1e9), min_size=1)


@given(VALUES, st.integers(1, 9))
def test_thinning_keeps_the_extremes_of_every_stretch_in_their_order(row: list[float | None], width: int) -> None:
    thinned = thin(frame([row]), width)
    if width <= 2:
        assert thinned.present.tolist() == [[value is not None and bool(np.isfinite(value)) for value in row]]
        return
    for index, first in enumerate(range(0, len(row), width)):
        part = [value for value in row[first : first + width] if value is not None and np.isfinite(value)]
        pair = slice(2 * index, 2 * index + 2)
        assert thinned.present[0, pair].tolist() == [bool(part)] * 2
        if part:
            low, high = part.index(min(part)), len(part) - 1 - part[::-1].index(max(part))
            assert sorted(thinned.values[0, pair].tolist()) == [min(part), max(part)]
            if min(part) < max(part) and part.count(min(part)) == part.count(max(part)) == 1:
                assert (thinned.values[0, 2 * index] == min(part)) == (low < high)
    assert thinned.times[0] == 0
    assert (np.diff(thinned.times) >= 0).all()


def test_joined_frames_have_the_series_of_all() -> None:
    joined = join([frame([[1.0], [2.0]]), frame([[3.0]], start=MINUTE)])
    assert joined.times.tolist() == [0, MINUTE]
    assert joined.values.tolist() == [[1.0, 3.0], [2.0, 0.0]]
    assert joined.present.tolist() == [[True, True], [True, False]]


@pytest.mark.parametrize(
    ("limits", "order"),
    [
        ([(">", 5.0)], [2, 0, 1]),
        ([("<", 0.0)], [1, 0, 2]),
        ([("<", 0.0), (">", 7.0)], [2, 1, 0]),
        ([("==", 3.5)], [0, 1, 2]),
    ],
)
def test_the_series_nearest_to_alert_come_first(limits: list[tuple[str, float]], order: list[int]) -> None:
    rows = frame([[3.0, 2.0], [1.0, None], [None, 6.5], [None, None]])
    assert nearest(rows, [Threshold(*limit) for limit in limits]) == order


def recording(samples: dict[Labels, list[tuple[int, float]]]) -> MemoryRecording:
    labels = tuple(sorted(samples))
    lengths = [len(samples[one]) for one in labels]
    times = [time for one in labels for time, _ in samples[one]]
    values = [value for one in labels for _, value in samples[one]]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return MemoryRecording(Series(labels, offsets, np.array(times, dtype=np.int64), np.array(values, dtype=np.float64)))


def gauge(value: float, *spans: tuple[int, int]) -> list[tuple[int, float]]:
    return [(minute * MINUTE, value) for first, last in spans for minute in range(first, last + 1)]


def test_traces_read_what_rules_record_and_leave_gaps_open() -> None:
    spans = ((0, 30), (5000, 5010))
    a, b = from_mapping({"__name__": "a", "job": "a"}), from_mapping({"__name__": "a", "job": "b"})
    source = recording({a: gauge(2.0, *spans), b: gauge(7.0, *spans)})
    alert = AlertingRule("High", parse("job:a:double > 10 and job:a:double > 11"))
    group = RuleGroup(
        "g", (RecordingRule("job:a:double", parse("2 * a")), alert, AlertingRule("No", parse("absent(a)")))
    )
    window = Window(0, 5010 * MINUTE, MINUTE)
    backtest = Backtest(window, 0, (), Score(0, 0, None))
    assert recorded(source, window) == ((0, 35 * MINUTE), (5000 * MINUTE, 5010 * MINUTE))
    (found,) = traces(backtest, [group], source)
    assert (found.rule, found.comparison.thresholds, found.omitted) == (alert, (Threshold(">", 10.0),), 0)
    assert [dict(one)["job"] for one in found.frame.labels] == ["b", "a"]
    assert set(found.frame.values[0, found.frame.present[0]].tolist()) == {14.0}
    shown = found.frame.times[found.frame.present[0]]
    assert shown.min() == 0
    assert shown.max() == 5010 * MINUTE
    between = (found.frame.times > 36 * MINUTE) & (found.frame.times < 5000 * MINUTE)
    assert not found.frame.present[:, between].any()
    assert not found.frame.present[:, found.frame.times == 35 * MINUTE + 1].any(), "the line ends at the gap"


def test_a_long_trace_is_small_and_still_has_its_peak() -> None:
    end = 40_000 * MINUTE
    peak = 31_234 * MINUTE

    def evaluate(_: Expr, start: int, end: int) -> Frame:
        times = np.arange(start, end + 1, MINUTE, dtype=np.int64)
        values = np.stack([np.where(times == peak, 9.0, row / 100) for row in range(20)])
        labels = tuple(from_mapping({"row": f"{row:02}"}) for row in range(20))
        return Frame(labels, times, values, np.ones_like(values, dtype=np.bool_))

    found = trace("g", AlertingRule("A", parse("a > 5")), [(0, end)], MINUTE, evaluate)
    assert found is not None
    assert found.omitted == 14
    assert len(found.frame.times) <= 1210
    assert found.frame.values.max() == 9.0
    assert abs(int(found.frame.times[found.frame.values[0].argmax()]) - peak) <= 70 * MINUTE
