"""A high quantile of few requests: of twenty, the slowest is the 99th percentile.

The condition has no lower bound on the traffic, and `for` is shorter than the window, so that one slow request in a
quiet window holds the alert until it fires. Hold it for as long as the window, or ask for a number of requests:
ten times as many as it takes for one to count as the quantile.

Source: Google, "The Site Reliability Workbook", chapter 5, "Low-traffic services and error budget alerting".

Bad::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      p99:
        latency: {histogram: 'http_request_duration_seconds{job="checkout"}', quantile: 99%}
    alerts:
      - name: CheckoutSlow
        indicator: p99
        above: 2s
        over: 30m
        for: 5m
        severity: page
        summary: One checkout request in a hundred takes over two seconds
        action: Scale the checkout pool to twice its size.

Good::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      p99:
        latency: {histogram: 'http_request_duration_seconds{job="checkout"}', quantile: 99%}
    alerts:
      - name: CheckoutSlow
        indicator: p99
        above: 2s
        over: 30m
        for: 5m
        min_events: 1000
        severity: page
        summary: One checkout request in a hundred takes over two seconds
        action: Scale the checkout pool to twice its size.
"""

from collections.abc import Iterator
from math import ceil

from tocsin.diagnostics import Severity
from tocsin.duration import format_duration
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.conditions import branches, counts_events, smoothing
from tocsin.lint.memo import walked
from tocsin.promql.ast import Call, Expr, Number, unwrap
from tocsin.promql.compare import Comparison, comparisons

TAIL = 0.9
"""Below this quantile, one request in ten does not decide."""

ENOUGH = 10


@lint_rule(Severity.WARNING)
def check(subject: Subject) -> Iterator[Finding]:
    for compared in map(comparisons, branches(subject.rule.expr)):
        for found in compared:
            quantile = _quantile(found.value)
            window = smoothing(found.value)
            if quantile and found.op in (">", ">=") and subject.rule.for_ < window and not _guarded(found, compared):
                yield _finding(found, quantile, window, subject)


def _quantile(value: Expr) -> float | None:
    for node in walked(value):
        if isinstance(node, Call) and node.function == "histogram_quantile":
            wanted = unwrap(node.args[0])
            if isinstance(wanted, Number) and TAIL <= wanted.value < 1:
                return wanted.value
    return None


def _guarded(found: Comparison, compared: list[Comparison]) -> bool:
    """Whether another condition asks for some traffic."""
    return any(
        other is not found and other.op in (">", ">=") and counts_events(other.value) and not _quantile(other.value)
        for other in compared
    )


def _finding(found: Comparison, quantile: float, window: int, subject: Subject) -> Finding:
    few, length = round(1 / (1 - quantile)), format_duration(window)
    held = format_duration(subject.rule.for_) if subject.rule.for_ else "no time at all"
    message = f"one slow request among fewer than {few} is the quantile for {length}; the alert asks for {held}"
    enough = ceil(ENOUGH * few)
    guard = f"`min_events: {enough}`" if subject.planned else f"`and` a condition of {enough} requests in {length}"
    span = subject.place("expr") if subject.planned else subject.span(found.node)
    return Finding(message, span, "no lower bound on the traffic", f"write `for: {length}`, or {guard}")
