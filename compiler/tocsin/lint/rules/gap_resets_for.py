"""A long `for` on a value of one instant: one missing sample, and the wait starts anew.

A pending alert is forgotten at the first evaluation at which its expression has no result. Where a target misses
its scrapes for longer than Prometheus looks back (five minutes), or restarts, an alert that asks for half an hour
is half an hour late. The greatest, the least or the average value of a window bridges the gap.

Missed scrapes are rare where targets are well, and `for` is what people know, so this rule is off unless the
settings give it a level.

Source: Prometheus, rules/alerting.go, `Eval`; robustperception.io, "Alerting on gauges in Prometheus 2.0".

Bad::

    service: web
    owner: platform
    runbook: https://runbooks.example.com/web
    indicators:
      queue: {gauge: {value: 'web_queue_seconds{job="web"}', unit: seconds}}
    alerts:
      - name: WebQueueLong
        indicator: queue
        above: 30s
        for: 1h
        severity: ticket
        summary: Visitors wait for over half a minute
        action: Add two instances to the pool.

Good::

    service: web
    owner: platform
    runbook: https://runbooks.example.com/web
    indicators:
      queue: {gauge: {value: 'web_queue_seconds{job="web"}', unit: seconds}}
    alerts:
      - name: WebQueueLong
        indicator: queue
        above: 30s
        over: 30m
        for: 30m
        severity: ticket
        summary: Visitors wait for over half a minute
        action: Add two instances to the pool.
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.duration import format_duration
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.burn import window
from tocsin.promql.ast import Call, Expr, MatrixSelector, Subquery, VectorSelector, children

SCRAPES = 5
"""As many missed scrapes in a row as a `for` that is not longer bridges by itself."""


@lint_rule(Severity.INFO, optional=True)
def check(subject: Subject) -> Iterator[Finding]:
    read = next(_instant(subject.rule.expr), None)
    if read is None or subject.rule.for_ <= SCRAPES * subject.scrape_interval(read):
        return
    held = format_duration(subject.rule.for_)
    message = f"a gap in `{read.name or 'the series'}` starts `for: {held}` anew"
    help = "take `max_over_time` or `avg_over_time` of a window, and a shorter `for`"
    yield Finding(message, subject.place("for"), "reset by a missing sample", help)


def _instant(node: Expr) -> Iterator[VectorSelector]:
    """The selectors that are read at one instant."""
    absent = isinstance(node, Call) and node.function == "absent"
    if isinstance(node, MatrixSelector | Subquery) or window(node) or absent:
        return
    if isinstance(node, VectorSelector):
        yield node
    for child in children(node):
        yield from _instant(child)
