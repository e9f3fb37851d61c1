"""Groups over time: whole columns against steps, random groups against promtool, offsets, and restarts."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from tests.command import run as command
from tests.command import write_files
from tests.replays import MINUTE, alert, every_minute, minutes, record, series_of
from tests.rule_groups.compare import Tally, compare
from tests.rule_groups.generate import Case, case

from tocsin.alerts import dependencies
from tocsin.alerts.clock import Clock, Outage, hashed_offset, lives
from tocsin.alerts.dependencies import Level, Plan
from tocsin.alerts.replay import Replay, Schedule, replay
from tocsin.alerts.sight import Sight, Stretch
from tocsin.engine.semantics import Semantics
from tocsin.labels import format_labels
from tocsin.rules import AlertingRule, Rule, RuleGroup
from tocsin.series import Series
from tocsin.sources.memory import MemoryRecording


@pytest.mark.live("promtool")
def test_promtool_agrees_on_random_groups_at_every_evaluation(tmp_path: Path) -> None:
    tally = Tally()
    compare(range(60), tmp_path, tally)
    assert not tally.differences, "\n".join(tally.differences)
    assert tally.cases > 40
    assert min(tally.firing, tally.failing, tally.circles) > 10, str(tally)


def uneven(seed: int) -> tuple[Case, Schedule]:
    """A case whose groups have other intervals and query offsets, under a server that is down now and then."""
    chance, given = random.Random(seed), case(seed)
    groups = tuple(
        replace(
            group,
            rules=tuple(_slower(chance, rule) for rule in group.rules),
            interval=given.step * chance.choice([1, 1, 2, 3]) // chance.choice([1, 1, 2]),
            query_offset=chance.choice([None, None, 0, given.step // 2, given.step, 3 * given.step]),
        )
        for group in given.groups
    )
    ends = sorted(chance.sample(range(given.end), chance.choice([0, 0, 2, 4])))
    outages = [Outage(start, end) for start, end in zip(ends[::2], ends[1::2], strict=True)]
    return replace(given, groups=groups), Schedule(chance.choice([0, 0, None, 7000]), tuple(outages))


def _slower(chance: random.Random, rule: Rule) -> Rule:
    """Alerts that a restart restores have a `for` of ten minutes or more."""
    if isinstance(rule, AlertingRule) and chance.random() < 0.3:
        return replace(rule, for_=chance.choice([10, 11, 14]) * MINUTE)
    return rule


def run(given: Case, schedule: Schedule) -> Replay:
    semantics = Semantics(evaluation_interval=given.step)
    return replay(given.groups, MemoryRecording(given.series), 0, given.end, semantics, schedule)


def in_steps(groups: Sequence[RuleGroup]) -> Plan:
    """A plan that evaluates all rules as if they read each other."""
    plan = dependencies.plan(groups)
    return replace(plan, levels=(Level(tuple(sorted(plan.rules)), circle=True),))


@pytest.mark.parametrize("seed", range(60))
def test_columns_give_what_steps_give(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    given, schedule = uneven(seed)
    whole = run(given, schedule)
    monkeypatch.setattr("tocsin.alerts.replay.plan", in_steps)
    steps = run(given, schedule)
    assert whole.timelines == steps.timelines
    assert told(whole) == told(steps)
    assert_same(whole.recorded(), steps.recorded())


def told(done: Replay) -> set[tuple[str, str]]:
    """The problems but for their times: columns tell a template's first failure in the order of series."""
    return {(problem.code, problem.message.partition(", ")[0]) for problem in done.problems}


def assert_same(one: Series, other: Series) -> None:
    assert one.labels == other.labels
    for index, labels in enumerate(one.labels):
        cut, same = (slice(series.offsets[index], series.offsets[index + 1]) for series in (one, other))
        assert one.times[cut].tolist() == other.times[same].tolist(), format_labels(labels)
        assert one.values[cut].view(np.uint64).tolist() == other.values[same].view(np.uint64).tolist()


def restarting(pattern: str, for_: int, down: int, up: int) -> tuple[list[tuple[int, int | None, int | None]], Replay]:
    """Episodes in minutes of an alert whose server is down from one minute to another."""
    series = series_of({"x": every_minute([float(char) for char in pattern])})
    group = RuleGroup("g", (alert("x > 0", for_=for_), record("seen", "ALERTS_FOR_STATE")))
    outages = (Outage(down * MINUTE, up * MINUTE),)
    done = replay([group], MemoryRecording(series), 0, len(pattern) * MINUTE, Semantics(), Schedule(outages=outages))
    return minutes(done.timelines[0].episodes), done


@pytest.mark.parametrize(
    ("for_", "down", "up", "since", "fires"),
    [
        (5, 20, 23, 23, 28),  # shorter than ten minutes: as if it had begun at the restart
        (10, 20, 23, 0, 25),  # it fired before the restart: at once again
        (40, 20, 23, 5, 46),  # the last sample is of minute 19, states are restored after minute 24: five minutes later
        (25, 20, 23, 9, 35),  # six minutes were left: ten minutes after states are restored
        (40, 20, 90, 90, 130),  # down for more than an hour: forgotten
    ],
)
def test_a_restart_restores_for_how_long_an_alert_was_active(
    for_: int, down: int, up: int, since: int, fires: int
) -> None:
    found, _ = restarting("1" * 150, for_, down, up)
    before = (0, for_ if for_ < down else None, up)
    assert found == [before, (since, fires, None)]


def test_after_a_restart_two_evaluations_say_nothing_of_alerts() -> None:
    _, done = restarting("1" * 40, 10, 20, 23)
    written = done.recorded()
    index = [dict(labels)["__name__"] for labels in written.labels].index("ALERTS_FOR_STATE")
    times = (written.times[written.offsets[index] : written.offsets[index + 1]] // MINUTE).tolist()
    assert times == [*range(20), *range(25, 41)]


def test_an_alert_that_was_over_when_the_server_stopped_is_not_restored() -> None:
    found, _ = restarting("1" * 15 + "0" * 5 + "1" * 30, 10, 18, 23)
    assert found == [(0, 10, 15), (23, 33, None)]


@pytest.mark.parametrize(("compat", "offset"), [(2, 364), (3, 2238)])
def test_the_offset_of_a_group_is_that_of_its_path_and_name(compat: Literal[2, 3], offset: int) -> None:
    assert hashed_offset("rules.yml", "grp one", 3000, compat) == offset  # 2.42 was seen to evaluate at .364529513


def test_rules_see_what_was_recorded_at_the_tick_before() -> None:
    series = series_of({"x": every_minute([1, 2, 3, 4])})
    rules = (record("late", "early * 10"), record("early", "x"), record("count", "count + 1 or x * 0"))
    done = replay([RuleGroup("g", rules)], MemoryRecording(series), 0, 3 * MINUTE, Semantics())
    assert samples(done, "late") == {1: 10, 2: 20, 3: 30}
    assert samples(done, "count") == {0: 0, 1: 1, 2: 2, 3: 3}


def samples(done: Replay, name: str) -> dict[int, float]:
    """The only series of a name, by minute."""
    written = done.recorded()
    index = [dict(labels)["__name__"] for labels in written.labels].index(name)
    cut = slice(written.offsets[index], written.offsets[index + 1])
    return dict(zip((written.times[cut] // MINUTE).tolist(), written.values[cut].tolist(), strict=True))


def test_a_later_group_sees_an_earlier_one_at_once_and_the_other_way_a_tick_later() -> None:
    series = series_of({"x": every_minute([1, 2, 3])})
    one = RuleGroup("one", (record("a", "x"), record("b_seen", "b")))
    two = RuleGroup("two", (record("b", "x"), record("a_seen", "a")))
    done = replay([one, two], MemoryRecording(series), 0, 2 * MINUTE, Semantics())
    assert samples(done, "a_seen") == {0: 1, 1: 2, 2: 3}
    assert samples(done, "b_seen") == {1: 1, 2: 2}


def test_alerts_of_other_servers_stay_readable() -> None:
    series = series_of(
        {'ALERTS{alertname="Other"}': every_minute([1, 1]), 'ALERTS{alertname="A"}': every_minute([1, 1])}
    )
    done = replay(
        [RuleGroup("g", (alert("vector(1) < 0"), record("n", "count by (alertname) (ALERTS)")))],
        MemoryRecording(series),
        0,
        MINUTE,
        Semantics(),
    )
    assert [dict(labels)["alertname"] for labels in done.recorded().labels] == ["Other"]


def test_a_sight_hides_what_is_recorded_later() -> None:
    ten, late = Clock(10), Clock(10, 0, 25)
    sight = Sight(ten, late, late=False, stretch=Stretch(30, 0))
    assert not sight.is_whole
    assert sight.stride == 4
    stored = np.arange(-25, 60, 10)  # what evaluations at 0, 10, 20 ... recorded
    assert stored[sight.visible(stored, np.array([20, 60]))].tolist() == [-25, -15, -5, 25, 35]
    assert Sight(late, ten, late=True, stretch=Stretch(30, 0)).is_whole
    assert Sight(ten, Clock(10, 3), late=True, stretch=Stretch(30, 0)).is_whole
    assert not Sight(ten, ten, late=True, stretch=Stretch(30, 0)).is_whole


def test_outages_cut_lives() -> None:
    times = np.arange(0, 100, 10)
    found = lives(times, [Outage(15, 40), Outage(85, 200)])
    assert [(life.times.tolist(), life.silent) for life in found] == [([0, 10], 0), ([40, 50, 60, 70, 80], 2)]
    assert [part.tolist() for part in found[1].parts] == [[40, 50], [60, 70, 80]]


def test_what_rules_record_is_written_as_blocks(tmp_path: Path) -> None:
    folder = write_files(tmp_path)
    data = ("--data", "recording.om")
    done = command("backtest", "specs", *data, "--write-blocks", "blocks", "--format", "json", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    (episode,) = json.loads(done.stdout)["rules"][0]["episodes"]
    query = ('ALERTS{alertstate="firing"}', "--time", str(episode["firing"]), "--format", "json")
    read = command("query", "--data", "blocks", *query, cwd=folder)
    (sample,) = json.loads(read.stdout)["data"]["result"]
    assert sample["metric"] == {**episode["labels"], "__name__": "ALERTS", "alertstate": "firing"}
    assert sample["value"] == [episode["firing"], "1"]


def test_the_command_line_tells_when_groups_are_evaluated(tmp_path: Path) -> None:
    folder = write_files(tmp_path)
    call = ("backtest", "specs", "--data", "recording.om", "--format", "json")
    plain = json.loads(command(*call, cwd=folder).stdout)["rules"][0]["episodes"]
    shifted = json.loads(command(*call, "--evaluation-offset", "7s", cwd=folder).stdout)["rules"][0]["episodes"]
    assert [
        (one["pending"] % 60, one["pending"] - other["pending"] < 120)
        for one, other in zip(shifted, plain, strict=True)
    ] == [(7, True)]
    cut = f"{plain[0]['firing'] + 60}/{plain[0]['firing'] + 240}"
    found = json.loads(command(*call, "--outage", cut, cwd=folder).stdout)["rules"][0]["episodes"]
    assert found[0]["resolved"] == plain[0]["firing"] + 240
    assert len(found) == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--evaluation-offset", "x"), "`x` is neither `auto` nor a duration"),
        (("--outage", "5"), "`5` is not a start and an end with a `/` between them"),
        (("--outage", "5/4"), "`5/4` ends before it starts"),
        (("--outage", "5/9", "--outage", "7/10"), "one outage begins before another is over"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(options: tuple[str, ...], told: str, tmp_path: Path) -> None:
    done = command("backtest", "specs", "--data", "recording.om", *options, cwd=write_files(tmp_path))
    assert done.returncode == 2
    assert told in done.stderr


@pytest.mark.parametrize(
    "expr",
    [
        "rate(late[3m])",
        "max_over_time(late[1m + step() + 2m])",
        "late offset (step() + 1m)",
        "late offset -2m",
        "late @ 120",
        "max_over_time(late[3m] @ 300)",
        "max_over_time(late[4m:30s])",
        "late and x > 2",
    ],
)
def test_a_rule_sees_of_a_later_one_what_steps_show(expr: str, monkeypatch: pytest.MonkeyPatch) -> None:
    series = series_of({"x": every_minute([1, 2, 3, 4, 6, 8, 1, 0, 5])})
    rules = (record("early", expr), record("late", "x > 0"))
    given = Case(0, (RuleGroup("g", rules),), series, MINUTE, 8 * MINUTE)
    whole = run(given, Schedule())
    monkeypatch.setattr("tocsin.alerts.replay.plan", in_steps)
    assert_same(whole.recorded(), run(given, Schedule()).recorded())
    assert len(samples(whole, "early")) > 3
