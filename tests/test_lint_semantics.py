"""What the rules that know labels, values, units and types find, and what they let pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.linting import ERROR_RATE, found, lint, rule_file

from tocsin.diagnostics import Severity

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
