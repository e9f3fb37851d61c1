"""A `for` that ends between two evaluations: the alert is held longer than it says.

Rules are evaluated at fixed times, and an alert fires at the first evaluation at which it has been pending for long
enough. A `for` shorter than the interval is one whole interval; `for: 5m` in a group that is evaluated every two
minutes is six. Write a multiple of the interval, so that the file says what happens.

Source: Prometheus documentation, "Alerting rules" (`for`), "Recording rules" (`interval`); rules/alerting.go, `Eval`.

Bad::

    groups:
      - name: checkout
        interval: 5m
        rules:
          - alert: CheckoutErrors
            expr: |
              sum(rate(http_requests_total{job="checkout", code=~"5.."}[10m]))
                / sum(rate(http_requests_total{job="checkout"}[10m])) > 0.01
            for: 12m
            labels: {severity: critical}
            annotations:
              summary: More than 1% of checkout requests fail
              description: 'The share is {{ $value | humanizePercentage }}.'
              runbook_url: https://runbooks.example.com/checkout

Good::

    groups:
      - name: checkout
        interval: 5m
        rules:
          - alert: CheckoutErrors
            expr: |
              sum(rate(http_requests_total{job="checkout", code=~"5.."}[10m]))
                / sum(rate(http_requests_total{job="checkout"}[10m])) > 0.01
            for: 10m
            labels: {severity: critical}
            annotations:
              summary: More than 1% of checkout requests fail
              description: 'The share is {{ $value | humanizePercentage }}.'
              runbook_url: https://runbooks.example.com/checkout
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.duration import format_duration
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.fixes import rewritten

MINUTE = 60_000


@lint_rule(Severity.WARNING)
def check(subject: Subject) -> Iterator[Finding]:
    for_, interval = subject.rule.for_, subject.interval
    # A `for` under a minute is reported as that, once.
    if for_ < MINUTE or for_ % interval == 0:
        return
    held = -(-for_ // interval) * interval
    written, acts, every = format_duration(for_), format_duration(held), format_duration(interval)
    message = f"`for: {written}` acts as {acts}: the group is evaluated every {every}"
    severity = Severity.WARNING if for_ < interval else Severity.INFO
    span, help = subject.place("for"), f"write `for: {acts}`"
    numbers = {"for": for_ / 1000, "interval": interval / 1000}
    # What a group that names no interval does is up to the server.
    fix = rewritten(span, acts) if subject.group.interval else None
    yield Finding(message, span, f"no multiple of {every}", help, severity, fix, numbers)
