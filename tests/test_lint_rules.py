"""What each noise rule must find in an expression, and what it must not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.linting import ERROR_RATE, ERRORS, GOOD_SPEC, codes, exit_code, lint, rule_file, spec

from tocsin.diagnostics import Severity

GUARD = 'sum(increase(http_requests_total{job="checkout"}[30m])) > 100'
HALF_HOUR = ERROR_RATE.replace("5m", "30m")

FIRES = [
    ("noise/single-event", f"increase({ERRORS}[5m]) > 0.5", "1m"),
    ("noise/single-event", f"rate({ERRORS}[5m]) > 0.003", "5m"),
    ("noise/single-event", f"increase({ERRORS}[5m]) > 0 or increase({ERRORS}[1h]) > 100", "5m"),
    ("noise/single-event", f"increase({ERRORS}[5m]) > 0 and increase({ERRORS}[1h]) > 0", "5m"),
    ("noise/never-fires", "up > 1", "5m"),
    ("noise/never-fires", "up < 0", "5m"),
    ("noise/never-fires", "up == 2", "5m"),
    ("noise/never-fires", "x > 5 and x < 3", "5m"),
    ("noise/never-fires", "x >= 5 and x < 5", "5m"),
    ("noise/never-fires", "x == 1 and x == 2", "5m"),
    ("noise/never-fires", "sum(rate(x_total[5m])) < 0", "5m"),
    ("noise/never-fires", f"{ERROR_RATE} > 1", "5m"),
    ("noise/never-fires", 'up{job="a", job="b"} == 0', "5m"),
    ("noise/never-fires", 'up{job="a", job!="a"} == 0', "5m"),
    ("noise/never-fires", 'up{job="a", job=~"b.*"} == 0', "5m"),
    ("noise/never-fires", "count(x) == 0", "5m"),
    ("noise/never-fires", "absent(x) == 0", "5m"),
    ("noise/never-fires", "x > 5 or up > 1", "5m"),
    ("noise/never-fires", "1 > bool 2", "5m"),
    ("noise/always-fires", "up", "5m"),
    ("noise/always-fires", "sum(rate(x_total[5m]))", "5m"),
    ("noise/always-fires", "up == bool 0", "5m"),
    ("noise/always-fires", "rate(x_total[5m]) >= 0", "5m"),
    ("noise/always-fires", "up < 2", "5m"),
    ("noise/always-fires", "x > 5 or vector(1)", "5m"),
    ("noise/always-fires", "vector(1)", "5m"),
    ("noise/always-fires", "vector(1) == 1", "5m"),
    ("noise/always-fires", "count(x) > 0", "5m"),
    ("noise/unit-mismatch", f"{ERROR_RATE} * 100 > 0.05", "5m"),
    ("noise/unit-mismatch", "disk_used_percent > 0.8", "5m"),
    ("noise/unit-mismatch", "cache_hit_ratio < 80", "5m"),
    ("noise/unit-mismatch", "node_memory_used_bytes / node_memory_total_bytes > 90", "5m"),
    ("noise/low-denominator", f"{HALF_HOUR} > 0.01", "5m"),
    ("noise/low-denominator", f"{HALF_HOUR} > 0.01", "29m"),
    ("noise/low-denominator", f"100 * {HALF_HOUR} > 1", "5m"),
    ("noise/low-denominator", f"{HALF_HOUR} > 0.01 and on () up == 1", "5m"),
    ("noise/short-range", "rate(x_total[1m]) > 100", "5m"),
    ("noise/short-range", "rate(x_total[3m]) > 100", "5m"),
    ("noise/sub-minute-for", "x > 100", "1s"),
    ("noise/sub-minute-window", "rate(x_total[59s]) > 100", "5m"),
]

PASSES = [
    ("noise/single-event", f"increase({ERRORS}[5m]) > 0", "6m"),
    ("noise/single-event", f"increase({ERRORS}[5m]) > 10", "0m"),
    ("noise/single-event", f"rate({ERRORS}[5m]) > 0.5", "0m"),
    ("noise/single-event", f"rate({ERRORS}[5m]) == 0", "5m"),
    ("noise/single-event", f"increase({ERRORS}[5m]) > 0 and increase({ERRORS}[1h]) > 100", "5m"),
    ("noise/single-event", "queue_length > 0", "5m"),
    ("noise/single-event", f"{ERROR_RATE} > 0.01", "5m"),
    ("noise/never-fires", "up > 0", "5m"),
    ("noise/never-fires", "x > 3 and x < 5", "5m"),
    ("noise/never-fires", "x >= 5 and x <= 5", "5m"),
    ("noise/never-fires", "x > 5 and y < 3", "5m"),
    ("noise/never-fires", "x > 5 or x < 3", "5m"),
    ("noise/never-fires", "sum(rate(x_total[5m])) <= 0", "5m"),
    ("noise/never-fires", 'up{job="a", job=~"a|b"} == 0', "5m"),
    ("noise/never-fires", "delta(x[5m]) < 0", "5m"),
    ("noise/never-fires", "temperature_celsius < -10", "5m"),
    ("noise/never-fires", "rate(a_total[5m]) / rate(b_total[5m]) > 1", "5m"),
    ("noise/always-fires", "up == 0", "5m"),
    ("noise/always-fires", "absent(up)", "5m"),
    ("noise/always-fires", "absent_over_time(up[5m])", "5m"),
    ("noise/always-fires", "x unless y", "5m"),
    ("noise/always-fires", "x and y", "5m"),
    ("noise/always-fires", "rate(x_total[5m]) > 0", "5m"),
    ("noise/always-fires", "x > 5 or vector(0) > 1", "5m"),
    ("noise/always-fires", "(x > 5) * 2", "5m"),
    ("noise/always-fires", "count(up == 0) > 0", "5m"),
    ("noise/always-fires", 'ALERTS{alertname="X"}', "5m"),
    ("noise/unit-mismatch", "cache_hit_ratio < 0.8", "5m"),
    ("noise/unit-mismatch", "disk_used_percent > 80", "5m"),
    ("noise/unit-mismatch", f"{ERROR_RATE} * 100 > 5", "5m"),
    ("noise/unit-mismatch", "process_resident_memory_bytes > 50", "5m"),
    ("noise/low-denominator", f"{HALF_HOUR} > 0.01", "30m"),
    ("noise/low-denominator", f"{HALF_HOUR} > 0.01 and {GUARD}", "5m"),
    ("noise/low-denominator", f"{GUARD} and {HALF_HOUR} > 0.01", "5m"),
    (
        "noise/low-denominator",
        f"sum(rate({ERRORS}[30m])) / (sum(rate(http_requests_total{{job='checkout'}}[30m])) > 1) > 0.01",
        "5m",
    ),
    ("noise/short-range", "rate(x_total[4m]) > 100", "5m"),
    ("noise/short-range", "avg_over_time(x[10m]) > 100", "5m"),
    ("noise/sub-minute-for", "x > 100", "1m"),
    ("noise/sub-minute-for", "rate(x_total[5m]) > 100", "0s"),
    ("noise/sub-minute-window", "rate(x_total[1m]) > 100", "5m"),
]


@pytest.mark.parametrize(("code", "expr", "for_"), FIRES)
def test_the_rule_fires(tmp_path: Path, code: str, expr: str, for_: str) -> None:
    problems = [problem for problem in lint(tmp_path, rule_file(expr, for_)) if problem.code == code]
    assert problems
    for problem in problems:
        assert problem.span.text.strip()
        assert f"tocsin explain {code}" in problem.help


@pytest.mark.parametrize(("code", "expr", "for_"), PASSES)
def test_the_rule_does_not_fire(tmp_path: Path, code: str, expr: str, for_: str) -> None:
    assert code not in codes(lint(tmp_path, rule_file(expr, for_)))


def test_a_dead_mans_switch_may_always_fire(tmp_path: Path) -> None:
    assert lint(tmp_path, rule_file("vector(1)", "0m", "none", "The alerting chain works")) == []
    assert codes(lint(tmp_path, rule_file("vector(1)", "0m", "ticket"))) == ["noise/always-fires"]


@pytest.mark.parametrize(
    ("selector", "window", "settings", "found"),
    [
        ("x_total", "2m", "{}", True),
        ("x_total", "2m", "prometheus: {scrape_interval: 30s}", False),
        ("x_total", "4m", "prometheus: {scrape_interval: 2m}", True),
        ('x_total{job="slow"}', "5m", "prometheus: {jobs: {slow: 5m}}", True),
        ('x_total{job="slow"}', "20m", "prometheus: {jobs: {slow: 5m}}", False),
        ('x_total{job="fast"}', "1m", "prometheus: {jobs: {fast: 15s, slow: 5m}}", False),
        ('x_total{job!="fast"}', "1m", "prometheus: {jobs: {fast: 15s}}", True),
        ('x_total{job="other"}', "5m", "prometheus: {jobs: {slow: 5m}}", False),
    ],
)
def test_a_window_is_held_against_the_scrapes_of_its_job(
    tmp_path: Path, selector: str, window: str, settings: str, found: bool
) -> None:
    problems = lint(tmp_path, rule_file(f"rate({selector}[{window}]) > 100"), settings)
    assert codes(problems) == (["noise/short-range"] if found else [])


def test_a_single_sample_is_enough_for_a_maximum_and_not_for_a_rate(tmp_path: Path) -> None:
    settings = "prometheus: {scrape_interval: 1m}"
    rate = lint(tmp_path, spec("{rate: x_total}", "below: 9/s, over: 1m, for: 5m"), settings)
    assert [(problem.code, problem.severity) for problem in rate] == [("noise/short-range", Severity.ERROR)]
    gauge = lint(tmp_path, spec("{gauge: {value: x, unit: count}}", "below: 9, over: 1m, for: 5m"), settings)
    assert [(problem.code, problem.severity) for problem in gauge] == [("noise/short-range", Severity.WARNING)]


def without(text: str, *keys: str) -> str:
    """A rule file whose alert lacks some labels or annotations."""
    document = json.loads(text)
    rule = document["groups"][0]["rules"][0]
    for key in keys:
        rule["labels"].pop(key, None)
        rule["annotations"].pop(key, None)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("severity", "missing", "found"),
    [
        ("page", "severity", {"noise/missing-metadata": Severity.ERROR}),
        ("page", "summary", {"noise/missing-metadata": Severity.ERROR}),
        (
            "page",
            "runbook_url",
            {"noise/page-without-action": Severity.WARNING},
        ),
        ("ticket", "runbook_url", {}),
    ],
)
def test_what_an_alert_must_say(tmp_path: Path, severity: str, missing: str, found: Mapping[str, Severity]) -> None:
    problems = lint(tmp_path, without(rule_file(f"{ERROR_RATE} > 0.01", "5m", severity), missing))
    assert {problem.code: problem.severity for problem in problems} == found


@pytest.mark.parametrize(
    ("action", "passes"),
    [
        ("Investigate.", False),
        ("please check the issue", False),
        ("take a look at it", False),
        ("TODO", False),
        ("n/a", False),
        ("Check the dashboard of the load balancer, then drain the zone that fails.", True),
        ("Roll back the last deploy.", True),
    ],
)
def test_an_action_is_a_deed(tmp_path: Path, action: str, passes: bool) -> None:
    problems = lint(tmp_path, GOOD_SPEC.replace("Scale the checkout pool to twice its size.", action))
    assert codes(problems) == ([] if passes else ["noise/page-without-action"])
    assert exit_code(problems) == (0 if passes else 1)
