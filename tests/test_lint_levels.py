"""How a team takes what a rule finds: levels in tocsin.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.linting import ERROR_RATE, codes, lint, rule_file

from tocsin.diagnostics import Problem

LATE = rule_file(f"{ERROR_RATE} > 0.01", "450s", "ticket")


def levels(**rules: str) -> str:
    written = ", ".join(f"noise/{name.replace('_', '-')}: {level}" for name, level in rules.items())
    return f"lint: {{rules: {{{written}}}}}"


def found(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(problem.code, str(problem.severity)) for problem in problems]


@pytest.mark.parametrize("level", ["error", "warning", "info"])
def test_a_level_replaces_the_severity_of_every_finding(tmp_path: Path, level: str) -> None:
    expected = [("noise/for-between-evaluations", level)]
    assert found(lint(tmp_path, LATE, levels(for_between_evaluations=level))) == expected


@pytest.mark.parametrize("off", ["off", "'off'"])
def test_a_rule_that_is_off_finds_nothing(tmp_path: Path, off: str) -> None:
    assert codes(lint(tmp_path, LATE)) == ["noise/for-between-evaluations"]
    assert lint(tmp_path, LATE, levels(for_between_evaluations=off)) == []


def test_a_matter_of_policy_is_asked_only_where_the_settings_say_so(tmp_path: Path) -> None:
    page = rule_file(f"{ERROR_RATE} > 0.01")
    assert lint(tmp_path, page) == []
    asked = levels(page_outside_slo="error", no_hysteresis="info")
    assert found(lint(tmp_path, page, asked)) == [("noise/no-hysteresis", "info"), ("noise/page-outside-slo", "error")]


def test_an_allowance_of_a_rule_that_is_off_is_no_fault(tmp_path: Path) -> None:
    comment = "# tocsin: allow noise/no-hysteresis -- it does not flap\n"
    page = comment + rule_file(f"{ERROR_RATE} > 0.01")
    assert lint(tmp_path, page) == []
    assert lint(tmp_path, page, levels(no_hysteresis="warning")) == []
    other = levels(no_hysteresis="warning").replace("no-hysteresis", "single-event")
    unused = comment.replace("no-hysteresis", "single-event") + rule_file(f"{ERROR_RATE} > 0.01")
    assert codes(lint(tmp_path, unused, other)) == ["lint/unused-allowance"]


@pytest.mark.parametrize(
    ("name", "help"),
    [("noise/single-evnt", "did you mean `noise/single-event`?"), ("noise/flapping", "give it a limit under `budget`")],
)
def test_a_level_for_what_is_no_rule_is_reported_where_it_stands(tmp_path: Path, name: str, help: str) -> None:
    (problem,) = lint(tmp_path, rule_file(f"{ERROR_RATE} > 0.01"), f"lint: {{rules: {{{name}: off}}}}")
    assert (problem.code, problem.span.text, problem.help) == ("lint/unknown-rule", name, help)


@pytest.mark.parametrize("level", ["loud", "on", "3"])
def test_a_level_is_one_of_four(tmp_path: Path, level: str) -> None:
    (problem,) = lint(tmp_path, LATE.replace("450s", "8m"), levels(for_between_evaluations=level))
    assert problem.code.startswith("spec/")
    assert "`error`, `warning`, `info` or `off`" in problem.message + problem.help


@pytest.mark.parametrize(
    ("policy", "pointed_at"),
    [
        ("labels: {team: pay.*}", '"CheckoutBroken"'),
        ("labels: {severity: page}", '"ticket"'),
        ("annotations: {summary: 'No .*'}", '"More than 1% of requests fail"'),
        ("alert: '[a-z]+'", '"CheckoutBroken"'),
        ("for: {most: 5m}", '"8m"'),
        ("for: {least: 10m}", '"8m"'),
        ("window: {least: 10m}", 'http_requests_total{job=\\"checkout\\", code=~\\"5..\\"}[5m]'),
    ],
)
def test_a_policy_is_held_where_it_is_broken(tmp_path: Path, policy: str, pointed_at: str) -> None:
    problems = lint(tmp_path, LATE.replace("450s", "8m"), f"policy: {{{policy}}}")
    assert codes(problems) == ["noise/house-policy"]
    assert problems[0].span.text == pointed_at


@pytest.mark.parametrize(
    "policy",
    ["labels: {severity: ticket|page}", "alert: '[A-Z]\\w+'", "for: {least: 8m, most: 8m}", "record: x", "window: {}"],
)
def test_a_policy_that_is_met_says_nothing(tmp_path: Path, policy: str) -> None:
    assert lint(tmp_path, LATE.replace("450s", "8m"), f"policy: {{{policy}}}") == []


def test_a_policy_holds_for_recording_rules_too(tmp_path: Path) -> None:
    text = 'groups: [{name: g, rules: [{record: errors, expr: "sum(rate(x_total[2d]))"}]}]'
    problems = lint(tmp_path, text, "policy: {record: '.+:.+', window: {most: 1d}, labels: {team: a}}")
    assert [problem.span.text for problem in problems] == ["errors", "x_total[2d]"]


@pytest.mark.parametrize("policy", ["labels: {team: '('}", "alert: '*'", "for: {least: 5}", "window: {most: 1m1h}"])
def test_a_policy_that_cannot_be_read_is_reported(tmp_path: Path, policy: str) -> None:
    (problem,) = lint(tmp_path, LATE.replace("450s", "8m"), f"policy: {{{policy}}}")
    assert problem.code in ("spec/value", "spec/duration")
    assert problem.span.source.path.endswith("tocsin.yaml")
