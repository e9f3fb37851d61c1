"""A page for a busy processor: users do not notice a processor that is busy, and somebody wakes up for a batch job.

A high load is what servers are bought for. Page when users wait or get errors; make a ticket of a load that grows
towards what there is (`predict_linear`, `fills_in`).

Source: R. Ewaschuk, "My Philosophy on Alerting" (cause-based alerts); Google, "Site Reliability Engineering",
chapter 6, "Symptoms Versus Causes".

Bad::

    groups:
      - name: nodes
        rules:
          - alert: NodeBusy
            expr: 1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])) > 0.9
            for: 15m
            labels: {severity: critical}
            annotations:
              summary: The processors of a node are 90% busy
              description: '{{ $labels.instance }} is {{ $value | humanizePercentage }} busy.'
              runbook_url: https://runbooks.example.com/nodes#busy

Good::

    groups:
      - name: nodes
        rules:
          - alert: NodeBusy
            expr: 1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])) > 0.9
            for: 15m
            labels: {severity: warning}
            annotations:
              summary: The processors of a node are 90% busy
              description: '{{ $labels.instance }} is {{ $value | humanizePercentage }} busy.'
              runbook_url: https://runbooks.example.com/nodes#busy
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.causes import PROCESSOR, causes
from tocsin.lint.conditions import branches
from tocsin.promql.compare import comparisons


@lint_rule(Severity.WARNING)
def check(subject: Subject) -> Iterator[Finding]:
    found = causes(subject.rule.expr)
    limits = [limit for way in branches(subject.rule.expr) for limit in comparisons(way)]
    if subject.wakes and limits and set(found) == {PROCESSOR}:
        message = f"this page is for a busy processor (`{found[PROCESSOR]}`), which users may never notice"
        span = subject.place("expr") if subject.planned else subject.span(limits[0].node)
        help = "page for errors and for latency; make this a ticket"
        yield Finding(message, span, f"{limits[0].op} {limits[0].threshold:g}, whatever it does", help)
