"""The noise rules on data: the examples of their pages, what they propose, and the budget that makes them a gate."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.command import run
from tests.linting import codes, lint, rule_file
from typer.testing import CliRunner

from tocsin.alerts.clock import Outage
from tocsin.alerts.replay import Schedule
from tocsin.alerts.returned import Room
from tocsin.alerts.timeline import Episode
from tocsin.backtest.measure import at_once, flaps
from tocsin.backtest.run import backtest
from tocsin.backtest.what_if import QUANTILES, Rerun, deciding, quantiles
from tocsin.cli import app
from tocsin.engine.evaluate import DEFAULT
from tocsin.labels import from_mapping
from tocsin.lint.api import rule_names
from tocsin.pipeline.rules import all_rules, data_rule_names, lint_rule_names
from tocsin.promql.parse import parse
from tocsin.rules import AlertingRule, RecordingRule, RuleGroup
from tocsin.series import STALE, Series
from tocsin.sources.memory import MemoryRecording

NAMES = data_rule_names()
PAGES = all_rules()
MINUTE = 60_000
Told: TypeAlias = dict[str, Any]
START = 1_700_000_040
"""A whole minute, in seconds."""


def example(name: str, title: str) -> str:
    """The block that a rule's page shows below `Recording::`, `Bad::` or `Good::`."""
    lines = PAGES[name].page.split("\n")
    shown = []
    for line in lines[lines.index(f"{title}::") + 1 :]:
        if line and not line.startswith("    "):
            break
        shown.append(line)
    return textwrap.dedent("\n".join(shown)).strip() + "\n"


def series(text: str) -> dict[str, list[float]]:
    """Series by their text: a sample a minute, `10x3` for three of them; a line that is indented goes on."""
    found: dict[str, list[float]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("incident "):
            continue
        if not line.startswith(" "):
            name, _, line = line.rpartition("}")
            name += "}"
        for word in line.split():
            value, _, count = word.partition("x")
            found.setdefault(name, []).extend([float(value)] * int(count or 1))
    return found


def incidents(text: str) -> list[tuple[int, int]]:
    """The minutes of `incident 318 to 345`."""
    return [(int(start), int(end)) for start, end in re.findall(r"^incident (\d+) to (\d+)$", text, re.MULTILINE)]


def write(folder: Path, recording: str, settings: object = None) -> list[str]:
    """The files that a recording and settings are; the options that name them."""
    samples = [
        f"{name} {value!r} {START + 60 * minute}"
        for name, values in series(recording).items()
        for minute, value in enumerate(values)
    ]
    (folder / "recording.om").write_text("\n".join([*samples, "# EOF", ""]))
    known = [
        {"name": f"incident {start}", "start": START + 60 * start, "end": START + 60 * end}
        for start, end in incidents(recording)
    ]
    (folder / "incidents.yaml").write_text(json.dumps({"incidents": known}))
    (folder / "tocsin.yaml").write_text(json.dumps(settings or {}))
    given = ["--incidents", str(folder / "incidents.yaml")] if known else []
    return ["--data", str(folder / "recording.om"), *given]


def judged(folder: Path, alerts: str, recording: str, settings: object = None, code: int = 0) -> list[Told]:
    """The problems of a backtest of a spec or a rule file, which ends with an exit code."""
    options = write(folder, recording, settings)
    (folder / "alerts.yaml").write_text(alerts)
    done = CliRunner().invoke(app, ["backtest", str(folder / "alerts.yaml"), *options, "--format", "json"])
    assert done.exit_code == code, done.output
    problems: list[Told] = json.loads(done.stdout)["problems"]
    return problems


def told(problems: Sequence[Told]) -> list[str]:
    return [str(problem["code"]) for problem in problems]


# --- the pages --------------------------------------------------------------------------------------------------------


def test_the_rules_are_those_of_the_files() -> None:
    folder = Path(__file__).parent.parent / "compiler" / "tocsin" / "backtest" / "findings"
    files = {file.stem for file in folder.glob("*.py")} - {"__init__", "api"}
    assert {f"noise/{stem.replace('_', '-')}" for stem in files} == set(NAMES)
    assert lint_rule_names() == rule_names(), "though no rule was imported"
    assert not set(NAMES) & set(lint_rule_names())


@pytest.mark.parametrize("name", NAMES)
def test_the_bad_example_gives_only_this_finding(tmp_path: Path, name: str) -> None:
    assert told(judged(tmp_path, example(name, "Bad"), example(name, "Recording"))) == [name]


@pytest.mark.parametrize("name", NAMES)
def test_the_good_example_gives_nothing(tmp_path: Path, name: str) -> None:
    assert judged(tmp_path, example(name, "Good"), example(name, "Recording")) == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_said_of_the_examples_but_by_data(tmp_path: Path, name: str) -> None:
    for title in ("Bad", "Good"):
        assert lint(tmp_path, example(name, title)) == [], title


@pytest.mark.parametrize("name", NAMES)
def test_explain_prints_the_page_with_its_source(name: str) -> None:
    shown = CliRunner().invoke(app, ["explain", name])
    assert shown.exit_code == 0
    assert shown.output.startswith(f"{name} (warning)\n")
    assert PAGES[name].page in shown.output
    assert "\nSource: " in shown.output


def test_pages_are_found_without_the_half_that_evaluates() -> None:
    code = "import sys; from tocsin.pipeline.rules import *; explain_rule(data_rule_names()[0]); "
    done = subprocess.run(
        [sys.executable, "-c", code + "print('numpy' in sys.modules)"], capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


# --- what is proposed -------------------------------------------------------------------------------------------------

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


def help_of(folder: Path, name: str, alerts: str | None = None, **settings: object) -> str:
    problems = judged(folder, alerts or example(name, "Bad"), example(name, "Recording"), settings)
    (found,) = [problem for problem in problems if problem["code"] == name]
    return str(found["help"]).removesuffix(f"; see `tocsin explain {name}`")


PROPOSED = {
    "noise/always-fired": "write `above: 60`: it would have fired for 6% of the time",
    "noise/fan-out": "aggregate over `instance` (`sum`, `max`, or `by` the others): no more than 1 would fire",
    "noise/flapping": "write `keep_firing_for: 4m`: it would have fired once instead of 4 times",
    "noise/low-precision": "write `for: 10m`: it would have fired once instead of 4 times, never for nothing, "
    "and still caught 1 incident",
    "noise/never-fired": "correct the name and the labels, or record what it reads",
    "noise/noise-floor": "write `above: 52`: it would have crossed it 4 times instead of 7 times",
    "noise/over-budget": "write `for: 7m`: it would have fired once instead of 16 times",
    "noise/short-episodes": "write `for: 7m`: it would have fired 2 times instead of 5 times",
}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_proposed(tmp_path: Path, name: str) -> None:
    assert help_of(tmp_path, name) == PROPOSED[name]


@pytest.mark.parametrize("name", [name for name, text in PROPOSED.items() if text.startswith("write ")])
def test_what_is_proposed_mends_it(tmp_path: Path, name: str) -> None:
    key, value = re.findall(r"write `(\w+): ([^`]+)`", PROPOSED[name])[0]
    bad = example(name, "Bad")
    lines = [line for line in bad.splitlines() if not line.strip().startswith(f"{key}:")]
    place = next(index for index, line in enumerate(lines) if line.strip().startswith("severity:"))
    mended = "\n".join([*lines[:place], f"    {key}: {value}", *lines[place:]])
    assert mended != bad
    assert name not in told(judged(tmp_path, mended, example(name, "Recording")))


def test_no_proposal_loses_an_incident(tmp_path: Path) -> None:
    """What fires for nothing lasts longer than what fires for the incident."""
    recording = (
        'checkouts_waiting{job="checkout"} 10x60 90x30 10x120 90x30 10x120 90x8 10x60 90x30 10x60\nincident 358 to 370'
    )
    problems = judged(tmp_path, example("noise/low-precision", "Bad"), recording)
    (found,) = [problem for problem in problems if problem["code"] == "noise/low-precision"]
    assert "no `for` of up to 2h and no stricter threshold would" in found["help"]


def episode(minute: int, lasts: int = 5, **labels: str) -> Episode:
    return Episode(from_mapping(labels), minute * MINUTE, minute * MINUTE, (minute + lasts) * MINUTE)


def test_an_alert_that_fires_again_for_another_incident_is_no_flap() -> None:
    again = [episode(minute) for minute in (0, 20, 40, 60, 80)]
    assert flaps(again).count == 4
    assert flaps(again, {again[1], again[2]}).count == 2
    assert flaps([episode(minute) for minute in (0, 65, 130)]).count == 0, "an hour of rest between them"
    assert flaps([episode(20 * number, instance=str(number)) for number in range(9)]).count == 0


def test_what_fires_at_once() -> None:
    some = [episode(0, 10, i="a", j="1"), episode(5, 10, i="b", j="1"), episode(10, 10, i="c", j="2")]
    assert (len(at_once(some).alerts), at_once(some).at) == (2, 5 * MINUTE), "one ends as the next begins"
    assert len(at_once(some, ["i"]).alerts) == 2
    assert len(at_once(some, ["i", "j"]).alerts) == 1
    assert at_once([]).alerts == frozenset()


# --- the budget -------------------------------------------------------------------------------------------------------

BUDGETS = {
    "noise/fan-out": ("alerts_at_once", 5, 12),
    "noise/flapping": ("flaps_per_hour", 2, 3),
    "noise/low-precision": ("precision", "50%", "25%"),
    "noise/over-budget": ("pages_per_week", 15, 16),
    "noise/short-episodes": ("short_episodes", "59%", "60%"),
}


@pytest.mark.parametrize("name", BUDGETS)
def test_a_written_limit_is_a_gate(tmp_path: Path, name: str) -> None:
    key, exceeded, kept = BUDGETS[name]
    bad, recording = example(name, "Bad"), example(name, "Recording")
    (problem,) = judged(tmp_path, bad, recording, {"budget": {key: exceeded}}, code=1)
    assert (problem["code"], problem["severity"]) == (name, "error")
    assert judged(tmp_path, bad, recording, {"budget": {key: kept}}) == []


@pytest.mark.parametrize("name", BUDGETS)
def test_an_owner_may_have_a_limit_of_its_own(tmp_path: Path, name: str) -> None:
    key, exceeded, kept = BUDGETS[name]
    bad, recording = example(name, "Bad"), example(name, "Recording")
    for owner, limits, code in (("payments", (exceeded, kept), 0), ("other", (kept, exceeded), 0)):
        settings = {"budget": {key: limits[0], "owners": {owner: {key: limits[1]}}}}
        assert judged(tmp_path, bad, recording, settings, code) == []
    settings = {"budget": {key: kept, "owners": {"payments": {key: exceeded}}}}
    assert told(judged(tmp_path, bad, recording, settings, code=1)) == [name]


def test_what_exceeds_the_budget_is_said_in_every_output(tmp_path: Path) -> None:
    name = "noise/over-budget"
    options = write(tmp_path, example(name, "Recording"), {"budget": {"pages_per_week": 2}})
    (tmp_path / "alerts.yaml").write_text(example(name, "Bad"))
    done = run("backtest", "alerts.yaml", *options, "--report", "report.html", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "alerts.yaml:7:11: error[noise/over-budget]: `payments` is woken 16 times in 1d3h14m "
    )
    assert "CheckoutQueueLong" in done.stdout
    page = (tmp_path / "report.html").read_text()
    assert "woken 16 times in 1d3h14m of recorded time; accepted are 2 a week" in page
    assert "it would have fired once instead of 16 times" in page


def test_only_what_wakes_is_a_page(tmp_path: Path) -> None:
    name = "noise/over-budget"
    bad = example(name, "Bad").replace("severity: page", "severity: ticket")
    settings = {"budget": {"pages_per_week": 0}}
    assert judged(tmp_path, bad, example(name, "Recording"), settings) == []
    waking = {**settings, "severities": {"ticket": {"wakes": True}}}
    assert told(judged(tmp_path, bad, example(name, "Recording"), waking, code=1)) == [name]


@pytest.mark.parametrize(
    ("budget", "column", "message"),
    [
        ("{pages_per_week: -1}", 26, "expected a number that is not negative, found `-1`"),
        ("{pages_per_week: true}", 26, "expected a number that is not negative, found `true`"),
        ("{short_episodes: 0.2}", 26, "expected a share in percent, such as `20%`, found `0.2`"),
        ("{precision: 101%}", 21, "`101%` is more than all of them"),
        ("{pages_per_day: 1}", 10, "`budget` has no key `pages_per_day`"),
        ("{owners: {payments: 3}}", 29, "expected limits, such as `{pages_per_week: 5}`, found `3`"),
        ("{owners: {billing: {}}}", 19, "owner `billing` is not defined"),
        ("3", 9, "expected keys with values, found `3`"),
    ],
)
def test_a_faulty_budget_is_told_with_its_place(tmp_path: Path, budget: str, column: int, message: str) -> None:
    settings = f"budget: {budget}\nowners: {{payments: {{}}}}\n"
    problems = lint(tmp_path, example("noise/flapping", "Bad"), settings)
    assert [(one.message, one.span.line, one.span.column) for one in problems] == [(message, 1, column)]


def test_a_comment_allows_a_finding_on_data(tmp_path: Path) -> None:
    name = "noise/flapping"
    comment = f"# tocsin: allow {name} until 2999-01-31 -- the queue is drained by hand this month\n  "
    allowed = example(name, "Bad").replace("- name: C", f"{comment}- name: C")
    budget = {"budget": {"flaps_per_hour": 1}}
    assert judged(tmp_path, allowed, example(name, "Recording"), budget) == []
    assert lint(tmp_path, allowed) == []
    late = allowed.replace("2999", "2001")
    assert told(judged(tmp_path, late, example(name, "Recording"), budget, code=1)) == [name]
    assert codes(lint(tmp_path, late)) == ["lint/expired-allowance"]
    assert judged(tmp_path, allowed, example("noise/fan-out", "Recording").replace("90x", "10x"), budget) == []


# --- rule files and what is quiet -------------------------------------------------------------------------------------

FLAPPING = example("noise/flapping", "Recording")


def test_a_rule_file_has_its_findings_at_the_alert(tmp_path: Path) -> None:
    rules = rule_file("checkouts_waiting > 50", "1m")
    problems = judged(tmp_path, rules, FLAPPING.replace("10x4", "10x8"))
    assert [(one["code"], one["line"]) for one in problems] == [("noise/flapping", 1)]
    assert problems[0]["help"].startswith("write `keep_firing_for: 10m`: it would have fired once")
    assert help_of(tmp_path, "noise/noise-floor", rules).startswith("write `> 52`: ")


def test_a_dead_mans_switch_is_left_alone(tmp_path: Path) -> None:
    quiet = rule_file("vector(1)", "0m", "none", "The alerting chain works")
    assert judged(tmp_path, quiet, FLAPPING) == []
    assert told(judged(tmp_path, rule_file("vector(1)", "0m", "ticket"), FLAPPING)) == ["noise/always-fired"]


def test_pending_for_too_short_is_told_where_that_is_of_use(tmp_path: Path) -> None:
    rules = rule_file("checkouts_waiting > 50", "10m")
    recording = 'checkouts_waiting{job="checkout"} 10x60 90x8 10x60'
    (found,) = judged(tmp_path, rules, recording)
    assert (found["code"], found["severity"]) == ("noise/never-fired", "info")
    assert "its condition held for 7m at most" in found["message"]
    (caught,) = judged(tmp_path, rules, recording + "\nincident 58 to 70")
    assert "`for: 7m` would have caught 1 incident, and fired never for nothing" in caught["help"]
    assert judged(tmp_path, rules, recording + "\nincident 110 to 120") == []


def test_a_condition_that_never_held_is_told_after_a_week(tmp_path: Path) -> None:
    rules = rule_file("checkouts_waiting > 50", "10m")
    assert judged(tmp_path, rules, 'checkouts_waiting{job="checkout"} 10x9000') == []
    (found,) = judged(tmp_path, rules, 'checkouts_waiting{job="checkout"} 10x11000')
    assert (found["code"], found["severity"]) == ("noise/never-fired", "info")
    assert "did not hold once in 1w" in found["message"]


def test_a_backtest_without_episodes_and_without_samples_in_the_window(tmp_path: Path) -> None:
    options = write(tmp_path, FLAPPING)
    (tmp_path / "alerts.yaml").write_text(rule_file("checkouts_waiting > 50"))
    call = ["backtest", str(tmp_path / "alerts.yaml"), *options, "--end", str(START - 10000), "--start", "1"]
    done = CliRunner().invoke(app, call)
    assert (done.exit_code, "noise/never-fired" in done.output) == (0, True)
