"""The noise rules: the examples of their pages, alerts that people ask for and that nobody should get, rules in use."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.finding_pages import example
from tests.linting import (
    CPU_SPEC,
    ERROR_RATE,
    ERRORS,
    GOOD_SPEC,
    TODAY,
    codes,
    errors,
    exit_code,
    lint,
    rule_file,
    spec,
)
from typer.testing import CliRunner

from tocsin.cli import app
from tocsin.diagnostics import Problem, Problems, Severity
from tocsin.lint.api import ROOMS, RULES, rule_names
from tocsin.pipeline.compile import check
from tocsin.rules import AlertingRule

CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpus"
NAMES = sorted(rule_names())


def asked(name: str) -> str:
    """Settings that ask for a rule that is off by default, or those that its page shows."""
    if "Settings::" in RULES[name].page:
        return example(name, "Settings")
    return f"lint: {{rules: {{{name}: {RULES[name].severity}}}}}" if RULES[name].optional else "{}"


# --- the pages --------------------------------------------------------------------------------------------------------


def test_the_rules_are_those_of_the_files() -> None:
    folder = Path(__file__).parent.parent / "compiler" / "tocsin" / "lint"
    files = {file.stem for room in ROOMS for file in (folder / room).glob("*.py")} - {"__init__"}
    assert {f"noise/{stem.replace('_', '-')}" for stem in files} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_bad_example_gives_only_this_finding(tmp_path: Path, name: str) -> None:
    assert codes(lint(tmp_path, example(name, "Bad"), asked(name))) == [name]


@pytest.mark.parametrize("name", NAMES)
def test_the_good_example_gives_nothing(tmp_path: Path, name: str) -> None:
    assert lint(tmp_path, example(name, "Good"), asked(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_explain_prints_the_page_with_its_source(name: str) -> None:
    shown = CliRunner().invoke(app, ["explain", name])
    assert shown.exit_code == 0
    off = ", off by default" if RULES[name].optional else ""
    assert shown.output.startswith(f"{name} ({RULES[name].severity}{off})\n")
    assert RULES[name].page in shown.output
    assert "\nSource: " in shown.output


# --- the alerts that people ask for -----------------------------------------------------------------------------------

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
    assert errors(problems) == [code]
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
    assert errors(problems) == [code]
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


@pytest.mark.parametrize(
    "expr",
    [
        f"1 - {ERROR_RATE} < 1",
        f"100 * (1 - {ERROR_RATE}) < 100",
        f"{ERROR_RATE.replace('5..', '2..')} != 1",
        f"1 - {ERROR_RATE.replace('5..', '2..')} > 0",
        f"{ERRORS} - {ERRORS} offset 5m > 0",
        f"sum({ERRORS}) - (sum({ERRORS} offset 5m)) > 0",
    ],
)
def test_a_rule_for_any_request_that_is_not_right_is_rejected(tmp_path: Path, expr: str) -> None:
    assert errors(lint(tmp_path, rule_file(expr, "5m"))) == ["noise/single-event"]


@pytest.mark.parametrize(
    "expr",
    [
        f"1 - {ERROR_RATE} < 0.99",
        f"{ERRORS} - {ERRORS} offset 5m > 20",
        f"{ERRORS} - {ERRORS.replace('checkout', 'cart')} offset 5m > 0",
        "queue_length - queue_length offset 5m > 0",
    ],
)
def test_a_rule_for_more_than_one_request_is_not(tmp_path: Path, expr: str) -> None:
    assert "noise/single-event" not in codes(lint(tmp_path, rule_file(expr, "5m")))


@pytest.mark.parametrize(
    ("query", "for_", "rejected"),
    [
        ("1 - avg by (job) (irate(node_cpu_seconds_total[5m]))", "0m", True),
        ("1 - avg by (job) (irate(node_cpu_seconds_total[5m]))", "5m", False),
        ("1 - avg by (job) (rate(node_cpu_seconds_total[5m]))", "0m", False),
        ("max_over_time(cpu_usage_ratio[5m])", "0m", True),
        ("max_over_time(cpu_usage_ratio[5m])", "2m", True),
        ("max_over_time(cpu_usage_ratio[5m])", "5m", False),
        ("1 - min_over_time(cpu_idle_ratio[5m])", "2m", True),
        ("min_over_time(cpu_usage_ratio[5m])", "0m", False),
        ("last_over_time(cpu_usage_ratio[5m])", "0m", True),
        ("max_over_time(cpu_usage_ratio[5m:1m])", "0m", True),
        ("max_over_time(rate(cpu_seconds_total[5m])[30m:1m])", "0m", False),
        ("avg_over_time(cpu_usage_ratio[5m])", "0m", False),
    ],
)
def test_a_spike_in_a_long_window_is_a_spike(tmp_path: Path, query: str, for_: str, rejected: bool) -> None:
    text = spec(f"{{promql: {{query: '{query}', unit: ratio}}}}", f"above: 80%, for: {for_}")
    assert ("noise/sub-minute-for" in errors(lint(tmp_path, text))) == rejected


@pytest.mark.parametrize(
    ("summary", "rejected"),
    [
        ("Something may be wrong with checkout", True),
        ("There is a problem with checkout", True),
        ("A potential problem of checkout", True),
        ("Checkout is experiencing issues.", True),
        ("An anomaly was detected", True),
        ("Check the checkout service", True),
        ("Checkout has issues reloading its prices", False),
        ("Carts cannot be checked out", False),
        ("No anomaly detector runs", False),
    ],
)
def test_a_summary_says_what_is_wrong(tmp_path: Path, summary: str, rejected: bool) -> None:
    assert errors(lint(tmp_path, spec(CPU_SPEC, "above: 90%, for: 5m", summary))) == ["noise/vague-text"] * rejected


@pytest.mark.parametrize(
    ("action", "rejected"),
    [
        ("something might be wrong", True),
        ("Something might be wrong; have a look.", True),
        ("Check the logs and dashboards", True),
        ("Please investigate what is going on with the service.", True),
        ("Find out what is wrong, then fix it!", True),
        ("Monitor the situation. Escalate", True),
        ("Wait and see", True),
        ("No action is needed", True),
        ("Contact the team", True),
        ("Ignore", True),
        ("?", True),
        ("Wait for the deploy to end, then roll it back.", False),
        ("Check the disk of the primary, and add a volume", False),
        ("Investigate, and fail over to the standby region meanwhile", False),
        ("Call the owner of the database", False),
        ("Ask payments to pause the import", False),
        ("Restart the service", False),
        ("Roll back; if something else was deployed, that too", False),
    ],
)
def test_an_action_names_a_deed(tmp_path: Path, action: str, rejected: bool) -> None:
    text = spec(CPU_SPEC, "above: 90%, for: 5m").replace("Roll back the last deploy.", repr(action))
    assert errors(lint(tmp_path, text)) == ["noise/page-without-action"] * rejected


def test_a_vague_summary_is_rejected_in_a_spec(tmp_path: Path) -> None:
    problems = lint(tmp_path, spec(CPU_SPEC, "above: 90%, for: 5m", "something might be wrong"))
    assert errors(problems) == ["noise/vague-text"]
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
    loud = [problem for problem in problems if problem.severity is not Severity.INFO]
    assert len(loud) <= 0.25 * alerts


def test_errors_are_few_on_a_collection_of_alerts() -> None:
    alerts, problems = corpus("awesome-prometheus-alerts")
    errors = Counter(problem.code for problem in problems if problem.severity is Severity.ERROR)
    # Eight of them cannot fire, for their sides never pair: `noise/impossible`.
    assert sum(errors.values()) <= 0.06 * alerts, errors
