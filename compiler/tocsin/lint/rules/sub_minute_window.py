"""A value measured over less than a minute: a spike that is over before anyone can act looks like an outage.

Nobody reads a notification, opens a laptop and helps within a minute. A rate over a shorter window also rests on a
scrape or two, so one lost scrape changes the answer. Measure over five minutes, or use an objective.

Source: Prometheus documentation, "Alerting" (practices): allow for slack, and alert on symptoms.

Bad::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      traffic: {rate: 'http_requests_total{job="checkout"}'}
    alerts:
      - name: CheckoutTrafficGone
        indicator: traffic
        below: 10/s
        over: 30s
        for: 5m
        severity: page
        summary: Almost nobody reaches checkout
        action: Fail over to the standby region.
        no_data: ignore

Good::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      traffic: {rate: 'http_requests_total{job="checkout"}'}
    alerts:
      - name: CheckoutTrafficGone
        indicator: traffic
        below: 10/s
        over: 5m
        for: 5m
        severity: page
        summary: Almost nobody reaches checkout
        action: Fail over to the standby region.
        no_data: ignore
"""

from collections.abc import Iterator

from tocsin.duration import format_duration
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.conditions import windows

MINUTE = 60_000


@lint_rule()
def check(subject: Subject) -> Iterator[Finding]:
    shortest = min(windows(subject.rule.expr), key=lambda node: node.range, default=None)
    if shortest is not None and shortest.range < MINUTE:
        message = f"a window of {format_duration(shortest.range)} judges a spike that is over before anyone can act"
        span = subject.place("over", "expr") if subject.planned else subject.span(shortest)
        numbers = {"window": shortest.range / 1000}
        yield Finding(message, span, "shorter than one minute", "measure over `5m`", numbers=numbers)
