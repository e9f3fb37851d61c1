"""Alerts to lint, and what is said of them."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from tocsin.diagnostics import Problem, Problems, Severity
from tocsin.pipeline.compile import check

TODAY = date(2026, 7, 1)


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


def errors(problems: list[Problem]) -> list[str]:
    return codes([problem for problem in problems if problem.severity is Severity.ERROR])


def exit_code(problems: list[Problem]) -> int:
    return Problems(problems).exit_code


def rule_file(
    expr: str, for_: str = "5m", severity: str = "page", summary: str = "More than 1% of requests fail"
) -> str:
    """A hand-written rule file of one alert that says everything that an alert should."""
    rule = {
        "alert": "CheckoutBroken",
        "expr": expr,
        **({"for": for_} if for_.strip("0msh") else {}),
        "labels": {"severity": severity},
        "annotations": {"summary": summary, "runbook_url": "https://runbooks.example.com/checkout"},
    }
    return json.dumps({"groups": [{"name": "checkout", "rules": [rule]}]})


def found(folder: Path, code: str, text: str, settings: str = "{}") -> list[Problem]:
    return [problem for problem in lint(folder, text, settings) if problem.code == f"noise/{code}"]


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
CPU_SPEC = "{gauge: {value: 'instance:cpu_usage:ratio{job=\"web\"}', unit: ratio}}"
