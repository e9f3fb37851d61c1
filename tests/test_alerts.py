"""Rule groups replayed: what rules tell each other, what fails, and every evaluation against Prometheus itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests import promtool
from tests.promtool import Stretch
from tests.replays import MINUTE, alert, every_minute, minutes, random_group, record, replayed, series_of

from tocsin.rules import Rule, RuleGroup
from tocsin.series import STALE


def test_later_rules_read_what_earlier_ones_recorded_at_the_same_tick() -> None:
    series = series_of({'x{i="1"}': every_minute([0, 1, 1, 0, 0]), 'x{i="2"}': every_minute([0, 0, 1, 1, 0])})
    group = RuleGroup("g", (record("total", "sum(x)"), alert("total > 1"), record("twice", "total + total")))
    (timeline,) = replayed(group, series, 4).timelines
    assert minutes(timeline.episodes) == [(2, 2, 3)]


def test_a_recorded_series_that_ends_is_stale_at_once() -> None:
    series = series_of({"x": every_minute([1, 1, 0, 0, 1, 1])})
    group = RuleGroup("g", (record("high", "x > 0"), alert("high")))
    (timeline,) = replayed(group, series, 5).timelines
    assert minutes(timeline.episodes) == [(0, 0, 2), (4, 4, None)]


def test_recorded_series_take_the_place_of_recorded_ones_of_that_name() -> None:
    series = series_of({"x": every_minute([1, 1, 1]), 'high{from="production"}': every_minute([9, 9, 9])})
    group = RuleGroup("g", (record("high", "x * 2"), alert("high > 1")))
    (timeline,) = replayed(group, series, 2).timelines
    assert [dict(episode.labels) for episode in timeline.episodes] == [{"alertname": "A"}]


def test_labels_of_a_rule_override_and_delete() -> None:
    series = series_of({'x{a="1",b="2",alertname="mine"}': every_minute([1, 1])})
    (timeline,) = replayed(RuleGroup("g", (alert("x", labels={"a": "9", "b": "", "c": "3"}),)), series, 1).timelines
    assert [dict(episode.labels) for episode in timeline.episodes] == [{"a": "9", "alertname": "A", "c": "3"}]


def test_evaluations_that_fail_leave_the_alerts_as_they_were() -> None:
    series = series_of({'x{a="1"}': every_minute([1, 1, 1, 1, 0]), 'x{a="2"}': every_minute([0, 0, 1, 0, 0])})
    replay_ = replayed(RuleGroup("g", (alert("x > 0", labels={"a": ""}, for_=3),)), series, 4)
    (timeline,) = replay_.timelines
    assert minutes(timeline.episodes) == [(0, 3, 4)]
    assert [(failure.first, failure.count) for failure in timeline.failures] == [(2 * MINUTE, 1)]
    assert [(p.code, p.severity) for p in replay_.problems] == [("backtest/failed", "warning")]


def test_evaluations_that_the_engine_fails_leave_the_alerts_as_they_were() -> None:
    series = series_of({"x": every_minute([1] * 5), 'y{a="1"}': every_minute([1] * 5), 'y{a="2"}': {2: 1, 3: STALE}})
    (timeline,) = replayed(RuleGroup("g", (alert("x / on () y", for_=3),)), series, 4).timelines
    assert minutes(timeline.episodes) == [(0, 3, None)]
    assert [(failure.first, failure.count) for failure in timeline.failures] == [(2 * MINUTE, 1)]


def test_more_alerts_than_the_limit_lose_all() -> None:
    series = series_of({'x{a="1"}': every_minute([1, 1, 1, 1, 1]), 'x{a="2"}': every_minute([0, 0, 1, 0, 0])})
    replay_ = replayed(RuleGroup("g", (alert("x > 0", for_=1),), limit=1), series, 4)
    assert minutes(replay_.timelines[0].episodes) == [(0, 1, 2), (3, 4, None)]
    assert "limit of 1" in replay_.problems[0].message


def test_a_query_offset_shifts_what_is_read_and_not_what_is_told() -> None:
    series = series_of({"x": every_minute([0, 1, 1, 0, 1, 1])})
    group = RuleGroup("g", (record("y", "x + 0"), alert("y > 0")), query_offset=2 * MINUTE)
    (timeline,) = replayed(group, series, 5).timelines
    assert minutes(timeline.episodes) == [(3, 3, 5)]


@pytest.mark.parametrize(
    ("rules", "others", "code", "says"),
    [
        (
            [alert("x", labels={"a": "{{ printf `%p` $labels }}"})],
            [],
            "unsupported",
            "the label `a` of `A` says is not",
        ),
        ([alert("x", labels={"a": '{{ query "y" }}'}), record("y", "x")], [], "unsupported", "it queries `y`, which a"),
        ([alert("x", labels={"a": '{{ query "y" }}'})], [record("y", "x")], "unsupported", "it queries `y`, which a"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_by_name(
    rules: list[Rule], others: list[Rule], code: str, says: str
) -> None:
    series = series_of({"x": every_minute([1, 1]), "good": every_minute([1, 1])})
    found = replayed(RuleGroup("g", (*rules, alert("good > 0", "Good"))), series, 1, RuleGroup("h", tuple(others)))
    assert found.problems[0].code == f"backtest/{code}"
    assert says in found.problems[0].message
    assert [timeline.rule.name for timeline in found.timelines] == ["Good"]


def test_a_rule_that_reads_what_a_refused_rule_records_is_refused() -> None:
    series = series_of({"x": every_minute([1, 1])})
    found = replayed(RuleGroup("g", (record("y", "x[5m]"), alert("y"))), series, 1)
    assert "it reads what `y` records, which is left out" in found.problems[1].message


GAPPED = [
    "x > 0",
    "rate(x[3m]) > 0",
    "x offset 4m > 0",
    "max_over_time((x > 0)[4m:2m])",
    "x > 0 or vector(1)",
    "absent(x)",
    "x unless x < 1",
    "time() - timestamp(x) < 200",
    "sum(x) by (a) and on () vector(1)",
    "count_over_time(x[2m]) or absent_over_time(x[2m]) > 1",
    "x - 1 == 0",
    "x @ 600 >= 0",
]


@pytest.mark.parametrize("expr", GAPPED)
def test_skipping_a_gap_changes_nothing(expr: str, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = np.random.default_rng(1).integers(0, 3, 40).tolist()
    samples = {minute + (700 if minute > 20 else 3): float(flag) for minute, flag in enumerate(flags)}
    group = RuleGroup("g", (alert(expr, for_=1, keep_firing_for=17), record("r", expr), alert("r == 1", "B")))
    skipping = replayed(group, series_of({'x{a="1"}': samples}), 900)
    monkeypatch.setattr("tocsin.alerts.columns._WORTH_SKIPPING", 10**9)
    stepping = replayed(group, series_of({'x{a="1"}': samples}), 900)
    assert (stepping.timelines, stepping.problems) == (skipping.timelines, skipping.problems)
    assert any(timeline.episodes for timeline in skipping.timelines)


@pytest.mark.parametrize("tile", [1, 7])
def test_where_tiles_are_cut_changes_nothing(tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    group, series = random_group(5)
    whole = replayed(group, series, 170)
    monkeypatch.setattr("tocsin.engine.evaluate.first_length", lambda *_: tile)
    monkeypatch.setattr("tocsin.engine.evaluate.next_length", lambda *_: tile)
    pieces = replayed(group, series, 170)
    assert (pieces.timelines, pieces.problems) == (whole.timelines, whole.problems)


@pytest.mark.live("promtool")
@pytest.mark.parametrize("seed", range(4))
def test_promtool_agrees_at_every_evaluation(seed: int, tmp_path: Path) -> None:
    group, series = random_group(seed)
    timelines = replayed(group, series, 170).timelines
    assert sum(len(timeline.episodes) for timeline in timelines) > 20
    assert promtool.disagreement(tmp_path, [group], series, timelines, [Stretch(0, 170 * MINUTE)], MINUTE) == ""


@pytest.mark.live("promtool")
@pytest.mark.parametrize("change", ["pending", "firing", "resolved"])
def test_promtool_sees_an_episode_that_is_a_minute_off(change: str, tmp_path: Path) -> None:
    group, series = random_group(0)
    timelines = list(replayed(group, series, 170).timelines)
    place, episode = next(
        (place, episode)
        for place, timeline in enumerate(timelines)
        for episode in timeline.episodes
        if episode.firing is not None and episode.resolved is not None and episode.firing > episode.pending
    )
    moved = replace(episode, **{change: getattr(episode, change) + MINUTE})
    episodes = tuple(moved if one == episode else one for one in timelines[place].episodes)
    timelines[place] = replace(timelines[place], episodes=episodes)
    assert "FAILED" in promtool.disagreement(tmp_path, [group], series, timelines, [Stretch(0, 170 * MINUTE)], MINUTE)
