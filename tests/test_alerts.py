"""The state machine of alerts against a step-by-step twin, the clock, and rule groups against Prometheus itself."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import promtool
from tests.promtool import Stretch

from tocsin.alerts.clock import evaluation_times
from tocsin.alerts.machine import AlertMachine
from tocsin.alerts.replay import Replay, replay
from tocsin.alerts.timeline import Episode
from tocsin.engine.semantics import Semantics
from tocsin.labels import Labels, from_mapping
from tocsin.promql.parse import parse
from tocsin.rules import AlertingRule, RecordingRule, Rule, RuleGroup
from tocsin.series import STALE, Mask, Series
from tocsin.sources.memory import MemoryRecording
from tocsin.sources.sample_line import parse_sample

LABELS: tuple[Labels, ...] = tuple(from_mapping({"alertname": "A", "x": str(i)}) for i in range(3))


@dataclass
class NaiveAlert:
    state: str
    active_at: int
    fired_at: int | None = None
    resolved_at: int | None = None
    keep_firing_since: int | None = None


@dataclass
class NaiveRule:
    """`AlertingRule.Eval` of Prometheus, one evaluation after the other, and what an onlooker sees of it."""

    for_: int
    keep_firing_for: int
    limit: int
    active: dict[Labels, NaiveAlert] = field(default_factory=dict)
    seen: dict[Labels, Episode] = field(default_factory=dict)
    episodes: list[Episode] = field(default_factory=list)

    def evaluate(self, now: int, result: list[Labels]) -> None:
        for labels in result:
            old = self.active.get(labels)
            if old is None or old.state == "inactive":
                self.active[labels] = NaiveAlert("pending", now)
        count = 0
        for labels, alert in list(self.active.items()):
            if labels not in result:
                keep = False
                if alert.state == "firing" and self.keep_firing_for > 0:
                    if alert.keep_firing_since is None:
                        alert.keep_firing_since = now
                    keep = now - alert.keep_firing_since < self.keep_firing_for
                old_enough = alert.resolved_at is not None and now - alert.resolved_at > 15 * 60_000
                if alert.state == "pending" or old_enough:
                    del self.active[labels]
                if alert.state != "inactive" and not keep:
                    alert.state, alert.resolved_at = "inactive", now
                if not keep:
                    continue
            else:
                alert.keep_firing_since = None
            count += 1
            if alert.state == "pending" and now - alert.active_at >= self.for_:
                alert.state, alert.fired_at = "firing", now
        if 0 < self.limit < count:
            self.active = {}
        self.watch(now)

    def watch(self, now: int) -> None:
        """What `ALERTS` shows after this evaluation, against what it showed before."""
        shown = {
            labels: Episode(labels, alert.active_at, alert.fired_at)
            for labels, alert in self.active.items()
            if alert.state != "inactive"
        }
        for labels, before in self.seen.items():
            if labels not in shown or shown[labels].pending != before.pending:
                self.episodes.append(Episode(labels, before.pending, before.firing, now))
        self.seen = shown

    def all_episodes(self) -> tuple[Episode, ...]:
        return tuple(sorted([*self.episodes, *self.seen.values()], key=lambda e: (e.pending, e.labels)))


durations = st.sampled_from([0, 0, 10_000, 25_000, 60_000, 90_000])


@st.composite
def presences(draw: st.DrawFn) -> tuple[list[int], Mask, list[int]]:
    """Times with gaps where evaluations failed, presence in runs, and where the tiles are cut."""
    count = draw(st.integers(1, 60))
    steps = draw(st.lists(st.sampled_from([1, 1, 1, 1, 3]), min_size=count, max_size=count))
    times = (np.cumsum(steps) * 10_000).tolist()
    rows = []
    for _ in range(draw(st.integers(0, 3))):
        flips = draw(st.lists(st.integers(0, count), max_size=12))
        rows.append((np.searchsorted(np.sort(flips), np.arange(count), side="right") % 2).astype(np.bool_))
    present = np.array(rows, dtype=np.bool_).reshape(len(rows), count)
    cuts = sorted(draw(st.lists(st.integers(0, count), max_size=4)))
    return times, present, [0, *cuts, count]


@given(presences(), durations, durations, st.sampled_from([0, 0, 1, 2]))
def test_runs_give_what_steps_give(
    drawn: tuple[list[int], Mask, list[int]],
    for_: int,
    keep_firing_for: int,
    limit: int,
) -> None:
    times, present, cuts = drawn
    naive = NaiveRule(for_, keep_firing_for, limit)
    for step, now in enumerate(times):
        naive.evaluate(now, [LABELS[row] for row in np.flatnonzero(present[:, step])])
    machine = AlertMachine(for_, keep_firing_for, limit)
    for start, stop in pairwise(cuts):
        rows = np.flatnonzero(present[:, start:stop].any(axis=1))
        machine.advance(
            np.array(times[start:stop], dtype=np.int64), [LABELS[row] for row in rows], present[rows, start:stop]
        )
    assert machine.episodes() == naive.all_episodes()


def timeline(pattern: str, for_: int = 0, keep_firing_for: int = 0) -> list[tuple[int, int | None, int | None]]:
    """Episodes in minutes of a pattern such as `11.1`, one character a minute."""
    machine = AlertMachine(for_ * 60_000, keep_firing_for * 60_000)
    present = np.array([[char == "1" for char in pattern]])
    machine.advance(np.arange(len(pattern), dtype=np.int64) * 60_000, LABELS[:1], present)
    minutes = [(e.pending, e.firing, e.resolved) for e in machine.episodes()]
    return [(a // 60_000, b if b is None else b // 60_000, c if c is None else c // 60_000) for a, b, c in minutes]


@pytest.mark.parametrize(
    ("pattern", "for_", "keep", "expected"),
    [
        ("1111...", 2, 2, [(0, 2, 6)]),  # as Prometheus 2.42 was seen to do
        ("111..", 0, 0, [(0, 0, 3)]),
        ("11.11.", 2, 0, [(0, None, 2), (3, None, 5)]),  # a missed evaluation loses a pending alert
        ("11.11", 0, 2, [(0, 0, None)]),  # back within keep_firing_for: the same episode
        ("11..11", 0, 2, [(0, 0, None)]),
        ("11...11", 0, 2, [(0, 0, 4), (5, 5, None)]),  # the time to keep it starts at the first miss
        ("11111", 9, 0, [(0, None, None)]),
    ],
)
def test_episodes_by_hand(
    pattern: str, for_: int, keep: int, expected: list[tuple[int, int | None, int | None]]
) -> None:
    assert timeline(pattern, for_, keep) == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(0, 20, [0, 10, 20]), (1, 19, [10]), (11, 19, []), (-15, 0, [-10, 0])]
)
def test_the_clock_ticks_at_multiples_of_the_interval(start: int, end: int, expected: list[int]) -> None:
    assert evaluation_times(start, end, 10).tolist() == expected


MINUTE = 60_000


def series_of(samples: dict[str, dict[int, float]]) -> Series:
    """Series by the labels of `name{label="value"}`, samples by minute."""
    rows = sorted((parse_sample(f"{name} 0 0").labels, values) for name, values in samples.items())
    return Series(
        tuple(labels for labels, _ in rows),
        np.cumsum([0, *(len(values) for _, values in rows)], dtype=np.int64),
        np.array([minute * MINUTE for _, values in rows for minute in values], dtype=np.int64),
        np.array([value for _, values in rows for value in values.values()], dtype=np.float64),
    )


def alert(expr: str, name: str = "A", labels: Mapping[str, str] | None = None, **durations: int) -> AlertingRule:
    """A rule; durations in minutes."""
    keep = durations.get("keep_firing_for", 0) * MINUTE
    return AlertingRule(name, parse(expr), durations.get("for_", 0) * MINUTE, keep, labels or {})


def record(name: str, expr: str, labels: Mapping[str, str] | None = None) -> RecordingRule:
    return RecordingRule(name, parse(expr), labels or {})


def replayed(group: RuleGroup, series: Series, end: int, *others: RuleGroup) -> Replay:
    return replay([group, *others], MemoryRecording(series), 0, end * MINUTE, Semantics(compat=2))


def minutes(episodes: Iterable[Episode]) -> list[tuple[int, int | None, int | None]]:
    def whole(time: int | None) -> int | None:
        return None if time is None else time // MINUTE

    return [(e.pending // MINUTE, whole(e.firing), whole(e.resolved)) for e in episodes]


def every_minute(values: Iterable[float]) -> dict[int, float]:
    return dict(enumerate(values))


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


def random_group(seed: int) -> tuple[RuleGroup, Series]:
    """Rules of every kind that the state machine tells apart, over counters and gauges with gaps."""
    chance = random.Random(seed)
    samples = {}
    for name in ("gauge", "counter_total"):
        for job in "ab":
            for instance in "12":
                total, there, column = 0, True, {}
                for minute in range(150):
                    there = there if chance.random() < 0.9 else not there
                    total += chance.choice([0, 0, 1, 5])
                    if there:
                        column[minute] = float(total if name == "counter_total" else chance.choice([0, 0, 1, 1, 2]))
                samples[f'{name}{{job="{job}",instance="{instance}"}}'] = column
    exprs = [
        "gauge > 0",
        "sum by (job) (gauge) > 2",
        "rate(counter_total[5m]) > 0.03",
        "job:counter:rate10m > 0.02",
        'absent(gauge{job="a"})',
        "gauge == 1 unless on (job, instance) counter_total > 100",
        "high == 2",
    ]
    rules: list[Rule] = [
        record("job:counter:rate10m", "sum by (job) (rate(counter_total[10m]))"),
        record("high", "gauge > 0", {"level": "x"}),
    ]
    for index, expr in enumerate(exprs):
        labels = chance.choice([{}, {"severity": "page"}, {"alertname": "ignored", "severity": ""}])
        for_, keep = chance.choice([0, 0, 1, 3, 7]), chance.choice([0, 0, 1, 4, 10])
        rules.append(alert(expr, f"Alert{index}", labels, for_=for_, keep_firing_for=keep))
    return RuleGroup("g", tuple(rules), MINUTE), series_of(samples)


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


LABELLED = {
    "value": "{{ $value }}",
    "size": "{{ if gt $value 1.0 }}large{{ else }}small{{ end }}",
    "job": "{{ .Labels.job | toUpper }}",
    "raw": "{{ $labels.nothing }}",
    "fails": "{{ .Nothing }}",
    "now": '{{ with query "sum(gauge)" }}{{ . | first | value | humanize }}{{ end }}',
    "high": '{{ range query "high" | sortByLabel "instance" }}{{ .Labels.instance }} {{ end }}',
}


def templated_group(seed: int) -> tuple[RuleGroup, Series]:
    """Alerts with templates in their labels and annotations."""
    chance = random.Random(seed)
    group, series = random_group(seed)
    rules: list[Rule] = []
    for rule in group.rules:
        if isinstance(rule, AlertingRule):
            own = dict(chance.sample(list(LABELLED.items()), chance.choice([0, 1, 2])))
            told = dict(chance.sample(list(LABELLED.items()), chance.choice([1, 3])))
            rule = replace(rule, labels={**rule.labels, **own}, annotations={**told, "fixed": "text"})
        rules.append(rule)
    return replace(group, rules=tuple(rules)), series


@pytest.mark.live("promtool")
@pytest.mark.parametrize("seed", range(6))
def test_promtool_agrees_on_labels_and_annotations_from_templates(seed: int, tmp_path: Path) -> None:
    group, series = templated_group(seed)
    found = replayed(group, series, 170)
    assert all(problem.severity == "warning" for problem in found.problems)
    assert sum(bool(one.annotations) for timeline in found.timelines for one in timeline.episodes) > 20
    assert promtool.disagreement(tmp_path, [group], series, found.timelines, [Stretch(0, 170 * MINUTE)], MINUTE) == ""


@pytest.mark.live("promtool")
def test_promtool_sees_an_annotation_that_is_wrong(tmp_path: Path) -> None:
    group, series = templated_group(0)
    timelines = list(replayed(group, series, 170).timelines)
    for place, timeline in enumerate(timelines):
        wrong = tuple(replace(one, annotations=(("fixed", "other"),)) for one in timeline.episodes)
        timelines[place] = replace(timeline, episodes=wrong)
    assert "FAILED" in promtool.disagreement(tmp_path, [group], series, timelines, [Stretch(0, 170 * MINUTE)], MINUTE)


def test_labels_that_hold_the_value_make_a_new_alert_of_every_value() -> None:
    series = series_of({"x": every_minute([1, 1, 2, 2, 2])})
    (timeline,) = replayed(RuleGroup("g", (alert("x", labels={"v": "{{ $value }}"}, for_=1),)), series, 4).timelines
    assert [dict(episode.labels)["v"] for episode in timeline.episodes] == ["1", "2"]
    assert minutes(timeline.episodes) == [(0, 1, 2), (2, 3, None)]


def test_annotations_are_those_of_the_last_evaluation_that_returned_the_alert() -> None:
    series = series_of({'x{a="1"}': every_minute([1, 5, 7, 0, 0, 3])})
    rule = replace(alert("x > 0", keep_firing_for=1), annotations={"v": "{{ $value }}", "a": "{{ $labels.a }}"})
    (timeline,) = replayed(RuleGroup("g", (rule,)), series, 5).timelines
    assert [one.annotations for one in timeline.episodes] == [(("a", "1"), ("v", "7")), (("a", "1"), ("v", "3"))]


def test_results_that_templates_give_the_same_labels_fail_the_evaluation() -> None:
    series = series_of({'x{a="1"}': every_minute([1, 1, 1]), 'x{a="2"}': every_minute([2, 1, 2])})
    (timeline,) = replayed(RuleGroup("g", (alert("x", labels={"a": "{{ $value }}"}),)), series, 2).timelines
    assert [(failure.first, failure.count) for failure in timeline.failures] == [(MINUTE, 1)]


def test_a_template_that_fails_says_so_in_the_label_and_in_a_problem() -> None:
    series = series_of({"x": {3: 1.0, 4: 1.0}})
    rule = replace(alert("x", labels={"l": "{{ .Foo }}"}), annotations={"a": "{{ printf `%p` 1 }}", "b": "fine"})
    found = replayed(RuleGroup("g", (rule,)), series, 4)
    (episode,) = found.timelines[0].episodes
    assert dict(episode.labels)["l"].startswith("<error expanding template: error executing template __alert_A: ")
    assert dict(episode.annotations) == {"b": "fine"}
    assert [problem.code for problem in found.problems] == ["backtest/template"] * 2
    assert "first at 1970-01-01T00:03:00Z" in found.problems[0].message


def test_an_annotation_that_asks_for_the_server_is_left_out() -> None:
    rule = replace(alert("x"), annotations={"url": "{{ $externalURL }}/x", "b": "{{ $labels.a }}"})
    found = replayed(RuleGroup("g", (rule,)), series_of({'x{a="1"}': every_minute([1])}), 0)
    assert found.timelines[0].episodes[0].annotations == (("b", "1"),)
    assert "what the annotation `url` of `A` says is not known" in found.problems[0].message


def test_labels_of_a_recording_rule_are_no_templates() -> None:
    series = series_of({"x": every_minute([1])})
    group = RuleGroup("g", (record("y", "x", {"a": "{{ 1 }}"}), alert("y")))
    (timeline,) = replayed(group, series, 0).timelines
    assert dict(timeline.episodes[0].labels)["a"] == "{{ 1 }}"


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
