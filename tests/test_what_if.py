"""What an alert would have done with other durations and thresholds: what a backtest of the change says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.alerts.clock import Outage
from tocsin.alerts.replay import Schedule
from tocsin.alerts.returned import Room
from tocsin.alerts.timeline import Episode
from tocsin.backtest.run import backtest
from tocsin.backtest.what_if import QUANTILES, Rerun, deciding, quantiles
from tocsin.engine.evaluate import DEFAULT
from tocsin.promql.parse import parse
from tocsin.rules import AlertingRule, RecordingRule, RuleGroup
from tocsin.series import STALE, Series
from tocsin.sources.memory import MemoryRecording

MINUTE = 60_000
RULE = AlertingRule("A", parse("x > 5"), labels={"severity": "page", "owner": "payments"})
PRESENT = st.lists(st.sampled_from([0.0, 6.0, 7.0, 8.0, None]), min_size=1, max_size=60)
MINUTES = st.integers(0, 12)


def recorded(*columns: Sequence[float | None]) -> MemoryRecording:
    """Series of `x`, a sample a minute from minute 10 on; None where it is stale."""
    labels = tuple((("__name__", "x"), ("i", str(index))) for index in range(len(columns)))
    values = [STALE if value is None else value for column in columns for value in column]
    times = np.concatenate([np.arange(len(column), dtype=np.int64) * MINUTE + 10 * MINUTE for column in columns])
    offsets = np.cumsum([0, *map(len, columns)])
    return MemoryRecording(Series(labels, offsets, times, np.array(values)))


def plain(episodes: Iterable[Episode]) -> list[Episode]:
    return [replace(episode, annotations=()) for episode in episodes]


@given(st.lists(PRESENT, min_size=1, max_size=3), MINUTES, MINUTES, st.sampled_from([5.0, 6.0, 7.0]), MINUTES, MINUTES)
def test_what_would_have_been_is_what_a_backtest_of_the_change_says(
    columns: list[list[float | None]], for_: int, keep: int, limit: float, new_for: int, new_keep: int
) -> None:
    group = RuleGroup("g", (replace(RULE, for_=for_ * MINUTE, keep_firing_for=keep * MINUTE),))
    recording = recorded(*columns)
    done = backtest([group], recording)
    rule = done.rules[0].rule
    changed = replace(rule, expr=parse(f"x > {limit}"), for_=new_for * MINUTE, keep_firing_for=new_keep * MINUTE)
    other = backtest([replace(group, rules=(changed,))], recording)
    for known in (None, done.replay):
        rerun = Rerun([group], rule, recording, done.window, DEFAULT, known)
        found = rerun.episodes(for_=new_for * MINUTE, keep_firing_for=new_keep * MINUTE, threshold=limit)
        assert plain(found) == plain(other.rules[0].episodes)
        same = rerun.episodes(for_=rule.for_, keep_firing_for=rule.keep_firing_for)
        assert plain(same) == plain(done.rules[0].episodes)


@given(st.lists(PRESENT, min_size=1, max_size=4), st.sampled_from([0, 1, 2]), st.sampled_from(["", "1"]))
def test_what_was_returned_is_what_is_evaluated_once_more(
    columns: list[list[float | None]], limit: int, label: str
) -> None:
    """Though evaluations fail, of more alerts than the limit or of two with the same labels."""
    group = RuleGroup("g", (replace(RULE, labels={"i": label}),), limit=limit)
    recording = recorded(*columns)
    done = backtest([group], recording)
    rerun = Rerun([group], done.rules[0].rule, recording, done.window, DEFAULT)
    known = replace(rerun, done=done.replay)
    for keep in (0, 3 * MINUTE):
        found, evaluated = (one.episodes(for_=MINUTE, keep_firing_for=keep) for one in (known, rerun))
        assert list(found) == list(evaluated)
    assert known.thresholds([(0, 20 * MINUTE)]) == rerun.thresholds([(0, 20 * MINUTE)])


def test_what_is_too_much_to_keep_is_evaluated_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    group, recording = RuleGroup("g", (RULE, replace(RULE, name="B"))), recorded([0, 6, 7, 0, 8, 8])
    everything = backtest([group], recording).replay
    monkeypatch.setattr("tocsin.alerts.replay.Room", lambda: Room(5))
    done = backtest([group], recording)
    assert everything
    assert done.replay
    kept = [[track.keeper.returned() for track in one.tracks if track.keeper] for one in (everything, done.replay)]
    assert [[one is not None for one in some] for some in kept] == [[True, True], [True, False]]
    rerun = Rerun([group], done.rules[1].rule, recording, done.window, DEFAULT, done.replay)
    assert plain(rerun.episodes(for_=0, keep_firing_for=0)) == plain(done.rules[1].episodes) != []


def test_what_a_server_returned_that_was_restarted_tells_nothing_of_one_that_was_not() -> None:
    schedule = Schedule(outages=(Outage(12 * MINUTE, 13 * MINUTE),))
    done = backtest([RuleGroup("g", (RULE,))], recorded([6] * 6), schedule=schedule)
    assert done.replay
    assert [track.keeper for track in done.replay.tracks] == [None]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("x > 5 and on () vector(1) == 1", "x > 6 and on () vector(1) == 1"),
        ("(x > 5) unless on () y", "(x > 6) unless on () y"),
        ("5 < x", "6 < x"),
        ("sum(x) > 5", "sum(x) > 6"),
    ],
)
def test_a_stricter_threshold_behind_guards(text: str, same: str) -> None:
    recording = recorded([0, 6, 7, 8, None, 8, 6, 8], [9, 9, 0, 0, 6, 6, 6, 6])
    group = RuleGroup("g", (replace(RULE, expr=parse(text)),))
    done = backtest([group], recording)
    found = Rerun([group], done.rules[0].rule, recording, done.window, DEFAULT).episodes(
        for_=0, keep_firing_for=0, threshold=6
    )
    other = backtest([RuleGroup("g", (replace(RULE, expr=parse(same)),))], recording)
    assert plain(found) == plain(other.rules[0].episodes) != []


@pytest.mark.parametrize("text", ["x > 5 or y > 3", "absent(x)", "x == 5", "up and x > 3", "x > y"])
def test_what_no_threshold_decides_has_none(text: str) -> None:
    assert deciding(parse(text)) is None


def test_an_alert_among_rules_that_it_reads() -> None:
    rules = (RecordingRule("half", parse("x / 2")), replace(RULE, expr=parse("half > 2.5")))
    group, recording = RuleGroup("g", rules, query_offset=MINUTE), recorded([0, 6, 6, 0, 8, 8, 8, 8])
    done = backtest([group], recording)
    assert done.rules[0].episodes
    rerun = Rerun([group], done.rules[0].rule, recording, done.window, DEFAULT)
    assert plain(rerun.episodes(for_=0, keep_firing_for=0)) == plain(done.rules[0].episodes)
    assert rerun.unread() == ()
    assert rerun.thresholds([]) == (3.0, 3.6, 4.0)


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=40))
def test_quantiles_are_those_of_numpy(values: list[float]) -> None:
    column = np.array(values)
    assert quantiles(column).tobytes() == np.quantile(column, QUANTILES).tobytes()
