"""A window of fewer scrapes than it needs: one lost scrape, and the value is gone or wrong.

A rate needs two samples. A window shorter than two scrape intervals often holds one, and then has no value at all;
below four, a single lost scrape empties it.

Source: Prometheus documentation, `rate()`; Grafana's `$__rate_interval` (at least four scrapes).

Bad::

    service: batch
    owner: data
    runbook: https://runbooks.example.com/batch
    indicators:
      jobs: {rate: 'jobs_finished_total{job="batch"}'}
    alerts:
      - name: BatchStalled
        indicator: jobs
        below: 1/s
        over: 90s
        for: 15m
        severity: ticket
        summary: Fewer than one batch job a second is finished
        action: Restart the scheduler.

Good::

    service: batch
    owner: data
    runbook: https://runbooks.example.com/batch
    indicators:
      jobs: {rate: 'jobs_finished_total{job="batch"}'}
    alerts:
      - name: BatchStalled
        indicator: jobs
        below: 1/s
        over: 5m
        for: 15m
        severity: ticket
        summary: Fewer than one batch job a second is finished
        action: Restart the scheduler.
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.duration import format_duration
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.conditions import windows
from tocsin.promql.ast import MatrixSelector


@lint_rule()
def check(subject: Subject) -> Iterator[Finding]:
    reported: set[tuple[int, int]] = set()
    for node in windows(subject.rule.expr):
        if not isinstance(node, MatrixSelector):
            continue
        scrape = subject.scrape_interval(node.selector)
        if node.range < 4 * scrape and (node.range, scrape) not in reported:
            reported.add((node.range, scrape))
            yield _finding(node, scrape, subject)


def _finding(node: MatrixSelector, scrape: int, subject: Subject) -> Finding:
    window, every = format_duration(node.range), format_duration(scrape)
    help = f"measure over `{format_duration(4 * scrape)}` or more"
    span = subject.place("over", "expr") if subject.planned else subject.span(node)
    if node.range < 2 * scrape:
        message = f"a window of {window} holds fewer than two scrapes, one every {every}"
        return Finding(message, span, "often no value at all", help)
    message = f"a window of {window} holds fewer than four scrapes, one every {every}"
    return Finding(message, span, "one lost scrape empties it", help, Severity.WARNING)
