"""A page that resolves the moment its value dips: near the threshold it fires, resolves and fires again.

`keep_firing_for` holds a firing alert until its condition has been false for that long, so that one incident is one
notification. Whether an alert does flap can be seen in a backtest only (`noise/flapping`), so this rule is off
unless the settings give it a level.

Source: Prometheus documentation, "Alerting rules" (`keep_firing_for`); prometheus/prometheus, issues 6504 and 10536.

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
        for: 5m
        severity: page
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
        for: 5m
        keep_firing_for: 10m
        severity: page
        summary: Visitors wait for over half a minute
        action: Add two instances to the pool.
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.duration import format_duration
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.burn import longest
from tocsin.lint.conditions import branches
from tocsin.promql.compare import comparisons

LONG = 10 * 60_000
"""A window of more milliseconds than this smooths the value enough."""

CROSSED = frozenset({"<", "<=", ">", ">="})


@lint_rule(Severity.INFO, optional=True)
def check(subject: Subject) -> Iterator[Finding]:
    if not subject.wakes or subject.rule.keep_firing_for:
        return
    for conjuncts in branches(subject.rule.expr):
        crossed = next((found for found in comparisons(conjuncts) if found.op in CROSSED), None)
        # What has several windows is held by the longest.
        length = max(map(longest, conjuncts))
        if crossed and length <= LONG:
            smoothed = f"measured over {format_duration(length)}" if length else "taken at an instant"
            message = f"this page resolves the moment its value, {smoothed}, is back across {crossed.threshold:g}"
            span = subject.place("expr") if subject.planned else subject.span(crossed.node)
            yield Finding(message, span, "no `keep_firing_for`", "add `keep_firing_for: 10m`")
            return
