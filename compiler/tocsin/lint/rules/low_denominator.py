"""A share of very few events: at night, one failure in three requests is an error rate of 33%.

The ratio has no lower bound on its traffic, and `for` is shorter than the window, so one bad event in a quiet window
holds the alert until it fires. Hold it for as long as the window, or give `min_events`.

Source: Google, "The Site Reliability Workbook", chapter 5, "Low-traffic services and error budget alerting".

Bad::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      errors:
        ratio:
          bad: http_requests_total{job="checkout", code=~"5.."}
          total: http_requests_total{job="checkout"}
    alerts:
      - name: CheckoutErrors
        indicator: errors
        above: 1%
        over: 30m
        for: 5m
        severity: page
        summary: More than 1% of checkout requests fail
        action: Roll back the last deploy.

Good::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      errors:
        ratio:
          bad: http_requests_total{job="checkout", code=~"5.."}
          total: http_requests_total{job="checkout"}
    alerts:
      - name: CheckoutErrors
        indicator: errors
        above: 1%
        over: 30m
        for: 5m
        min_events: 500
        severity: page
        summary: More than 1% of checkout requests fail
        action: Roll back the last deploy.
"""

from collections.abc import Iterator
from math import ceil

from tocsin.diagnostics import Severity
from tocsin.duration import format_duration
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.conditions import branches, counts_events, smoothing
from tocsin.lint.memo import walked
from tocsin.promql.ast import COMPARISONS, Binary, Expr, unwrap
from tocsin.promql.compare import Comparison, comparison, comparisons


@lint_rule(Severity.WARNING)
def check(subject: Subject) -> Iterator[Finding]:
    for compared in map(comparisons, branches(subject.rule.expr)):
        for found in compared:
            ratio = _ratio(found.value)
            if ratio and found.op in (">", ">=") and found.threshold > 0 and not _guarded(found, ratio, compared):
                window = smoothing(ratio)
                if subject.rule.for_ < window:
                    yield _finding(found, window, subject)


def _ratio(value: Expr) -> Binary | None:
    """The quotient of two counts of events inside a value."""
    quotients = (node for node in walked(value) if isinstance(node, Binary) and node.op == "/")
    return next((node for node in quotients if counts_events(node.lhs) and counts_events(node.rhs)), None)


def _guarded(found: Comparison, ratio: Binary, compared: list[Comparison]) -> bool:
    """Whether another condition, or a filter inside the quotient, asks for more than no events at all."""
    beside = any(other is not found and other.op in (">", ">=") and counts_events(other.value) for other in compared)
    inside = (comparison(node) for node in walked(ratio) if isinstance(node, Binary) and node.op in COMPARISONS)
    return beside or any(other and other.op in (">", ">=") and other.threshold > 0 for other in inside)


def _finding(found: Comparison, window: int, subject: Subject) -> Finding:
    few = ceil(1 / found.threshold) if 0 < found.threshold <= 1 else 1
    held = format_duration(subject.rule.for_) if subject.rule.for_ else "no time at all"
    message = (
        f"one bad event among fewer than {few} stays in the window for {format_duration(window)}; "
        f"the alert asks for {held}"
    )
    help = f"write `for: {format_duration(window)}`, or `min_events: {5 * few}`"
    span = subject.place("expr") if subject.planned else subject.span(unwrap(found.value))
    numbers = {"threshold": found.threshold, "window": window / 1000, "for": subject.rule.for_ / 1000}
    return Finding(message, span, "no lower bound on the traffic", help, numbers=numbers)
