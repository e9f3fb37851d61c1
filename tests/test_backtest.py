"""Incidents, scores by hand, and PetShop: its verdict, and each of its evaluations against promtool."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests import promtool
from tests.conftest import Golden

from tocsin.alerts.replay import replay
from tocsin.alerts.timeline import Episode, Timeline
from tocsin.backtest.incidents import read_incidents
from tocsin.backtest.model import Backtest, Incident, Score, Window
from tocsin.backtest.run import backtest
from tocsin.backtest.score import WEEK, blamed, claims, score, verdicts
from tocsin.diagnostics import ProblemError, Problems, render
from tocsin.document import parse_documents
from tocsin.engine.semantics import Semantics
from tocsin.labels import Labels, from_mapping
from tocsin.promql.parse import parse
from tocsin.rulefile import is_rule_file, read_groups
from tocsin.rules import AlertingRule, RecordingRule, RuleGroup
from tocsin.series import Series
from tocsin.sources.memory import MemoryRecording
from tocsin.sources.open import open_recording
from tocsin.textfile import read_source

ROOT = Path(__file__).parent.parent
PETSHOP = ROOT / "golden" / "petshop"
MINUTE = 60_000
RULE = AlertingRule("A", parse("x"))

Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> str:
        path = tmp_path / "incidents.yaml"
        path.write_text(text)
        return str(path)

    return write


def test_incidents_as_written(write: Write) -> None:
    text = """\
incidents:
  - {name: a, start: 1970-01-01T00:01:00Z, end: 120.5, labels: {job: x, shard: 7}, what: {a: [1]}, cause: 0010}
not_incidents:
  - {name: a, start: 1970-01-01T01:00:00+01:00, end: "1"}
"""
    problems = Problems()
    found = read_incidents(write(text), problems)
    assert not len(problems)
    (one,), (other,) = found.incidents, found.not_incidents
    assert (one.name, one.start, one.end, one.labels) == ("a", 60_000, 120_500, (("job", "x"), ("shard", "7")))
    assert one.details == (("what", '{"a": [1]}'), ("cause", "0010"))
    assert (other.name, other.start, other.end) == ("a", 0, 1000)
    assert one.span is not None
    assert (one.span.line, one.span.text) == (2, "a")


FAULTY = [
    ("incidents:\n  - {name: a, start: 1}\n", 2, "needs `end`"),
    ("incidents:\n  - {start: 1, end: 2}\n", 2, "needs `name`"),
    ("incidents:\n  - {name: a, start: 2, end: 1}\n", 2, "ends before it starts"),
    ("incidents:\n  - {name: a, start: soon, end: 1}\n", 2, "bad time `soon`"),
    ("incidents:\n  - {name: a, start: 1, end: 1700000000000}\n", 2, "milliseconds"),
    ("incidents:\n  - {name: a, start: 1, end: 2, labels: [x]}\n", 2, "labels"),
    ("incidents:\n  - text\n", 2, "expected an incident"),
    ("incidents:\n  - {name: a, start: 1, end: 2}\n  - {name: a, start: 1, end: 2}\n", 3, "twice"),
    ("incidents: 3\n", 1, "expected a list"),
    ("incidnets: []\n", 1, "unknown key `incidnets`"),
]


@pytest.mark.parametrize(("text", "line", "says"), FAULTY)
def test_what_is_wrong_with_incidents_is_said_with_its_place(write: Write, text: str, line: int, says: str) -> None:
    problems = Problems()
    read_incidents(write(text), problems)
    (problem,) = problems
    assert (problem.code, problem.span.line) == ("backtest/incidents", line)
    assert says in problem.message
    render(problem)


@pytest.mark.parametrize("text", ["", "- 1\n", "a\n", "incidents: [\n"])
def test_a_file_without_incidents_is_refused(write: Write, text: str) -> None:
    with pytest.raises(ProblemError):
        read_incidents(write(text), Problems())


def incident(name: str, start: int, end: int, **labels: str) -> Incident:
    return Incident(name, start * MINUTE, end * MINUTE, from_mapping(labels))


def episode(pending: int, firing: int | None, resolved: int | None, **labels: str) -> Episode:
    def time(minute: int | None) -> int | None:
        return None if minute is None else minute * MINUTE

    return Episode(from_mapping(labels), pending * MINUTE, time(firing), time(resolved))


WINDOW = Window(0, 1000 * MINUTE, MINUTE)


def scored(episodes: list[Episode], incidents: list[Incident], others: tuple[Incident, ...] = ()) -> Score:
    timeline = Timeline("g", RULE, MINUTE, tuple(episodes))
    found = verdicts([timeline], claims(incidents, others, WINDOW, 5 * MINUTE))
    return score(timeline.episodes, found, WEEK // 2)


def test_a_score_by_hand() -> None:
    incidents = [incident("a", 100, 110), incident("b", 200, 210), incident("c", 300, 310), incident("d", 400, 410)]
    episodes = [
        episode(93, 95, 101),  # fires already when a starts: detected after 0
        episode(103, 104, 130),  # a again; reset 20 minutes after its end
        episode(204, 206, 208),  # b after 6, reset before its end
        episode(312, 315, 316),  # c, just within the tolerance, after 15, reset after 6
        episode(410, 416, 417),  # too late for d
        episode(420, None, 425),
    ]
    assert scored(episodes, incidents) == Score(
        fired=5,
        lost=1,
        fired_per_week=10.0,
        true=4,
        false=1,
        detected=3,
        missed=1,
        precision=0.8,
        recall=0.75,
        time_to_detect=6.0 * MINUTE,
        time_to_reset=6.0 * MINUTE,
    )


@pytest.mark.parametrize(
    ("firing", "resolved", "true"),
    [
        (96, 100, 0),
        (96, 101, 1),
        (95, 101, 1),
        (94, 101, 0),
        (50, None, 0),
        (110, 111, 1),
        (115, 116, 1),
        (116, 117, 0),
        (116, None, 0),
    ],
)
def test_where_an_episode_belongs_to_an_incident(firing: int, resolved: int | None, true: int) -> None:
    assert scored([episode(40, firing, resolved)], [incident("a", 100, 110)]).true == true


@pytest.mark.parametrize(
    ("labels", "true"),
    [({}, 1), ({"job": "x"}, 1), ({"job": "y"}, 0), ({"job": "x", "zone": "b"}, 0), ({"zone": "a", "other": "1"}, 1)],
)
def test_labels_that_both_have_must_agree(labels: dict[str, str], true: int) -> None:
    result = scored([episode(100, 100, 105, **labels)], [incident("a", 100, 110, job="x", zone="a")])
    assert (result.true, result.detected) == (true, true)


def test_what_is_not_defined_is_none() -> None:
    nothing = scored([], [])
    assert (nothing.fired, nothing.precision, nothing.recall) == (0, None, None)
    assert (nothing.time_to_detect, nothing.time_to_reset) == (None, None)
    quiet = scored([], [incident("a", 1, 2)])
    assert (quiet.precision, quiet.recall, quiet.missed) == (None, 0.0, 1)
    noisy = scored([episode(1, 1, 2)], [])
    assert (noisy.precision, noisy.recall, noisy.false) == (0.0, None, 1)
    unknown = score([episode(1, 1, 2)], None, 0)
    assert unknown == Score(1, 0, None)
    assert scored([episode(1, 1, None)], [incident("a", 1, 2)]).time_to_reset is None


@pytest.mark.parametrize(("resolved", "reset"), [(105, 0), (110, 0), (113, 3)])
def test_the_time_to_reset_counts_from_the_end(resolved: int, reset: int) -> None:
    result = scored([episode(100, 100, resolved)], [incident("a", 100, 110)])
    assert result.time_to_reset == reset * MINUTE


def test_an_episode_for_two_incidents_is_one_page() -> None:
    result = scored([episode(100, 100, 300)], [incident("a", 100, 110), incident("b", 104, 210)])
    assert (result.true, result.false, result.detected, result.precision) == (1, 0, 2, 1.0)


def test_what_has_fired_for_long_tells_nobody_of_the_next_incident() -> None:
    result = scored([episode(100, 100, 300)], [incident("a", 100, 110), incident("b", 200, 210)])
    assert (result.true, result.false, result.detected, result.missed) == (1, 0, 1, 1)
    stuck = scored([episode(0, 0, None)], [incident("a", 100, 110), incident("b", 200, 210)])
    assert (stuck.true, stuck.false, stuck.detected, stuck.precision, stuck.recall) == (0, 1, 0, 0.0, 0.0)


def test_pages_for_what_nobody_should_be_woken_for() -> None:
    real, blip = incident("fault", 100, 110), incident("blip", 112, 113)
    timeline = Timeline("g", RULE, MINUTE, (episode(100, 105, 115), episode(112, 114, 116), episode(500, 501, 502)))
    real_claims, blip_claims = (
        claims([real], [blip], WINDOW, 5 * MINUTE),
        claims([blip], [real], WINDOW, 5 * MINUTE),
    )
    (found,) = blamed([timeline], blip_claims, real_claims)
    assert [one.at // MINUTE for one in found.detections] == [114]
    (caught,) = verdicts([timeline], real_claims)
    assert [one.at // MINUTE for one in caught.detections] == [105]


def samples(name: str, values: dict[int, float]) -> MemoryRecording:
    times = np.array(list(values), dtype=np.int64) * MINUTE
    labels: Labels = (("__name__", name),)
    return MemoryRecording(Series((labels,), np.array([0, len(times)]), times, np.array(list(values.values()))))


def test_a_week_is_a_week_of_observed_time() -> None:
    recording = samples("x", {0: 1, 3: 0, 100: 1, 101: 1})
    group = RuleGroup("g", (replace(RULE, expr=parse("x > 0")),))
    done = backtest([group], recording, end=200 * MINUTE)
    assert done.window == Window(0, 200 * MINUTE, MINUTE)
    assert done.observed == (3 + 5 + 1 + 5) * MINUTE
    assert done.score.fired_per_week == pytest.approx(2 * WEEK / (14 * MINUTE))
    assert backtest([group], recording, start=4 * MINUTE, end=102 * MINUTE).observed == (4 + 2) * MINUTE


def test_what_pages_and_what_does_not_is_scored_apart() -> None:
    recording = samples("x", {0: 1, 3: 0, 100: 1, 101: 1})
    rules = [replace(RULE, expr=parse(f"x > {limit}"), labels={"severity": name}) for limit, name in LEVELS]
    done = backtest([RuleGroup("g", (*rules, replace(RULE, expr=parse("x > 0"))))], recording)
    assert [(name, score.fired) for name, score in done.severities] == [("", 2), ("page", 0), ("ticket", 4)]
    assert done.score.fired == 6


LEVELS = ((0, "ticket"), (0.5, "ticket"), (9, "page"))


def test_incidents_outside_the_window_are_told_and_not_scored(write: Write) -> None:
    text = "incidents:\n  - {name: in, start: 60, end: 120}\n  - {name: out, start: 9000, end: 9001}\n"
    known = read_incidents(write(text), Problems())
    done = backtest([RuleGroup("g", (RULE,))], samples("x", {0: 1, 5: 1}), known)
    assert [verdict.incident.name for verdict in done.incidents] == ["in"]
    assert [(p.code, p.severity, p.span.line) for p in done.problems] == [("backtest/outside-window", "info", 3)]


REQUESTS = "sum by (service) (rate(petshop_requests_total[10m]))"
FAILURES = f"(sum by (service) (rate(petshop_request_failures_total[10m])) or 0 * {REQUESTS})"
PETSHOP_RULES = RuleGroup(
    "petshop",
    (
        AlertingRule(
            "ErrorRateHigh", parse(f"{FAILURES} / ({REQUESTS} > 0) > 0.01"), 5 * MINUTE, 0, {"severity": "page"}
        ),
        AlertingRule(
            "Slow", parse('petshop_latency_seconds{statistic="p99"} > 2'), 10 * MINUTE, 15 * MINUTE, {"statistic": ""}
        ),
        RecordingRule("service:availability:min", parse("min by (service) (petshop_availability_percent)")),
        AlertingRule("Unavailable", parse("service:availability:min < 95"), 0, 0, {"severity": "page"}),
    ),
)


def compiled_groups() -> list[RuleGroup]:
    """What the PetShop specs compile to."""
    groups: list[RuleGroup] = []
    for path in sorted((ROOT / "out" / "prometheus").glob("*.yaml")):
        problems = Problems()
        for node in parse_documents(read_source(path), problems):
            groups += read_groups(node, problems) if is_rule_file(node) else ()
        assert not len(problems), [render(problem) for problem in problems]
    # promtool evaluates all groups at one interval.
    return [replace(group, interval=MINUTE) for group in groups]


def told(done: Backtest) -> str:
    """A verdict as a table: a line for each rule, and for each incident the first page."""
    lines = [f"{verdict.rule.name}: {verdict.score}" for verdict in done.rules]
    lines.append(f"all: {done.score}")
    for verdict in done.incidents:
        first = verdict.detections[0] if verdict.detections else None
        after = f"{first.rule} after {(first.at - verdict.incident.start) / 1000:g} s" if first else "missed"
        lines.append(f"{verdict.incident.name}: {after}, {len(verdict.detections)} alerts")
    return "\n".join(lines) + "\n"


def test_petshop_verdict(golden: Golden) -> None:
    problems = Problems()
    incidents = read_incidents(str(PETSHOP / "incidents.yaml"), problems)
    done = backtest([PETSHOP_RULES], open_recording(str(PETSHOP / "recording.om.gz")), incidents)
    assert not len(problems)
    assert done.problems == ()
    assert [verdict.rule.name for verdict in done.rules] == ["ErrorRateHigh", "Slow", "Unavailable"]
    assert len(incidents.incidents) == len(done.incidents) == 26
    # 26 windows and two days, and five months between them that nobody observed.
    assert 55 < done.observed / (60 * MINUTE) < 65
    assert (done.window.end - done.window.start) / WEEK > 20
    golden("backtest/petshop.txt", told(done))


@pytest.mark.live("promtool")
@pytest.mark.parametrize("kind", ["by-hand", "compiled"])
def test_promtool_agrees_on_petshop_at_every_evaluation(kind: str, tmp_path: Path) -> None:
    groups = [PETSHOP_RULES] if kind == "by-hand" else compiled_groups()
    assert groups
    recording = open_recording(str(PETSHOP / "recording.om.gz"))
    series = recording.read((), *recording.extent)
    parts = promtool.stretches(series, 12 * 60 * MINUTE, 60 * MINUTE, MINUTE)
    done = replay(groups, recording, parts[0].start, parts[-1].end, Semantics(compat=2))
    timelines = done.timelines
    assert done.problems == ()
    assert len(parts) == 2
    assert sum(len(timeline.episodes) for timeline in timelines) > 40
    assert promtool.disagreement(tmp_path, groups, series, timelines, parts, MINUTE) == ""
