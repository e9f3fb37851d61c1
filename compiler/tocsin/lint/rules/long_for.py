"""A page that waits for more than an hour: whoever is woken learns of it when the damage is done.

A condition that may hold for an hour before anybody is told does not need a person at night; and one missed scrape, or
one better minute, starts the hour anew. Page early on what is bad, with a burn rate, or make it a ticket.

Source: Google, "The Site Reliability Workbook", chapter 5 ("we do not recommend using durations").

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopErrorsHigh
            expr: shop:errors:ratio_rate1h{job="shop"} > 0.05
            for: 2h
            labels: {severity: page}
            annotations:
              summary: More than 5% of requests to the shop fail
              description: '{{ $labels.job }}: {{ $value | humanizePercentage }}.'
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopErrorsHigh
            expr: shop:errors:ratio_rate1h{job="shop"} > 0.05
            for: 15m
            labels: {severity: page}
            annotations:
              summary: More than 5% of requests to the shop fail
              description: '{{ $labels.job }}: {{ $value | humanizePercentage }}.'
              runbook_url: https://runbooks.example.com/shop
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.duration import format_duration
from tocsin.lint.api import Finding, Subject, lint_rule

HOUR = 3_600_000


@lint_rule(Severity.WARNING)
def check(subject: Subject) -> Iterator[Finding]:
    if subject.wakes and subject.rule.for_ > HOUR:
        held = format_duration(subject.rule.for_)
        message = f"this wakes somebody {held} after it began, and any better minute starts the {held} anew"
        yield Finding(message, subject.place("for"), "longer than an hour", "write `for: 15m`, or make it a ticket")
