"""The noise rules: the examples of their pages, alerts that people ask for, alerts that nobody should get."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tocsin.cli import app
from tocsin.diagnostics import Problem, Problems, Severity
from tocsin.lint.api import RULES
from tocsin.pipeline.compile import check
from tocsin.pipeline.explain import lint_rule_names
from tocsin.rules import AlertingRule

TODAY = date(2026, 7, 1)
CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpus"
NAMES = lint_rule_names()


def lint(folder: Path, text: str, settings: str = "{}") -> list[Problem]:
    """What `tocsin check` says of a file beside a tocsin.yaml."""
    (folder / "tocsin.yaml").write_text(settings)
    file = folder / "checked.yaml"
    file.write_text(text)
    problems = Problems()
    check([file], None, problems, TODAY)
    return list(problems)


def codes(problems: list[Problem]) -> list[str]:
    return sorted({problem.code for problem in problems})


def exit_code(problems: list[Problem]) -> int:
    return Problems(problems).exit_code


def rule_file(
    expr: str, for_: str = "5m", severity: str = "page", summary: str = "More than 1% of requests fail"
) -> str:
    """A hand-written rule file of one alert that says everything that an alert should."""
    rule = {
        "alert": "CheckoutBroken",
        "expr": expr,
        "for": for_,
        "labels": {"severity": severity},
        "annotations": {"summary": summary, "runbook_url": "https://runbooks.example.com/checkout"},
    }
    return json.dumps({"groups": [{"name": "checkout", "rules": [rule]}]})


def spec(indicator: str, condition: str, summary: str = "Checkout is out of capacity") -> str:
    """A spec of one alert; the indicator and the condition are flow YAML."""
    return textwrap.dedent(f"""\
        service: checkout
        owner: payments
        runbook: https://runbooks.example.com/checkout
        indicators:
          watched: {indicator}
        alerts:
          - name: CheckoutBroken
            indicator: watched
            {condition.replace(", ", chr(10) + " " * 12)}
            severity: page
            summary: {summary}
            action: Roll back the last deploy.
            no_data: ignore
        """)


def example(name: str, title: str) -> str:
    """The spec that a rule's page shows below `Bad::` or `Good::`."""
    lines = RULES[name].page.split("\n")
    shown = []
    for line in lines[lines.index(f"{title}::") + 1 :]:
        if line and not line.startswith("    "):
            break
        shown.append(line)
    return textwrap.dedent("\n".join(shown)).strip() + "\n"


# --- the pages --------------------------------------------------------------------------------------------------------


def test_the_rules_are_those_of_the_files() -> None:
    folder = Path(__file__).parent.parent / "compiler" / "tocsin" / "lint" / "rules"
    files = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    assert {f"noise/{stem.replace('_', '-')}" for stem in files} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_bad_example_gives_only_this_finding(tmp_path: Path, name: str) -> None:
    assert codes(lint(tmp_path, example(name, "Bad"))) == [name]


@pytest.mark.parametrize("name", NAMES)
def test_the_good_example_gives_nothing(tmp_path: Path, name: str) -> None:
    assert lint(tmp_path, example(name, "Good")) == []


@pytest.mark.parametrize("name", NAMES)
def test_explain_prints_the_page_with_its_source(name: str) -> None:
    shown = CliRunner().invoke(app, ["explain", name])
    assert shown.exit_code == 0
    assert shown.output.startswith(f"{name} ({RULES[name].severity})\n")
    assert RULES[name].page in shown.output
    assert "\nSource: " in shown.output


# --- the alerts that people ask for -----------------------------------------------------------------------------------

GOOD_SPEC = """\
service: checkout
owner: payments
runbook: https://runbooks.example.com/checkout
labels: {env: prod}
indicators:
  errors:
    ratio:
      bad: http_requests_total{job="checkout", code=~"5.."}
      total: http_requests_total{job="checkout"}
  p99:
    latency: {histogram: 'http_request_duration_seconds{job="checkout"}', quantile: 99%}
  disk:
    usage: {free: node_filesystem_avail_bytes, capacity: node_filesystem_size_bytes}
    by: [instance, mountpoint]
alerts:
  - name: CheckoutErrorRateHigh
    indicator: errors
    above: 1%
    for: 5m
    severity: page
    summary: 'More than 1% of checkout requests fail'
    action: Roll back the last deploy; if there was none in the past hour, fail over to the standby region.
  - name: CheckoutSlow
    indicator: p99
    above: 2s
    for: 10m
    severity: page
    summary: One checkout request in a hundred takes over two seconds
    action: Scale the checkout pool to twice its size.
  - name: DiskFilling
    indicator: disk
    above: 80%
    for: 15m
    severity: ticket
    summary: A disk is more than four fifths full
    action: Delete old logs, or grow the volume.
"""
ERRORS = 'http_requests_total{job="checkout", code=~"5.."}'
ERROR_RATE = f'sum(rate({ERRORS}[5m])) / sum(rate(http_requests_total{{job="checkout"}}[5m]))'
GOOD_RULES = [
    (f"{ERROR_RATE} > 0.01", "5m"),
    (
        'histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{job="checkout"}[5m]))) > 2',
        "10m",
    ),
    ("1 - node_filesystem_avail_bytes / node_filesystem_size_bytes > 0.8", "15m"),
    ("(1 - node_filesystem_avail_bytes / node_filesystem_size_bytes) * 100 > 80", "15m"),
]


def test_the_good_alerts_pass_as_a_spec(tmp_path: Path) -> None:
    assert lint(tmp_path, GOOD_SPEC) == []


@pytest.mark.parametrize(("expr", "for_"), GOOD_RULES)
@pytest.mark.parametrize("severity", ["page", "ticket"])
def test_the_good_alerts_pass_as_rules(tmp_path: Path, expr: str, for_: str, severity: str) -> None:
    assert lint(tmp_path, rule_file(expr, for_, severity)) == []


# --- and those that nobody should get ---------------------------------------------------------------------------------

CPU_SPEC = "{gauge: {value: 'instance:cpu_usage:ratio{job=\"web\"}', unit: ratio}}"
BUSY = 'rate(node_cpu_seconds_total{{mode!="idle"}}[{}])'


@pytest.mark.parametrize(
    ("indicator", "condition", "code"),
    [
        (CPU_SPEC, "above: 90%, for: 30s", "noise/sub-minute-for"),
        (CPU_SPEC, "above: 90%, for: 59s", "noise/sub-minute-for"),
        (CPU_SPEC, "above: 90%", "noise/sub-minute-for"),
        (CPU_SPEC, "above: 90%, for: 5m, over: 30s", "noise/sub-minute-window"),
        (
            f"{{promql: {{query: 'sum({BUSY.format('30s')})', unit: ratio}}}}",
            "above: 90%, for: 5m",
            "noise/sub-minute-window",
        ),
    ],
)
def test_a_spec_of_a_short_spike_is_rejected(tmp_path: Path, indicator: str, condition: str, code: str) -> None:
    problems = lint(tmp_path, spec(indicator, condition), "prometheus: {scrape_interval: 5s}")
    assert codes(problems) == [code]
    assert exit_code(problems) == 1


@pytest.mark.parametrize(
    ("expr", "for_", "code"),
    [
        ("instance:cpu_usage:ratio > 0.9", "30s", "noise/sub-minute-for"),
        (f"avg by (instance) ({BUSY.format('5m')}) > 0.9", "30s", "noise/sub-minute-for"),
        (f"100 * avg by (instance) ({BUSY.format('5m')}) > 90", "59s", "noise/sub-minute-for"),
        (f"avg by (instance) ({BUSY.format('30s')}) > 0.9", "5m", "noise/sub-minute-window"),
        ("max_over_time(instance:cpu_usage:ratio[45s]) > 0.9", "5m", "noise/sub-minute-window"),
    ],
)
def test_a_rule_for_a_short_spike_is_rejected(tmp_path: Path, expr: str, for_: str, code: str) -> None:
    problems = lint(tmp_path, rule_file(expr, for_), "prometheus: {scrape_interval: 5s}")
    assert codes(problems) == [code]
    assert exit_code(problems) == 1


RATIO_SPEC = f"{{ratio: {{bad: '{ERRORS}', total: 'http_requests_total{{job=\"checkout\"}}'}}}}"
COUNT_SPEC = f"{{promql: {{query: 'sum(increase({ERRORS}[$window]))', unit: count}}}}"


@pytest.mark.parametrize("for_", ["0m", "1m", "5m"])
@pytest.mark.parametrize(
    ("indicator", "condition"),
    [
        (f"{{rate: '{ERRORS}'}}", "above: 0/s"),
        (RATIO_SPEC, "above: 0%"),
        (COUNT_SPEC, "above: 0"),
        (COUNT_SPEC, "above: 0.9"),
        (f"{{gauge: {{value: 'increase({ERRORS}[10m])', unit: count}}}}", "above: 1"),
    ],
)
def test_a_spec_of_any_single_500_is_rejected(tmp_path: Path, indicator: str, condition: str, for_: str) -> None:
    problems = lint(tmp_path, spec(indicator, f"{condition}, for: {for_}"))
    assert "noise/single-event" in codes(problems)
    assert exit_code(problems) == 1


@pytest.mark.parametrize("for_", ["0m", "1m", "5m"])
@pytest.mark.parametrize(
    "expr",
    [
        f"rate({ERRORS}[5m]) > 0",
        f"sum(rate({ERRORS}[5m])) != 0",
        f"increase({ERRORS}[5m]) > 0",
        f"increase({ERRORS}[5m]) >= 1",
        f"0 < sum by (instance) (increase({ERRORS}[5m]))",
        f"sum(increase({ERRORS}[5m]) > 0)",
        f"round(increase({ERRORS}[5m])) == 1",
        f"changes({ERRORS}[5m]) > 0",
        f"{ERRORS} > 0",
        f"{ERROR_RATE} > 0",
        f"100 * {ERROR_RATE} > 0",
        f"({ERROR_RATE}) * 100 > 0",
    ],
)
def test_a_rule_for_any_single_500_is_rejected(tmp_path: Path, expr: str, for_: str) -> None:
    problems = lint(tmp_path, rule_file(expr, for_))
    assert codes(problems) == ["noise/single-event"]
    assert exit_code(problems) == 1


def test_a_vague_summary_is_rejected_in_a_spec(tmp_path: Path) -> None:
    problems = lint(tmp_path, spec(CPU_SPEC, "above: 90%, for: 5m", "something might be wrong"))
    assert codes(problems) == ["noise/vague-text"]
    assert exit_code(problems) == 1


def test_a_vague_summary_is_rejected_in_a_rule_that_pages(tmp_path: Path) -> None:
    expr = f"{ERROR_RATE} > 0.01"
    problems = lint(tmp_path, rule_file(expr, "5m", "page", "something might be wrong"))
    assert codes(problems) == ["noise/vague-text"]
    assert exit_code(problems) == 1
    assert exit_code(lint(tmp_path, rule_file(expr, "5m", "ticket", "something might be wrong"))) == 0


def test_the_command_line_fails_on_a_bad_alert(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(rule_file(f"increase({ERRORS}[5m]) > 0"))
    shown = CliRunner().invoke(app, ["check", str(file)])
    assert shown.exit_code == 1
    assert "noise/single-event" in shown.stderr
    assert "^^^" in shown.stderr


# --- expressions, rule by rule ----------------------------------------------------------------------------------------

GUARD = 'sum(increase(http_requests_total{job="checkout"}[30m])) > 100'
HALF_HOUR = ERROR_RATE.replace("5m", "30m")

FIRES = [
    # A rule whose window ends before `for` does is held by more than one event.
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
            {"noise/missing-metadata": Severity.WARNING, "noise/page-without-action": Severity.WARNING},
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


# --- comments that allow a finding ------------------------------------------------------------------------------------

NOISY = """\
groups:
  - name: checkout
    rules:
      ABOVE
      - alert: Quiet
        expr: x > 100
        for: 5m
        labels: {severity: ticket}
        annotations: {summary: The queue of checkout is too long}
      - alert: Spike
        expr: x > 100
        INSIDE
        for: 30s  LINE
        labels: {severity: ticket}
        annotations: {summary: The queue of checkout is too long}
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
    assert lint(tmp_path, text) == []


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


def test_a_comment_on_another_alert_allows_nothing(tmp_path: Path) -> None:
    assert codes(lint(tmp_path, noisy(above=ALLOW))) == sorted([CODE, "lint/unused-allowance"])


def test_an_unknown_rule_gets_a_suggestion(tmp_path: Path) -> None:
    problems = lint(tmp_path, noisy(line="# tocsin: allow noise/sub-minute-fro -- slow"))
    assert [problem.help for problem in problems if problem.code == "lint/bad-allowance"] == [f"did you mean `{CODE}`?"]


# --- rules that are in use --------------------------------------------------------------------------------------------


def corpus(name: str) -> tuple[int, list[Problem]]:
    """How many alerts a folder of the corpus has, and what is said of them."""
    folder = CORPUS / name
    if not folder.is_dir():
        pytest.skip(f"need the folder shared/corpus/{name}")
    problems = Problems()
    inputs, _ = check([folder], None, problems, TODAY)
    alerts = [rule for group in inputs.groups for rule in group.rules if isinstance(rule, AlertingRule)]
    return len(alerts), list(problems)


@pytest.mark.parametrize("name", ["kube-prometheus", "awesome-prometheus-alerts"])
def test_every_finding_on_real_rules_has_a_place(name: str) -> None:
    alerts, problems = corpus(name)
    assert alerts >= 139
    for problem in problems:
        assert problem.code in NAMES, problem
        assert problem.span.text.strip(), problem
        assert Path(problem.span.source.path).is_file()


def test_errors_are_rare_on_rules_that_are_in_use() -> None:
    alerts, problems = corpus("kube-prometheus")
    assert alerts == 139
    found = Counter((problem.code, str(problem.severity)) for problem in problems)
    print(*(f"{count:4} {code} ({severity})" for (code, severity), count in sorted(found.items())), sep="\n")
    errors = {
        (problem.span.source.path, problem.span.line) for problem in problems if problem.severity is Severity.ERROR
    }
    assert len(errors) <= 0.02 * alerts
    assert len(problems) <= 0.15 * alerts


def test_what_errors_on_many_real_rules_is_only_what_the_page_says() -> None:
    alerts, problems = corpus("awesome-prometheus-alerts")
    errors = Counter(problem.code for problem in problems if problem.severity is Severity.ERROR)
    assert sum(errors.values()) <= 0.05 * alerts, errors
