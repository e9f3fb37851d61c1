"""A window of fewer scrapes than it needs: one lost scrape, and the value is gone or wrong.

A rate needs two samples. A window shorter than two scrape intervals often holds one, and then has no value at all;
below four, a single lost scrape empties it. What is recorded is written at every evaluation, and a subquery takes its
samples itself, one each step: of these, none is lost.

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

from tocsin.diagnostics import Severity, Span
from tocsin.duration import format_duration
from tocsin.lint.api import AnyRule, Finding, Subject, lint_rule
from tocsin.lint.memo import walked
from tocsin.promql.ast import Call, Expr, MatrixSelector, Subquery

MINUTE = 60_000


@lint_rule()
def check(subject: AnyRule) -> Iterator[Finding]:
    reported: set[tuple[int, int]] = set()
    for node, needed in _reads(subject.rule.expr):
        if isinstance(node, Subquery):
            step = node.step or subject.settings.evaluation_interval
            if MINUTE <= node.range < needed * step:
                yield _too_few_steps(node, step, needed, subject)
            continue
        recorded = ":" in (node.selector.name or "")
        scrape = subject.settings.evaluation_interval if recorded else subject.scrape_interval(node.selector)
        # What a recording rule takes of one scrape is what it is for: a maximum, the last.
        enough = needed if recorded or (needed == 1 and not isinstance(subject, Subject)) else 4
        # A window under a minute is reported as that, once.
        if MINUTE <= node.range < enough * scrape and (node.range, scrape) not in reported:
            reported.add((node.range, scrape))
            yield _finding(node, scrape, needed, subject)


def _reads(expr: Expr) -> Iterator[tuple[MatrixSelector | Subquery, int]]:
    """Every range, and the samples that its function needs: `max_over_time` has a value from one, a rate has not."""
    for call in walked(expr):
        if isinstance(call, Call):
            needed = 1 if call.function.endswith("_over_time") else 2
            yield from ((node, needed) for node in call.args if isinstance(node, MatrixSelector | Subquery))


def _planned(subject: AnyRule) -> bool:
    return isinstance(subject, Subject) and subject.planned is not None


def _place(node: Expr, subject: AnyRule) -> Span:
    return subject.place("over", "expr") if _planned(subject) else subject.span(node)


def _finding(node: MatrixSelector, scrape: int, needed: int, subject: AnyRule) -> Finding:
    """An error where the window is surely too short; a rule file does not say how often its series are scraped."""
    window, every = format_duration(node.range), format_duration(scrape)
    help = f"measure over `{format_duration(4 * scrape)}` or more"
    span = _place(node, subject)
    numbers = {"window": node.range / 1000, "scrape_interval": scrape / 1000}
    if node.range < needed * scrape:
        scrapes = "two scrapes" if needed == 2 else "one scrape"
        message = f"a window of {window} holds fewer than {scrapes}, one every {every}"
        severity = Severity.ERROR if _planned(subject) else Severity.WARNING
        return Finding(message, span, "often no value at all", help, severity, numbers=numbers)
    message = f"a window of {window} holds fewer than four scrapes, one every {every}"
    return Finding(message, span, "one lost scrape empties it", help, Severity.WARNING, numbers=numbers)


def _too_few_steps(node: Subquery, step: int, needed: int, subject: AnyRule) -> Finding:
    window, every = format_duration(node.range), format_duration(step)
    steps = "two steps" if needed == 2 else "one step"
    message = f"a subquery over {window} holds fewer than {steps}, one every {every}"
    help = f"take a step of `{format_duration(max(1000, node.range // 5))}`, or a longer range"
    return Finding(message, _place(node, subject), "often no value at all", help, Severity.WARNING)
