"""A window of fewer scrapes than it needs: one lost scrape, and the value is gone or wrong.

A rate needs two samples. A window shorter than two scrape intervals often holds one, and then has no value at all;
below four, a single lost scrape empties it.

A rule file does not say how often its series are scraped, so there it is only a warning.

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
from tocsin.promql.ast import Call, Expr, MatrixSelector, walk

MINUTE = 60_000


@lint_rule()
def check(subject: Subject) -> Iterator[Finding]:
    reported: set[tuple[int, int]] = set()
    for node, needed in _reads(subject.rule.expr):
        scrape = subject.scrape_interval(node.selector)
        # A window under a minute is reported as that, once.
        if MINUTE <= node.range < 4 * scrape and (node.range, scrape) not in reported:
            reported.add((node.range, scrape))
            yield _finding(node, scrape, needed, subject)


def _reads(expr: Expr) -> Iterator[tuple[MatrixSelector, int]]:
    """Every range, and the samples that its function needs: `max_over_time` has a value from one, a rate has not."""
    for call in walk(expr):
        if isinstance(call, Call):
            needed = 1 if call.function.endswith("_over_time") else 2
            yield from ((node, needed) for node in call.args if isinstance(node, MatrixSelector))


def _finding(node: MatrixSelector, scrape: int, needed: int, subject: Subject) -> Finding:
    """An error where the window is surely too short; a rule file does not say how often its series are scraped."""
    window, every = format_duration(node.range), format_duration(scrape)
    help = f"measure over `{format_duration(4 * scrape)}` or more"
    span = subject.place("over", "expr") if subject.planned else subject.span(node)
    if node.range < needed * scrape:
        scrapes = "two scrapes" if needed == 2 else "one scrape"
        message = f"a window of {window} holds fewer than {scrapes}, one every {every}"
        severity = Severity.ERROR if subject.planned else Severity.WARNING
        return Finding(message, span, "often no value at all", help, severity)
    message = f"a window of {window} holds fewer than four scrapes, one every {every}"
    return Finding(message, span, "one lost scrape empties it", help, Severity.WARNING)
