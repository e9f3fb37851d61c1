"""Notifications over time: the event-driven simulator against its slow twin, and against what was measured."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from tests.alertmanager import alertmanager
from tests.notify_live import SECONDS, run
from tests.notify_scenarios import Draw, Scenario, Times
from tests.notify_twin import Twin

from tocsin.alerts.timeline import Episode, Timeline
from tocsin.diagnostics import Problems, Source, render
from tocsin.labels import Labels, from_mapping
from tocsin.notify.intervals import contained
from tocsin.notify.notification import Notification
from tocsin.notify.semantics import Semantics
from tocsin.notify.silencefile import read_silences
from tocsin.notify.silences import Silence
from tocsin.notify.simulate import simulate
from tocsin.promql.ast import Matcher, Number
from tocsin.routing import InhibitRule, Route, Routing, TimeInterval
from tocsin.routingfile.release import Release
from tocsin.rules import AlertingRule

MINUTES = Times(
    length=1_200_000,
    intervals=(5_000, 10_000, 15_000),
    waits=(0, 1_000, 10_000, 30_000, 45_000),
    group_intervals=(7_000, 20_000, 60_000, 90_000),
    repeats=(40_000, 60_000, 100_000, 300_000),
    duration=(5_000, 300_000),
)


def simulated(scenario: Scenario, semantics: Semantics) -> tuple[Notification, ...]:
    return simulate(scenario.timelines, scenario.config, scenario.silences, scenario.start, scenario.end, semantics)


@pytest.mark.parametrize("release", list(Release))
def test_the_simulator_agrees_with_its_twin(release: Release) -> None:
    semantics = Semantics(release, resend_delay=20_000, retention=100_000, log_clean_up=60_000, log_retention=250_000)
    told = 0
    for seed in range(200):
        scenario = Draw(seed, MINUTES, 1_700_000_000_000).scenario()
        expected = Twin(scenario, semantics).run()
        assert simulated(scenario, semantics) == expected, f"seed {seed}"
        told += len(expected)
    assert told > 5_000


@pytest.mark.live("prometheus-alertmanager")
def test_a_live_alertmanager_tells_the_same() -> None:
    """`python -m tests.notify_live` does more of them."""
    differences, compared = run(8, 7, replace(SECONDS, length=24_000))
    assert differences == []
    assert compared > 30


DAY = 86_400_000
START = 1_700_006_400_000
"""A midnight in UTC."""
HOUR = 3_600_000
MINUTE = 60_000


def labelled(**labels: str) -> Labels:
    return from_mapping({"alertname": "A", **labels})


def fired(labels: Labels, *lives: tuple[int, int | None], interval: int = MINUTE) -> Timeline:
    """An alert that fires from and to these milliseconds after the start."""
    episodes = tuple(Episode(labels, START + a, START + a, None if b is None else START + b) for a, b in lives)
    return Timeline("g", AlertingRule("A", Number(1.0)), interval, episodes)


def told(
    timelines: Sequence[Timeline],
    root: Route,
    *,
    hours: int = 12,
    send_resolved: bool = True,
    rules: tuple[InhibitRule, ...] = (),
    silences: tuple[Silence, ...] = (),
    semantics: Semantics | None = None,
) -> list[tuple[float, str]]:
    """Minutes after the start, and the reason."""
    config = Routing(root, {"r": {"webhook_configs": [{"send_resolved": send_resolved}]}, "nobody": {}}, rules)
    end = START + hours * HOUR
    found = simulate(timelines, config, silences, START, end, semantics or Semantics())
    return [((one.at - START) / MINUTE, one.reason.value) for one in found]


def test_a_repeat_is_one_group_interval_late_where_it_is_a_multiple() -> None:
    """Group interval 5m and repeat interval 4h: every 4h05m."""
    assert told([fired(labelled(), (0, None))], Route("r")) == [(0.5, "first"), (245.5, "repeat"), (490.5, "repeat")]


def test_an_alert_that_joins_a_group_waits_for_its_next_flush() -> None:
    timelines = [fired(labelled(i="1"), (0, None)), fired(labelled(i="2"), (MINUTE, None))]
    assert told(timelines, Route("r"), hours=1) == [(0.5, "first"), (5.5, "new alerts")]
    assert told(timelines, Route("r", group_by=("...",)), hours=1) == [(0.5, "first"), (1.5, "first")]


def test_a_partial_resolve_that_is_not_sent_hides_that_the_alert_fires_again() -> None:
    timelines = [fired(labelled(i="1"), (0, None)), fired(labelled(i="2"), (0, 10 * MINUTE), (20 * MINUTE, None))]
    assert told(timelines, Route("r"), hours=1, send_resolved=False) == [(0.5, "first")]
    assert told(timelines, Route("r"), hours=1) == [(0.5, "first"), (10.5, "some resolved"), (20.5, "new alerts")]


def test_what_resolves_and_fires_again_between_two_flushes_is_not_seen() -> None:
    lives = ((0, 2 * MINUTE), (4 * MINUTE, 20 * MINUTE))
    assert told([fired(labelled(), *lives)], Route("r"), hours=1) == [(0.5, "first"), (20.5, "all resolved")]


def test_what_resolves_while_silenced_is_not_told_when_it_fires_again() -> None:
    silence = Silence((Matcher("alertname", "=", "A"),), START + 5 * MINUTE, START + 40 * MINUTE)
    timelines = [fired(labelled(), (0, 10 * MINUTE), (60 * MINUTE, None))]
    assert told(timelines, Route("r"), hours=4, silences=(silence,)) == [(0.5, "first")]


def test_a_repeat_interval_beyond_the_retention_of_the_log_is_cut_short() -> None:
    week = Route("r", repeat_interval=7 * DAY)
    assert told([fired(labelled(), (0, None))], week, hours=130) == [(0.5, "first"), (120 * 60 + 15.5, "first")]


def test_an_empty_group_by_below_a_route_with_labels() -> None:
    root = Route("r", group_by=("i",), routes=(Route("", group_by=()),))
    timelines = [fired(labelled(i="1"), (0, None)), fired(labelled(i="2"), (0, None))]
    for release, count in ((Release.OLD, 2), (Release.CURRENT, 1)):
        assert told(timelines, root, hours=1, semantics=Semantics(release)) == [(0.5, "first")] * count


def test_of_several_sources_the_current_release_looks_at_one() -> None:
    """When that one resolves, the target is told of, until the other source is sent again; 0.25 keeps it quiet."""
    page = (Matcher("s", "=", "page"),)
    rule = InhibitRule(page, (Matcher("s", "=", "ticket"),))
    root = Route("r", group_interval=MINUTE, repeat_interval=DAY, routes=(Route("nobody", page),))
    ticket = fired(labelled(s="ticket"), (2 * MINUTE, None))
    first = fired(labelled(s="page", i="1"), (0, None), interval=7 * MINUTE)
    longer = fired(labelled(s="page", i="2"), (8 * MINUTE, 9 * MINUTE), interval=8 * MINUTE)
    shorter = fired(labelled(s="page", i="2"), (8 * MINUTE, 9 * MINUTE))
    # What is sent every 7m is valid for 28m, every 8m for 32m, and every 2m (an interval of 1m) for 4m.
    for second, current in ((longer, [(9.5, "first")]), (shorter, [])):
        for release, expected in ((Release.OLD, []), (Release.CURRENT, current)):
            timelines = [first, second, ticket]
            assert told(timelines, root, rules=(rule,), semantics=Semantics(release)) == expected


def test_an_alert_that_fired_before_the_start_is_sent_again() -> None:
    """Every two minutes, and after it resolved; it is older than `group_wait`, so the group is flushed at once."""
    life = fired(labelled(), (-11 * MINUTE, 20 * MINUTE))
    over = fired(labelled(i="1"), (-11 * MINUTE, -5 * MINUTE))
    assert told([life, over], Route("r"), hours=1) == [(1.0, "first"), (21.0, "all resolved")]


def test_external_labels_are_routed_by() -> None:
    root = Route("r", routes=(Route("", (Matcher("dc", "=", "x"),), group_wait=MINUTE),))
    semantics = Semantics(external_labels=(("alertname", "B"), ("dc", "x")))
    assert told([fired(labelled(), (0, None))], root, hours=1, semantics=semantics) == [(1.0, "first")]


def test_a_label_name_beyond_the_classic_ones_is_refused_by_the_old_release() -> None:
    timelines = [fired(from_mapping({"alertname": "A", "é": "x"}), (0, None))]
    assert told(timelines, Route("r"), hours=1, semantics=Semantics(Release.OLD)) == []
    assert told(timelines, Route("r"), hours=1) == [(0.5, "first")]


class TestIntervals:
    @pytest.mark.parametrize("zone", [None, "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/New_York"])
    @pytest.mark.parametrize("seed", range(4))
    def test_every_quarter_of_an_hour_of_a_year_is_where_it_belongs(self, zone: str | None, seed: int) -> None:
        rng = random.Random(seed)
        interval = TimeInterval(
            rng.choice((None, ((0, 75), (540, 1440)), ((1439, 1440),), ())),
            rng.choice((None, ((1, 5),), ((0, 0), (3, 6)))),
            rng.choice((None, ((1, 7),), ((10, -10), (31, 31)))),
            rng.choice((None, ((2, 4), (9, 12)))),
            rng.choice((None, ((2023, 2023),))),
            zone,
        )
        spans = contained(interval, START, START + 366 * DAY)
        for at in range(START, START + 366 * DAY, 15 * MINUTE):
            assert (at in spans) == self.within(interval, at), (interval, at)

    def within(self, interval: TimeInterval, at: int) -> bool:
        time = datetime.fromtimestamp(at / 1000, ZoneInfo(interval.location) if interval.location else UTC)
        month = datetime(time.year, time.month, 1, tzinfo=time.tzinfo)
        after = datetime(time.year + time.month // 12, time.month % 12 + 1, 1, tzinfo=time.tzinfo)
        length = int((after.timestamp() - month.timestamp()) / 3600 / 24)
        days = [
            (first if first > 0 else length + first + 1, last if last > 0 else length + last + 1)
            for first, last in interval.days_of_month or ()
        ]
        tests = (
            interval.times is None or any(a <= time.hour * 60 + time.minute < b for a, b in interval.times),
            interval.weekdays is None or any(a <= (time.weekday() + 1) % 7 <= b for a, b in interval.weekdays),
            interval.days_of_month is None or any(a <= time.day <= min(b, length) for a, b in days if a <= length),
            interval.months is None or any(a <= time.month <= b for a, b in interval.months),
            interval.years is None or any(a <= time.year <= b for a, b in interval.years),
        )
        return all(tests)

    def test_a_month_in_which_the_clocks_go_forward_is_a_day_short(self) -> None:
        """As in Alertmanager, which divides its hours by 24."""
        spans = contained(TimeInterval(days_of_month=((-1, -1),), location="Europe/Berlin"), START, START + 200 * DAY)
        days = [datetime.fromtimestamp(at / 1000, ZoneInfo("Europe/Berlin")).strftime("%m-%d") for at in spans.starts]
        assert days == ["11-30", "12-31", "01-31", "02-29", "03-30", "04-30", "05-31"]


class TestSilenceFiles:
    def read(self, text: str) -> tuple[tuple[Silence, ...], list[str]]:
        problems = Problems()
        found = read_silences(Source("silences.yml", text), problems)
        return found, [render(problem).split("\n")[0] for problem in problems]

    @pytest.mark.live("prometheus-alertmanager", "amtool")
    def test_what_amtool_prints_is_read(self) -> None:
        now = int(time.time()) * 1000
        matchers = (Matcher("a", "=", "b"), Matcher("c", "!~", "d|e"), Matcher("f", "!=", ""), Matcher("g", "=~", ".+"))
        with alertmanager(Routing(Route("r"), {"r": {}})) as server:
            server.silence(Silence(matchers, now + HOUR, now + 2 * HOUR))
            command = ["amtool", f"--alertmanager.url={server.url}", "silence", "query", "-o", "json"]
            text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found, problems = self.read(text)
        assert problems == []
        assert [(one.starts, one.ends, one.comment) for one in found] == [(now + HOUR, now + 2 * HOUR, "test")]
        assert sorted(found[0].matchers, key=lambda one: one.label) == list(matchers)

    def test_matchers_may_be_texts(self) -> None:
        text = "- {startsAt: 2023-11-15T00:00:00Z, endsAt: '2023-11-15T02:00:00+01:00', matchers: ['a=\"b\"', c!=d]}\n"
        found, problems = self.read(text)
        assert problems == []
        assert found == (Silence((Matcher("a", "=", "b"), Matcher("c", "!=", "d")), START, START + HOUR),)

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("5", "1:1: error[alertmanager/shape]: expected a list of silences"),
            ("- {x: 1}", "1:4: error[alertmanager/unknown-key]: a silence has no key `x`"),
            ("- {startsAt: 5}", "1:14: error[alertmanager/time]: `5` is no time"),
            (
                "- {startsAt: 2023-11-15, endsAt: 2023-11-14, matchers: [a=b]}",
                "1:34: error[alertmanager/silence]: the silence ends before it starts",
            ),
            (
                "- {startsAt: 2023-11-15, endsAt: 2023-11-16, matchers: [a!=b]}",
                "1:3: error[alertmanager/silence]: a silence needs a matcher that an empty label does not match",
            ),
            ("- {matchers: [{name: a, value: '(', isRegex: true}]}", "error[alertmanager/regex]"),
            ("- {matchers: [a]}", "1:15: error[alertmanager/matcher]: `a` is not a matcher"),
            ("- {matchers: [[a]]}", "1:15: error[alertmanager/shape]: expected a text for a matcher"),
            ("- {matchers: [{value: a}]}", "1:15: error[alertmanager/missing]: a matcher needs a `name`"),
            ("- [", "error[yaml/syntax]"),
        ],
    )
    def test_problems(self, text: str, problem: str) -> None:
        found, problems = self.read(text)
        assert found == ()
        assert any(problem in one for one in problems), problems
