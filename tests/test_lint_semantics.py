"""What the rules that know labels, values, units and types find, and what they let pass."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from tests.fuzz.grammar import SHAPES, Grammar
from tests.linting import ERROR_RATE, codes, lint, rule_file, spec

from tocsin.diagnostics import Problem, Severity

BUCKETS = 'http_request_duration_seconds_bucket{job="shop"}'

FIRES = [
    ("counter-equality", "http_errors_total == 5"),
    ("counter-equality", "sum(http_errors_total) / 2 > 100"),
    ("counter-equality", "y > 1 and 1000 < max by (job) (http_errors_total)"),
    ("rate-on-gauge", "rate(process_resident_memory_bytes[5m]) > 100"),
    ("rate-on-gauge", "sum(increase(pool_used_ratio[5m])) > 100"),
    ("rate-on-gauge", "delta(http_errors_total[5m]) > 100"),
    ("rate-on-gauge", "predict_linear(http_errors_total[5m], 600) > 100"),
    ("absent-misuse", 'absent(up{job=~"a|b"})'),
    ("absent-misuse", 'absent_over_time(up{job=~"a|b|c-d"}[5m])'),
    ("absent-misuse", "absent(sum(x) or vector(0))"),
    ("absent-misuse", "absent(vector(1))"),
    ("absent-misuse", 'absent(up{job="a"}) and y > 5'),
    ("absent-misuse", 'absent(up{job="a"}) and y{b="2"}'),
    ("percentile-misuse", 'avg(rpc_duration_seconds{quantile="0.99"}) > 2'),
    ("percentile-misuse", f"avg(histogram_quantile(0.9, rate({BUCKETS}[5m]))) > 2"),
    ("percentile-misuse", f"avg_over_time(histogram_quantile(0.9, rate({BUCKETS}[5m]))[1h:1m]) > 2"),
    ("percentile-misuse", 'avg_over_time(rpc_duration_seconds{quantile="0.5"}[10m]) > 2'),
    ("percentile-misuse", f"histogram_quantile(0.99, sum by (job) (rate({BUCKETS}[5m]))) > 2"),
    ("percentile-misuse", f"histogram_quantile(0.99, {BUCKETS}) > 2"),
    ("percentile-misuse", f"histogram_quantile(99, rate({BUCKETS}[5m])) > 2"),
    ("percentile-misuse", "quantile(95, x) > 2"),
    ("percentile-misuse", "quantile_over_time(95, x[10m]) > 2"),
    ("cardinality", "sum by (job, user_id) (rate(x_total[5m])) > 5"),
    ("cardinality", 'count_values("url", x) > 5'),
    ("nan-guard", "sum(rate(a_total[5m]) / rate(b_total[5m])) > 1"),
    ("nan-guard", "avg by (job) (1 - rate(a_total[5m]) / rate(b_total[5m])) > 1"),
    ("impossible", "sum by (job) (x) / on (job, pod) sum by (job, pod) (y) > 1"),
    ("impossible", 'x{a="1"} and x{a="2"}'),
    ("impossible", "sum(x) > on (job) group_right y"),
    ("impossible", "sum by (pod) (sum by (job) (x)) > 1"),
    ("impossible", "x * on (job) group_left (pod) sum by (job) (y) > 1"),
    ("impossible", "x > 5 and hour() > 9"),
    ("impossible", "x / sum(y) > 1"),
    ("impossible", "sum by (job) (y) < rate(x_total[5m])"),
    ("impossible", "sum(x) / on (job) sum(y) > 1"),
    ("never-fires", "sum(up > 1) > 0"),
    ("never-fires", "(up < 0) * 5 > 1"),
    ("never-fires", "x > 5 and hour() > 23"),
    ("never-fires", "clamp_max(x, 5) > 10"),
    ("never-fires", "100 * (1 - up) > 100"),
    ("never-fires", "sgn(x) > 1"),
    ("never-fires", 'sum(x{a=~"b", a!~"b"}) > 1'),
    ("never-fires", "(x > 5) < 3"),
    ("never-fires", "count_over_time(x[5m]) == 0"),
    ("never-fires", "sum(up) / count(up) > 1"),
    ("always-fires", "absent(up > 1)"),
    ("always-fires", "max(vector(1)) > 0"),
    ("always-fires", "count_over_time(x[5m]) > 0"),
    ("unit-mismatch", "avg_over_time(x_ratio[5m]) * 100 > 0.5"),
    ("unit-mismatch", "x_seconds * 1000 / 1000 / y_seconds > 50"),
    ("fragile-ratio", "sum(x) / sum(y) > 1"),
]

PASSES = [
    ("counter-equality", "http_errors_total > 0"),
    ("counter-equality", "rate(http_errors_total[5m]) > 5"),
    ("counter-equality", "drives_offline_total == 5"),
    ("counter-equality", "http_errors_total - http_errors_total offset 1h > 5"),
    ("rate-on-gauge", "rate(net_receive_bytes[5m]) > 5"),
    ("rate-on-gauge", "rate(mysql_slow_queries[5m]) > 5"),
    ("rate-on-gauge", "delta(requests_count[5m]) > 5"),
    ("rate-on-gauge", "deriv(process_resident_memory_bytes[5m]) > 5"),
    ("absent-misuse", 'absent(up{job="a"})'),
    ("absent-misuse", 'absent(up{job="a"} == 1)'),
    ("absent-misuse", 'absent(up{job=~"a.*"})'),
    ("absent-misuse", 'absent(up{job="a"}) and on () y > 5'),
    ("percentile-misuse", 'max(rpc_duration_seconds{quantile="0.99"}) > 2'),
    ("percentile-misuse", f"histogram_quantile(0.99, sum by (le) (rate({BUCKETS}[5m]))) > 2"),
    ("percentile-misuse", "histogram_quantile(0.99, sum by (job) (rate(native_seconds[5m]))) > 2"),
    ("percentile-misuse", "quantile(0.95, x) > 2"),
    ("cardinality", "sum by (job, instance) (rate(x_total[5m])) > 5"),
    ("cardinality", 'sum by (user_id) (rate(x_total{user_id="root"}[5m])) > 5'),
    ("nan-guard", "sum(rate(a_total[5m]) / (rate(b_total[5m]) > 0)) > 1"),
    ("nan-guard", "sum(rate(a_total[5m]) / clamp_min(rate(b_total[5m]), 1)) > 1"),
    ("nan-guard", "sum(rate(a_total[5m])) / sum(rate(b_total[5m])) > 1"),
    ("nan-guard", "sum(rate(a_total[5m]) / rate(b_total[5m]) > 1) > 1"),
    ("nan-guard", "sum(rate(a_total[5m]) / 60) > 1"),
    ("impossible", "sum by (job) (x) / on (job) group_right sum by (job, pod) (y) > 1"),
    ("impossible", "sum by (job) (x) / sum by (job) (y) > 1"),
    ("impossible", "sum(x) / sum(y) > 1"),
    ("impossible", "x and on () sum(y) > 1"),
    ("impossible", "sum by (job) (x) > 1 or sum by (pod) (y) > 1"),
    ("impossible", 'x{a="1"} unless on (b) x{a="2"}'),
    ("impossible", "x / y > 1"),
    ("impossible", "x > 5 and on () hour() > 9"),
    ("impossible", "x > 5 and ignoring (instance, job) sum(y) > 9"),
    ("impossible", "job:x:sum / sum by (job) (y) > 1"),
    ("impossible", "(x or vector(0)) / sum(y) > 1"),
    ("impossible", 'absent(x{a="1"}) and y{b="2"}'),
    ("impossible", 'sum by (pod) (label_replace(sum by (job) (x), "pod", "a", "", "")) > 1'),
    ("never-fires", "sum(up > 0) > 0"),
    ("never-fires", "hour() > 22 and x > 5"),
    ("never-fires", "round(up / 2, 5) > 1"),
    ("never-fires", "x_bytes % 10 > 5"),
    ("never-fires", "count(up{a='b'}) / sum(up) > 1"),
    ("always-fires", "absent(up == 1)"),
    ("always-fires", "vector(1) unless on () x"),
    ("unit-mismatch", "x_seconds / 60 > 50"),
    ("unit-mismatch", "rate(process_cpu_seconds_total[5m]) > 4"),
    ("unit-mismatch", "100 - avg_over_time(x_ratio[5m]) * 100 > 50"),
    ("fragile-ratio", "sum(x{a='b'}) / sum(x) > 1"),
    ("fragile-ratio", "sum(x) / 5 > 1"),
]


def found(folder: Path, code: str, text: str, settings: str = "{}") -> list[Problem]:
    return [problem for problem in lint(folder, text, settings) if problem.code == f"noise/{code}"]


@pytest.mark.parametrize(("code", "expr"), FIRES)
def test_the_rule_fires(tmp_path: Path, code: str, expr: str) -> None:
    problems = found(tmp_path, code, rule_file(expr, "0s" if code == "fragile-ratio" else "5m"))
    assert problems
    for problem in problems:
        assert problem.span.text.strip()
        assert f"tocsin explain noise/{code}" in problem.help


@pytest.mark.parametrize(("code", "expr"), PASSES)
def test_the_rule_does_not_fire(tmp_path: Path, code: str, expr: str) -> None:
    assert not found(tmp_path, code, rule_file(expr, "0s" if code == "fragile-ratio" else "5m"))


@pytest.mark.parametrize(
    ("code", "expr", "metrics", "severity"),
    [
        ("counter-equality", "jobs == 5", "{jobs: counter}", Severity.ERROR),
        ("counter-equality", "http_errors_total == 5", "{http_errors_total: gauge}", None),
        ("never-fires", "heat_total < 0", "{}", Severity.ERROR),
        ("never-fires", "heat_total < 0", "{heat_total: gauge}", None),
        ("never-fires", "sum(heat_total < 0) > 1", "{heat_total: gauge}", None),
        ("rate-on-gauge", "rate(http_request_size_bytes[5m]) > 5", "{}", None),
        ("rate-on-gauge", "rate(jobs[5m]) > 5", "{jobs: gauge}", Severity.WARNING),
        ("rate-on-gauge", "rate(x_used_bytes[5m]) > 5", "{x_used_bytes: counter}", None),
        ("rate-on-gauge", "delta(lat_count[5m]) > 5", "{lat: histogram}", None),
        ("rate-on-gauge", "delta(jobs[5m]) > 5", "{jobs: counter}", Severity.WARNING),
    ],
)
def test_a_declared_type_counts_more_than_a_name(
    tmp_path: Path, code: str, expr: str, metrics: str, severity: Severity | None
) -> None:
    problems = found(tmp_path, code, rule_file(expr), f"metrics: {metrics}")
    assert [problem.severity for problem in problems] == ([severity] if severity else [])


def test_a_type_that_there_is_not_is_refused(tmp_path: Path) -> None:
    problems = lint(tmp_path, rule_file(f"{ERROR_RATE} > 0.01"), "metrics: {jobs: couter}")
    assert [problem.span.text for problem in problems] == ["couter"]


@pytest.mark.parametrize(
    ("for_", "settings", "fires"),
    [
        ("0s", "{}", True),
        ("1m", "{}", True),
        ("2m", "{}", False),
        ("1m", "prometheus: {scrape_interval: 30s}", False),
        ("5m", "prometheus: {scrape_interval: 5m}", True),
        ("1m", "prometheus: {jobs: {shop: 15s}}", False),
    ],
)
def test_absent_waits_for_two_scrapes(tmp_path: Path, for_: str, settings: str, fires: bool) -> None:
    assert bool(found(tmp_path, "absent-misuse", rule_file('absent(up{job="shop"})', for_), settings)) is fires


# --- texts ------------------------------------------------------------------------------------------------------------


def alert(expr: str, labels: Mapping[str, str] | None = None, **annotations: str) -> dict[str, object]:
    return {
        "alert": "ShopSlow",
        "expr": expr,
        "for": "10m",
        "labels": {"severity": "ticket", **(labels or {})},
        "annotations": {"summary": "Requests take more than two seconds", **annotations},
    }


def rules(*rules: Mapping[str, object], name: str = "shop", **group: str) -> str:
    return json.dumps({"groups": [{"name": name, "rules": rules, **group}]})


@pytest.mark.parametrize(
    ("expr", "text", "shown"),
    [
        ("sum(x) > 1", "{{ $labels.pod }}", "$labels.pod"),
        ("sum(x) > 1", "{{ .Labels.pod }}", ".Labels.pod"),
        ("sum(x) > 1", "{{ range query `up` }}{{ $.Labels.pod }}{{ end }}", "$.Labels.pod"),
        ("sum(x) > 1", "{{ if $value }}{{ $labels.pod | title }}{{ end }}", "$labels.pod"),
        ('absent(x{a="1"})', "{{ $labels.a }} {{ $labels.pod }}", "$labels.pod"),
        ("sum by (job) (x) > 1", "{{ $labels.severity }}", "$labels.severity"),
        ("sum by (a) (x) / sum by (a) (y) > 1", "{{ printf `%s` $labels.pod }}", "$labels.pod"),
        ("sum by (job) (x) > 1", "{{ $labels.job }} {{ $labels.job }} {{ $labels.jo }}", "$labels.jo"),
    ],
)
def test_a_label_that_the_query_took_away(tmp_path: Path, expr: str, text: str, shown: str) -> None:
    (problem,) = found(tmp_path, "lost-label", rules(alert(expr, description=text)))
    assert problem.span.text == shown
    assert problem.span.source.text[problem.span.start :].startswith(
        shown + ("}" if text.endswith(shown + "}") else "")
    )


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        ("x > 1", "{{ $labels.pod }}"),
        ("sum by (pod) (x) > 1", "{{ $labels.pod }}"),
        ("sum(x) > 1", "{{ if $labels.pod }}{{ $labels.pod }}{{ end }}"),
        ("sum(x) > 1", "{{ with $labels.pod }}{{ . }}{{ end }}"),
        ("sum(x) > 1", "{{ range query `up` }}{{ .Labels.pod }}{{ end }}"),
        ("sum(x) > 1 or sum by (pod) (y) > 1", "{{ $labels.pod }}"),
        ("sum(x) > 1", "{{ $externalLabels.pod }} {{ $value }}"),
        ("sum by (job) (x) * on (job) group_left (pod) y > 1", "{{ $labels.pod }}"),
        ('absent(x{pod="1"})', "{{ $labels.pod }}"),
    ],
)
def test_a_label_that_may_be_there(tmp_path: Path, expr: str, text: str) -> None:
    assert not found(tmp_path, "lost-label", rules(alert(expr, description=text)))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{{ .Foo }}", ".Foo"),
        ("{{ $labels.a.b }}", "$labels.a.b"),
        ("{{ query `sum(` }}", "`sum(`"),
        ("{{ `rate(x)` | query | first | value }}", "`rate(x)`"),
        ("{{ printf `sum(%s` $labels.job | query }}", "`sum(%s`"),
        ("{{ $labels.job }}", None),
        ("{{ .Value }} {{ .ExternalURL }} {{ $externalLabels.a }}", None),
        ("{{ query `up` }}", None),
        ("{{ printf `up{job=%q}[%s]` $labels.job `5m` | query }}", None),
        ("{{ range query `up` }}{{ .Foo }}{{ end }}", None),
        ("no template", None),
    ],
)
def test_a_text_that_fails_when_it_is_filled_in(tmp_path: Path, text: str, shown: str | None) -> None:
    problems = found(tmp_path, "broken-template", rules(alert("x > 1", description=text)))
    assert [problem.span.text for problem in problems] == ([shown] if shown else [])


@pytest.mark.parametrize(
    ("expr", "text", "fires"),
    [
        ("avg_over_time(x_percent[5m]) > 50", "{{ $value | humanizePercentage }}", True),
        ("avg_over_time(x_ratio[5m]) * 100 > 50", "{{ $value | humanizePercentage }}", True),
        ("avg_over_time(x_ratio[5m]) > 0.5", "{{ $value | humanizePercentage }}", False),
        ("avg_over_time(x_ratio[5m]) > 0.5", "{{ $value }}%", True),
        ("avg_over_time(x_ratio[5m]) > 0.5", '{{ printf "%.1f" $value }} %', True),
        ("avg_over_time(x_ratio[5m]) * 100 > 50", "{{ $value }}%", False),
        ("avg_over_time(x_milliseconds[5m]) > 500", "{{ $value | humanizeDuration }}", True),
        ("avg_over_time(x_seconds[5m]) > 500", "slower than 500ms", True),
        ("avg_over_time(x_seconds[5m]) > 0.5", "slower than 500ms", False),
        ("avg_over_time(x_seconds[5m]) > 500", "slower than 1500ms", False),
        ("avg_over_time(x_ms[5m]) > 2", "slower than 2 seconds", True),
        ("avg_over_time(x_seconds[5m]) * 1000 > 500", "slower than 500 ms", False),
    ],
)
def test_a_text_in_another_unit(tmp_path: Path, expr: str, text: str, fires: bool) -> None:
    assert bool(found(tmp_path, "unit-mismatch", rules(alert(expr, description=text)))) is fires


@pytest.mark.parametrize(
    ("labels", "severity"),
    [
        ({"used": "{{ $value }}"}, Severity.ERROR),
        ({"used": "{{ .Value | humanize }}"}, Severity.ERROR),
        ({"used": "{{ query `up` | first | value }}"}, Severity.ERROR),
        ({"job": "shop"}, Severity.WARNING),
        ({"pod": ""}, Severity.WARNING),
        ({"job": ""}, Severity.WARNING),
        ({"team": "{{ $labels.job }}"}, None),
        ({"team": "shop"}, None),
    ],
)
def test_a_label_that_is_no_identity(tmp_path: Path, labels: Mapping[str, str], severity: Severity | None) -> None:
    problems = found(tmp_path, "templated-identity", rules(alert("sum by (job) (x) > 1", labels)))
    assert [problem.severity for problem in problems] == ([severity] if severity else [])


def test_a_label_of_a_spec_that_its_query_took_away_is_an_error(tmp_path: Path) -> None:
    text = spec("{gauge: {value: sum(x), unit: count}}", "above: 9, for: 5m", "Too much of x on {{ $labels.pod }}")
    (problem,) = found(tmp_path, "lost-label", text)
    assert problem.severity is Severity.ERROR
    assert problem.span.text == "$labels.pod"


# --- all rules together -----------------------------------------------------------------------------------------------

RECORD = {"record": "job:x:sum", "expr": "sum by (job) (x_total)"}


def am(*inhibitions: str) -> str:
    rules = "".join(f"\n  - {one}" for one in inhibitions)
    return f"\n---\nroute: {{receiver: a}}\nreceivers: [{{name: a}}]\ninhibit_rules: {rules or '[]'}\n"


def named(name: str, expr: str, severity: str = "ticket", for_: str = "10m") -> dict[str, object]:
    return {**alert(expr, {"severity": severity}), "alert": name, "for": for_}


SETS: Sequence[tuple[str, str, int]] = [
    ("duplicate", rules(named("A", "x > 1"), named("A", "(x) > 1", for_="5m")), 1),
    ("duplicate", rules(RECORD, RECORD), 1),
    ("duplicate", rules(named("A", "x > 1"), named("A", "x > 1", "page")), 0),
    ("duplicate", rules(named("A", "x > 1"), named("B", "x > 1")), 0),
    ("overlapping", rules(named("A", 'x{a="1"} > 1'), named("A", "x > 2")), 1),
    ("overlapping", rules(named("A", 'x{a="1"} > 1'), named("A", 'x{a="2"} > 1')), 0),
    ("overlapping", rules(named("A", 'x{a=~"1|2"} > 1'), named("A", 'x{a=~"3|4"} > 1')), 0),
    ("overlapping", rules(named("A", 'x{a="1"} > 1'), named("A", 'x{a!="1"} > 1')), 0),
    ("overlapping", rules(named("A", "x > 1"), named("A", "y > 2")), 0),
    ("overlapping", rules(named("A", "x > 1"), named("B", "x > 2")), 0),
    ("shadowed", rules(named("A", "x > 1"), named("B", "x > 2")), 1),
    ("shadowed", rules(named("A", "x < 1"), named("B", "x < 0.5")), 1),
    ("shadowed", rules(named("A", "x > 1"), named("B", "1 < (x)")), 1),
    ("shadowed", rules(named("A", "x > 1 and y < 2"), named("B", "x > 1 and y < 1")), 1),
    ("shadowed", rules(named("A", "x > 1"), named("B", "x > 2", "page")), 0),
    ("shadowed", rules(named("A", "x > 1"), named("B", "x > 2", for_="1m")), 0),
    ("shadowed", rules(named("A", "x > 1"), named("B", "x < 0.5")), 0),
    ("shadowed", rules(named("A", "x > 1"), named("B", "x > 2 and y > 1")), 0),
    ("missing-inhibition", rules(named("A", "x > 1"), named("B", "x > 2", "page")), 0),
    ("missing-inhibition", rules(named("A", "x > 1"), named("B", "x > 2", "page")) + am(), 1),
    (
        "missing-inhibition",
        rules(named("A", "x > 1"), named("B", "x > 2", "page"))
        + am("{source_matchers: [severity=page], target_matchers: [severity=ticket], equal: [job]}"),
        0,
    ),
    (
        "missing-inhibition",
        rules(named("A", "x > 1"), named("B", "x > 2", "page"))
        + am("{source_matchers: [severity=page], target_matchers: [severity=info], equal: [job]}"),
        1,
    ),
    ("missing-inhibition", rules(named("A", "x > 1"), named("B", "y > 2", "page")) + am(), 0),
    ("missing-inhibition", rules(named("A", "x > 1"), named("B", "x > 2")) + am(), 0),
    ("rate-of-sum", rules(named("A", "rate(sum(x_total)[5m:1m]) > 1")), 1),
    ("rate-of-sum", rules(RECORD, named("A", "increase(job:x:sum[5m]) > 1")), 1),
    ("rate-of-sum", rules(RECORD, named("A", "sum(rate(x_total[5m])) > 1")), 0),
    ("rate-of-sum", rules(named("A", "max_over_time(sum(rate(x_total[5m]))[1h:1m]) > 1")), 0),
    ("rate-of-sum", rules(named("A", "rate(job:x:sum[5m]) > 1")), 0),
    ("long-interval", rules(RECORD, interval="6m"), 1),
    ("long-interval", rules(RECORD, interval="5m"), 0),
    ("long-interval", rules({**named("A", "x > 1"), "keep_firing_for": "10m"}, interval="10m"), 0),
    ("long-for", rules(named("A", "x > 1", "page", "61m")), 1),
    ("long-for", rules(named("A", "x > 1", "page", "1h")), 0),
    ("long-for", rules(named("A", "x > 1", "ticket", "2h")), 0),
]


@pytest.mark.parametrize(("code", "text", "count"), SETS)
def test_what_all_rules_together_tell(tmp_path: Path, code: str, text: str, count: int) -> None:
    assert len(found(tmp_path, code, text)) == count


def groups(*groups: tuple[str, str, Sequence[Mapping[str, object]]]) -> str:
    return json.dumps({"groups": [{"name": name, "interval": every, "rules": given} for name, every, given in groups]})


@pytest.mark.parametrize(
    ("first", "for_", "count"), [("1m", "10m", 0), ("5m", "4m", 1), ("5m", "6m", 0), ("5m", "0s", 1)]
)
def test_lag_through_recorded_values_of_other_groups(tmp_path: Path, first: str, for_: str, count: int) -> None:
    paging = named("A", "job:x:sum > 1", "page", for_)
    text = groups(("recorded", first, [RECORD]), ("shop", "1m", [paging]))
    assert len(found(tmp_path, "late-recording", text)) == count
    assert not found(tmp_path, "late-recording", groups(("shop", first, [RECORD, paging])))


def test_lags_add_up_and_circles_end(tmp_path: Path) -> None:
    chain = {"record": "x:max", "expr": "max(job:x:sum) + x:max"}
    paging = named("A", "x:max > 1", "page", "3m")
    text = groups(("one", "2m", [RECORD]), ("two", "2m", [chain]), ("shop", "1m", [paging]))
    (problem,) = found(tmp_path, "late-recording", text)
    assert "4m" in problem.message
    assert "`x:max`, `job:x:sum`" in problem.message


def test_a_dead_mans_switch_is_asked_of_a_whole_set_only(tmp_path: Path) -> None:
    alerts = [named(f"A{number}", f"x{number} > 1") for number in range(20)]
    few = groups(*((f"g{number}", "1m", alerts[number : number + 1]) for number in range(5)))
    many = groups(*((f"g{number}", "1m", alerts[4 * number : 4 * number + 4]) for number in range(5)))
    assert not found(tmp_path, "no-dead-man", few)
    assert len(found(tmp_path, "no-dead-man", few + am())) == 1
    assert len(found(tmp_path, "no-dead-man", many)) == 1
    for switch in ("vector(1)", "max(vector(1)) > 0", "x or vector(0)"):
        assert not found(tmp_path, "no-dead-man", many.replace("x3 > 1", switch))


@pytest.mark.parametrize(
    ("other", "count"),
    [
        ("y > 1", 1),
        ('up{job="shop"} == 0', 0),
        ('up{job=~"sh.*"} == 0', 0),
        ("sum by (job) (up) == 0", 0),
        ('up{job="cart"} == 0', 1),
        ('absent(x{job="shop"})', 0),
        ('absent_over_time(x{job="cart"}[1h])', 0),
        ('absent(y{job="shop"})', 1),
    ],
)
def test_pages_on_series_that_nobody_misses(tmp_path: Path, other: str, count: int) -> None:
    page = named("A", 'sum(rate(x{job="shop"}[5m])) > 1', "page")
    text = groups(("a", "1m", [page]), ("b", "1m", [named("B", other)]), ("c", "1m", [named("C", "vector(1)")]))
    assert len(found(tmp_path, "unmissed-series", text + am())) == count
    assert not found(tmp_path, "unmissed-series", text)


def test_a_comment_allows_a_finding_on_all_rules(tmp_path: Path) -> None:
    text = """\
groups:
  - name: shop
    rules:
      - {record: x:sum, expr: sum(x)}
      # tocsin: allow noise/duplicate -- a test
      - {record: x:sum, expr: sum(x)}
"""
    assert lint(tmp_path, text) == []
    assert codes(lint(tmp_path, text.replace("      # tocsin: allow noise/duplicate -- a test\n", ""))) == [
        "noise/duplicate"
    ]


def test_rules_on_expressions_look_at_recording_rules(tmp_path: Path) -> None:
    text = rules({"record": "x:never", "expr": "sum by (job) (x) / on (job, pod) sum by (job, pod) (y)"})
    assert codes(lint(tmp_path, text)) == ["noise/impossible"]


@pytest.mark.parametrize("seed", range(8))
def test_random_expressions_give_findings_with_places_and_no_traceback(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    exprs = [Grammar(rng, 0.2).vector(rng.choice(SHAPES), rng.randint(1, 5)) for _ in range(60)]
    alerts = [named(f"A{number}", f"{expr} > {number}", "page") for number, expr in enumerate(exprs)]
    recorded = [{"record": f"x:{number}", "expr": expr} for number, expr in enumerate(exprs)]
    problems = lint(tmp_path, rules(*alerts, *recorded))
    assert problems
    for problem in problems:
        assert problem.span.text.strip(), problem
