"""The budget of noise: limits that make findings a gate, for all or for an owner, and the places of faults in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.command import run
from tests.finding_pages import example, judged, told, write
from tests.linting import lint

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
