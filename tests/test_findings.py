"""The noise rules on data: the examples of their pages, what they propose, and what they leave alone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.finding_pages import NAMES, PAGES, START, example, judged, told, write
from tests.linting import codes, lint, rule_file
from typer.testing import CliRunner

from tocsin.cli import app
from tocsin.lint.api import rule_names
from tocsin.pipeline.rules import lint_rule_names

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


def help_of(folder: Path, name: str, alerts: str | None = None) -> str:
    problems = judged(folder, alerts or example(name, "Bad"), example(name, "Recording"))
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
