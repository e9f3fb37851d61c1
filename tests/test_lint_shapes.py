"""What the rules on waits, windows, causes, burn rates and matchers must find, and what they must not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.linting import ERROR_RATE, codes, lint, rule_file

from tocsin.diagnostics import Severity

LATENCY = 'sum by (le) (rate(http_request_duration_seconds_bucket{job="checkout"}[10m]))'


def share(window: str) -> str:
    return ERROR_RATE.replace("5m", window)


def burning(long: str, short: str, threshold: str = "14.4 * 0.001") -> str:
    return f"{share(long)} > {threshold} and {share(short)} > {threshold}"


FIRES = [
    ("instant-unsmoothed", "queue_length > 100", "0m", "ticket"),
    ("instant-unsmoothed", "up == 0", "0m", "page"),
    ("instant-unsmoothed", "up == 0", "1m", "page"),
    ("instant-unsmoothed", "sum(queue_length) / sum(queue_capacity) > 0.9", "0m", "ticket"),
    ("instant-unsmoothed", "absent(up) or queue_length > 5", "0m", "ticket"),
    ("instant-unsmoothed", "queue_length > 5 and on (job) up == 1", "0m", "ticket"),
    ("static-cpu", "instance:cpu_usage:ratio > 0.9", "15m", "page"),
    ("static-cpu", "node_load1 / count by (instance) (machine_cpu_cores) > 2", "15m", "critical"),
    ("static-cpu", 'rate(node_cpu_seconds_total{mode="iowait"}[5m]) > 0.2', "15m", "page"),
    ("cause-based-page", "process_resident_memory_bytes / process_memory_limit_bytes > 0.9", "15m", "page"),
    ("cause-based-page", "rate(go_gc_duration_seconds_sum[10m]) > 0.2", "15m", "page"),
    ("cause-based-page", "pg_stat_activity_connections > 90 and node_load5 > 10", "15m", "page"),
    ("cause-based-page", "increase(kube_pod_container_status_restarts_total[1h]) > 5", "15m", "page"),
    ("small-sample-quantile", f"histogram_quantile(0.99, {LATENCY}) > 2", "5m", "ticket"),
    ("small-sample-quantile", f"histogram_quantile(0.999, {LATENCY}) * 1000 > 2", "9m", "ticket"),
    ("burn-window-shape", f"{share('1h')} > 14.4 * 0.001", "1h", "page"),
    ("burn-window-shape", f"{share('1h')} > (1 - 0.999) * 14.4", "1h", "page"),
    ("burn-window-shape", burning("1h", "30m"), "0m", "page"),
    ("burn-window-shape", burning("3d", "5m"), "0m", "page"),
    ("burn-window-shape", burning("1h", "5m"), "10m", "page"),
    ("burn-window-shape", burning("1h", "5m", "14.4 * 0.1"), "0m", "page"),
    ("burn-window-shape", "slo:sli_error:ratio_rate1h > (14.4 * 0.001)", "2m", "page"),
    ("burn-window-shape", "slo:error_ratio:1d > 0.003 and slo:error_ratio:5m > 0.003", "0m", "page"),
    ("topk-in-alert", "topk(3, queue_length) > 100", "5m", "ticket"),
    ("topk-in-alert", "topk by (job) (2, queue_length > 100)", "5m", "ticket"),
    ("topk-in-alert", "100 < 2 * bottomk(1, queue_length)", "5m", "ticket"),
    ("topk-in-alert", "queue_length > 5 or topk(1, pool_length) > 5", "5m", "ticket"),
    ("needless-regex", 'queue_length{job=~"checkout"} > 5', "5m", "ticket"),
    ("needless-regex", 'queue_length{job=~"^checkout.*$"} > 5', "5m", "ticket"),
    ("needless-regex", 'queue_length{job!~""} > 5', "5m", "ticket"),
    ("needless-regex", 'queue_length{job=~".*"} > 5', "5m", "ticket"),
    ("needless-regex", 'queue_length{job=~".+"} > 5', "5m", "ticket"),
    ("needless-regex", 'queue_length{host=~"db\\\\.example"} > 5', "5m", "ticket"),
    ("pattern-as-text", 'queue_length{job="checkout|payments"} > 5', "5m", "ticket"),
    ("pattern-as-text", 'queue_length{code="5.."} > 5', "5m", "ticket"),
    ("pattern-as-text", 'queue_length{path!="/api/.*"} > 5', "5m", "ticket"),
    ("pattern-as-text", 'queue_length{job="^checkout"} > 5', "5m", "ticket"),
    ("for-between-evaluations", "queue_length > 5", "90s", "ticket"),
    ("short-range", "max_over_time(rate(x_total[5m])[2m:5m]) > 5", "5m", "ticket"),
    ("short-range", "deriv(queue_length[1m:]) > 5", "5m", "ticket"),
]

PASSES = [
    ("instant-unsmoothed", "queue_length > 100", "1m", "ticket"),
    ("instant-unsmoothed", "queue_length > 100", "2m", "page"),
    ("instant-unsmoothed", "absent(up)", "0m", "page"),
    ("instant-unsmoothed", "cert_not_after - time() < 86400", "0m", "page"),
    ("instant-unsmoothed", "certificate_ttl_seconds < 86400", "0m", "page"),
    ("instant-unsmoothed", "days_until_expiry < 7", "0m", "page"),
    ("instant-unsmoothed", "avg_over_time(queue_length[10m]) > 5", "0m", "page"),
    ("instant-unsmoothed", "job:errors:ratio_rate5m > 0.1", "0m", "page"),
    ("instant-unsmoothed", 'ALERTS{alertname="X"} == 1', "0m", "ticket"),
    ("static-cpu", "instance:cpu_usage:ratio > 0.9", "15m", "ticket"),
    ("static-cpu", "predict_linear(instance:cpu_usage:ratio[1h], 14400) > 0.9", "15m", "page"),
    ("static-cpu", "instance:cpu_usage:ratio > 0.9 and http_request_seconds > 1", "15m", "page"),
    ("static-cpu", "browser_page_load_seconds > 5", "15m", "page"),
    ("static-cpu", "node_uploads > 5 and node_download_speed > 5", "15m", "page"),
    ("cause-based-page", "process_resident_memory_bytes > 1e9", "15m", "ticket"),
    ("cause-based-page", "rabbitmq_queue_consumers == 0", "15m", "page"),
    ("cause-based-page", "rate(connection_errors_total[5m]) > 5", "15m", "page"),
    ("cause-based-page", "1 - node_filesystem_avail_bytes / node_filesystem_size_bytes > 0.9", "15m", "page"),
    ("cause-based-page", "queue_wait_seconds > 30", "15m", "page"),
    ("cause-based-page", "membership_size < 3", "15m", "page"),
    ("cause-based-page", "go_memstats_heap_bytes > 1e9 and checkout_orders < 3", "15m", "page"),
    ("small-sample-quantile", f"histogram_quantile(0.99, {LATENCY}) > 2", "10m", "page"),
    ("small-sample-quantile", f"histogram_quantile(0.5, {LATENCY}) > 2", "5m", "page"),
    (
        "small-sample-quantile",
        f"histogram_quantile(0.99, {LATENCY}) > 2 and sum(increase(http_requests_total[10m])) > 1000",
        "5m",
        "page",
    ),
    ("burn-window-shape", burning("1h", "5m"), "0m", "page"),
    ("burn-window-shape", burning("6h", "30m", "6 * 0.001"), "15m", "page"),
    ("burn-window-shape", f"{burning('1h', '5m')} or {burning('6h', '30m', '6 * 0.001')}", "0m", "page"),
    ("burn-window-shape", f"{share('5m')} > 0.01", "5m", "page"),
    ("burn-window-shape", "rate(sent_bytes[5m]) * 8 > 1e9 * 0.9", "5m", "page"),
    ("burn-window-shape", f"{share('1h')} > 0.01 and {share('5m')} > 0.02", "5m", "page"),
    ("topk-in-alert", "queue_length > 100 and on (job) topk(3, pool_length)", "5m", "ticket"),
    ("topk-in-alert", "topk by (pod) (1, queue_length) > 100", "5m", "ticket"),
    ("topk-in-alert", "a * on (pod) group_left (node) topk(1, pod_info) > 100", "5m", "ticket"),
    ("topk-in-alert", "sum(topk(3, queue_length)) > 100", "5m", "ticket"),
    ("needless-regex", 'queue_length{job=~"checkout.*"} > 5', "5m", "ticket"),
    ("needless-regex", 'queue_length{job=~"a|b", code!~"5..", x=~"(?i)y"} > 5', "5m", "ticket"),
    ("needless-regex", 'queue_length{job="checkout"} > 5', "5m", "ticket"),
    ("pattern-as-text", 'queue_length{job="a-b.c:80", path="/api/v1?x=[y]", user="$me"} > 5', "5m", "ticket"),
    ("pattern-as-text", 'queue_length{job=~"a|b"} > 5', "5m", "ticket"),
    ("pattern-as-text", 'queue_length{device="/dev/sda1", version="1.2.3", le="+Inf"} > 5', "5m", "ticket"),
    ("for-between-evaluations", "queue_length > 5", "10m", "ticket"),
    ("for-between-evaluations", "queue_length > 5", "0m", "ticket"),
    ("short-range", "max_over_time(rate(x_total[5m])[10m:1m]) > 5", "5m", "ticket"),
    ("short-range", "max_over_time(job:queue_length:max[3m]) > 5", "5m", "ticket"),
]


@pytest.mark.parametrize(("name", "expr", "for_", "severity"), FIRES)
def test_the_rule_fires(tmp_path: Path, name: str, expr: str, for_: str, severity: str) -> None:
    problems = [one for one in lint(tmp_path, rule_file(expr, for_, severity)) if one.code == f"noise/{name}"]
    assert problems
    assert all(problem.span.text.strip() for problem in problems)


@pytest.mark.parametrize(("name", "expr", "for_", "severity"), PASSES)
def test_the_rule_does_not_fire(tmp_path: Path, name: str, expr: str, for_: str, severity: str) -> None:
    assert f"noise/{name}" not in codes(lint(tmp_path, rule_file(expr, for_, severity)))


@pytest.mark.parametrize(
    ("expr", "severity", "found"),
    [
        ("queue_length > 100", "page", Severity.ERROR),
        ("queue_length > 100", "ticket", Severity.WARNING),
        ("database_up == 0", "page", Severity.ERROR),
        ("raid_disks_failed > 0", "page", Severity.WARNING),
        ("replica_state == 3", "critical", Severity.WARNING),
    ],
)
def test_one_sample_of_a_level_must_not_wake_anybody(tmp_path: Path, expr: str, severity: str, found: Severity) -> None:
    problems = lint(tmp_path, rule_file(expr, "0m", severity))
    assert [p.severity for p in problems if p.code == "noise/instant-unsmoothed"] == [found]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"severity": "criticl"}, ["noise/missing-metadata"]),
        ({"severity": "urgent"}, []),
        ({"severity": "{{ $labels.tier }}"}, []),
        ({"runbook_url": "https://wiki.example.com/"}, ["noise/missing-metadata"]),
        ({"runbook_url": "see the wiki"}, ["noise/missing-metadata"]),
        ({"runbook_url": "http://[::1"}, ["noise/missing-metadata"]),
        ({"runbook_url": "https://wiki.example.com/?page=7"}, []),
        ({"runbook_url": "https://wiki.example.com/{{ $labels.job }}"}, []),
        ({"summary": ""}, ["noise/missing-metadata"]),
        ({"summary": "", "message": "More than 1% of requests fail"}, []),
        ({"summary": "The latency is too high"}, ["noise/vague-text"]),
        ({"summary": "The latency is too high", "description": "It is {{ $value }}."}, []),
        ({"summary": "Pods die"}, ["noise/vague-text"]),
        ({"description": "This might be due to a deploy."}, []),
    ],
)
def test_what_labels_and_annotations_must_say(tmp_path: Path, change: dict[str, str], found: list[str]) -> None:
    document = json.loads(rule_file("max by (job, tier) (queue_length) > 5", "5m", "ticket"))
    rule = document["groups"][0]["rules"][0]
    for key, text in change.items():
        rule["labels" if key == "severity" else "annotations"][key] = text
    assert codes(lint(tmp_path, json.dumps(document))) == found


def test_a_group_says_how_often_it_is_evaluated(tmp_path: Path) -> None:
    def problems(interval: str, for_: str) -> list[tuple[str, str]]:
        document = json.loads(rule_file("queue_length > 5", for_, "ticket"))
        document["groups"][0]["interval"] = interval
        return [(one.help.partition(";")[0], str(one.severity)) for one in lint(tmp_path, json.dumps(document))]

    assert problems("5m", "2m") == [("write `for: 5m`", "warning")]
    assert problems("2m", "5m") == [("write `for: 6m`", "info")]
    assert problems("30s", "90s") == []


FILE = """\
groups:
- name: g
  interval: 1m
  rules:
  - alert: A
    labels: {severity: ticket}
    annotations: {summary: Too much of it all}
"""


@pytest.mark.parametrize(
    ("line", "found", "fixed"),
    [
        ("expr: 'x{a=~\"b\"} > 5'", "noise/needless-regex", "expr: 'x{a=\"b\"} > 5'"),
        ("expr: 'x{a=~\"^b.*$\"} > 5'", "noise/needless-regex", "expr: 'x{a=~\"b.*\"} > 5'"),
        ("expr: 'x{a!~\".+\"} > 5'", "noise/needless-regex", "expr: 'x{a=\"\"} > 5'"),
        ('expr: "x{a=~\\"b\\"} > 5"', "noise/needless-regex", None),
        ("expr: 'x{a=~\"b\\\\$\"} > 5'", "noise/needless-regex", "expr: 'x{a=\"b$\"} > 5'"),
        ("keep_firing_for: 0s", "noise/needless-for", ""),
        ("keep_firing_for: '0m' # why", "noise/needless-for", None),
        ("for: 90s", "noise/for-between-evaluations", "for: 2m"),
        ('for: "90s"', "noise/for-between-evaluations", 'for: "2m"'),
    ],
)
def test_what_has_one_safe_answer_is_given_as_an_edit(tmp_path: Path, line: str, found: str, fixed: str | None) -> None:
    written = {"expr": "expr: x > 5", "for": "for: 10m"} | {line.partition(":")[0]: line}
    text = FILE + "".join(f"    {one}\n" for one in written.values())
    (problem,) = [one for one in lint(tmp_path, text) if one.code == found]
    if fixed is None:
        assert problem.fix is None
        return
    assert problem.fix is not None
    span = problem.fix.span
    repaired = text[: span.start] + problem.fix.replacement + text[span.end :]
    assert repaired == (text.replace(line, fixed) if fixed else text.replace(f"    {line}\n", ""))


PAIR = "slo:error_ratio:1h > 0.0144 and slo:error_ratio:5m > 0.0144"


@pytest.mark.parametrize(
    ("expr", "severity", "labels", "found"),
    [
        (f"{ERROR_RATE} > 0.01", "page", {}, True),
        (f"{ERROR_RATE} > 0.01", "ticket", {}, False),
        (f"{ERROR_RATE} > 0.01", "page", {"slo": "availability"}, False),
        (burning("1h", "5m"), "page", {}, False),
        (PAIR, "page", {}, False),
        (f"({PAIR}) or {PAIR.replace('5m', '30m').replace('1h', '6h')}", "page", {}, False),
        (f"({PAIR}) or {ERROR_RATE} > 0.01", "page", {}, True),
        ("absent(up)", "page", {}, False),
    ],
)
def test_a_team_may_want_pages_for_objectives_alone(
    tmp_path: Path, expr: str, severity: str, labels: dict[str, str], found: bool
) -> None:
    document = json.loads(rule_file(expr, "5m", severity))
    document["groups"][0]["rules"][0]["labels"] |= labels
    problems = lint(tmp_path, json.dumps(document), "lint: {rules: {noise/page-outside-slo: error}}")
    assert ("noise/page-outside-slo" in codes(problems)) == found
