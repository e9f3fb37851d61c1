"""A threshold in another unit than the value: `> 99` on a share, `> 500` on seconds.

Metric names end in their unit: `_seconds`, `_bytes`, `_ratio`, `_percent`. A share is compared with a number from 0
to 1, a percentage with one from 0 to 100, and an indicator declares the unit that its metric has.

Source: Prometheus documentation, "Metric and label naming" (base units).

Bad::

    service: web
    owner: platform
    runbook: https://runbooks.example.com/web
    indicators:
      memory: {gauge: {value: 'process_resident_memory_bytes{job="web"}', unit: seconds}}
    alerts:
      - name: WebMemoryHigh
        indicator: memory
        above: 300s
        for: 15m
        severity: ticket
        summary: A web server is about to be killed for its memory
        action: Restart the server and report the leak.

Good::

    service: web
    owner: platform
    runbook: https://runbooks.example.com/web
    indicators:
      memory: {gauge: {value: 'process_resident_memory_bytes{job="web"}', unit: bytes}}
    alerts:
      - name: WebMemoryHigh
        indicator: memory
        above: 4GiB
        for: 15m
        severity: ticket
        summary: A web server is about to be killed for its memory
        action: Restart the server and report the leak.
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.conditions import branches
from tocsin.lint.units import PERCENT, unit_of
from tocsin.promql.ast import Binary, unwrap
from tocsin.promql.compare import Comparison, comparison, constant
from tocsin.quantity import Unit


@lint_rule(Severity.WARNING)
def check(subject: Subject) -> Iterator[Finding]:
    if subject.planned:
        yield from _declared(subject)
        return
    for conjuncts in branches(subject.rule.expr):
        for found in filter(None, map(comparison, conjuncts)):
            yield from _compared(found, subject)


def _declared(subject: Subject) -> Iterator[Finding]:
    """The unit that a spec declares, against the one that the metric's name tells."""
    if subject.planned is None or subject.planned.value is None:
        return
    declared = subject.planned.indicator.unit
    told = unit_of(subject.planned.value)
    if told not in (None, declared):
        name = "a percentage" if told == PERCENT else told
        message = f"the indicator is declared in {declared}, and its metric's name says {name}"
        help = "divide the metric by 100" if told == PERCENT else f"write `unit: {told}`"
        yield Finding(message, subject.place("indicator"), f"not in {declared}", help, Severity.ERROR)


def _compared(found: Comparison, subject: Subject) -> Iterator[Finding]:
    threshold, unit = found.threshold, unit_of(found.value)
    span = subject.span(found.literal)
    if unit is Unit.RATIO and 1 < threshold <= 100:
        message = f"a share lies between 0 and 1, and is compared with {threshold:g}"
        yield Finding(message, span, "a percentage?", f"write `{threshold / 100:g}`", Severity.WARNING)
    elif (unit == PERCENT or _times_hundred(found)) and 0 < threshold < 1:
        message = f"a percentage lies between 0 and 100, and is compared with {threshold:g}"
        yield Finding(message, span, "a share?", f"write `{threshold * 100:g}`", Severity.WARNING)


def _times_hundred(found: Comparison) -> bool:
    node = unwrap(found.value)
    return isinstance(node, Binary) and node.op == "*" and 100.0 in (constant(node.lhs), constant(node.rhs))
