"""Comments that allow a finding: they need a reason, end on their date, and are told of where they allow nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.linting import CPU_SPEC, codes, errors, lint, spec

from tocsin.diagnostics import Severity

NOISY = """\
groups:
  - name: checkout
    rules:
      ABOVE
      - alert: Quiet
        expr: x > 100
        for: 5m
        labels: {severity: ticket}
        annotations: {summary: More than a hundred orders wait}
      - alert: Spike
        expr: y > 100
        INSIDE
        for: 30s  LINE
        labels: {severity: ticket}
        annotations: {summary: More than a hundred orders wait}
"""
CODE = "noise/sub-minute-for"


def noisy(**comments: str) -> str:
    text = NOISY
    for place in ("ABOVE", "INSIDE", "LINE"):
        text = text.replace(place, comments.get(place.lower(), ""))
    return text


def above_spike(comment: str) -> str:
    return noisy().replace("      - alert: Spike", f"      {comment}\n      - alert: Spike")


ALLOW = f"# tocsin: allow {CODE} -- the probe of the vendor is slow"


def test_nothing_is_allowed_without_a_comment(tmp_path: Path) -> None:
    assert codes(lint(tmp_path, noisy())) == [CODE]


@pytest.mark.parametrize(
    "text", [noisy(line=ALLOW), noisy(inside=ALLOW), above_spike(ALLOW), above_spike(f"{ALLOW}\n      # and slow\n")]
)
def test_a_comment_with_a_reason_allows_on_the_line_inside_and_above(tmp_path: Path, text: str) -> None:
    assert lint(tmp_path, text) == []


def test_a_comment_in_a_spec_allows(tmp_path: Path) -> None:
    text = spec(CPU_SPEC, "above: 90%, for: 30s").replace("for: 30s", f"for: 30s  {ALLOW}")
    assert errors(lint(tmp_path, text)) == []


@pytest.mark.parametrize(
    ("comment", "found"),
    [
        (f"# tocsin: allow {CODE} until 2026-07-01 -- slow", []),
        (f"# tocsin: allow {CODE} until 2026-06-30 -- slow", [CODE, "lint/expired-allowance"]),
        (f"# tocsin: allow {CODE}", ["lint/bad-allowance", CODE]),
        (f"# tocsin: allow {CODE} --", ["lint/bad-allowance", CODE]),
        (f"# tocsin: allow {CODE} until tomorrow -- slow", ["lint/bad-allowance", CODE]),
        ("# tocsin: allow noise/sub-minute-fro -- slow", ["lint/bad-allowance", CODE]),
        (f"# tocsin: ignore {CODE} -- slow", ["lint/bad-allowance", CODE]),
        ("# tocsin: allow noise/never-fires -- slow", [CODE, "lint/unused-allowance"]),
    ],
)
def test_a_comment_is_held_to_its_form(tmp_path: Path, comment: str, found: list[str]) -> None:
    problems = lint(tmp_path, noisy(line=comment))
    assert codes(problems) == sorted(found)
    for problem in problems:
        if problem.code.startswith("lint/"):
            assert problem.span.text == comment
            assert problem.severity is Severity.ERROR


@pytest.mark.parametrize(
    "reason", ["TODO: the reason", "todo", "FIXME why?", "xxx", "<TODO: why>", "...", "--", "?!", "_", "— …"]
)
def test_a_reason_that_is_still_to_be_written_is_none(tmp_path: Path, reason: str) -> None:
    noise, bad = lint(tmp_path, noisy(line=f"# tocsin: allow {CODE} until 2026-07-01 -- {reason}"))
    assert (bad.code, noise.code) == ("lint/bad-allowance", CODE)
    assert bad.message == f"an allowance needs a reason, and `{reason}` is none"


@pytest.mark.parametrize(
    "reason", ["todo-service is slow", "todos wait", "XXXL orders", "(slow)", "遅い", "5m is enough"]
)
def test_a_reason_is_any_word(tmp_path: Path, reason: str) -> None:
    assert lint(tmp_path, noisy(line=f"# tocsin: allow {CODE} -- {reason}")) == []


def test_a_comment_on_another_alert_allows_nothing(tmp_path: Path) -> None:
    assert codes(lint(tmp_path, noisy(above=ALLOW))) == sorted([CODE, "lint/unused-allowance"])


def test_an_unknown_rule_gets_a_suggestion(tmp_path: Path) -> None:
    problems = lint(tmp_path, noisy(line="# tocsin: allow noise/sub-minute-fro -- slow"))
    assert [problem.help for problem in problems if problem.code == "lint/bad-allowance"] == [f"did you mean `{CODE}`?"]
