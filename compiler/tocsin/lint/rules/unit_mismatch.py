"""A threshold, or a text, in another unit than the value: `> 99` on a share, `> 500` on seconds.

Metric names end in their unit: `_seconds`, `_bytes`, `_ratio`, `_percent`. A share is compared with a number from 0
to 1, a percentage with one from 0 to 100, and an indicator declares the unit that its metric has. A text that turns a
percentage into one again, or writes `%` behind a share, misleads whoever reads it.

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

import re
from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.conditions import branches
from tocsin.lint.texts import Written, texts
from tocsin.lint.units import MILLISECONDS, PERCENT, Told, unit_of
from tocsin.promql.ast import Binary, Expr, unwrap
from tocsin.promql.compare import Comparison, comparison, comparisons, constant
from tocsin.quantity import Unit


@lint_rule(Severity.WARNING)
def check(subject: Subject) -> Iterator[Finding]:
    if subject.planned:
        yield from _declared(subject)
        return
    units = set()
    for conjuncts in branches(subject.rule.expr):
        for found in comparisons(conjuncts):
            yield from _compared(found, subject)
            yield from _said(found, subject)
        units.add(_unit(conjuncts[0]))
    for written in texts(subject) if len(units) == 1 else ():
        yield from _shown(next(iter(units)), written)


def _declared(subject: Subject) -> Iterator[Finding]:
    """The unit that a spec declares, against the one that the metric's name tells."""
    if subject.planned is None or subject.planned.value is None:
        return
    declared = subject.planned.indicator.unit
    told = unit_of(subject.planned.value)
    if told not in (None, declared):
        name = "a percentage" if told == PERCENT else told
        message = f"the indicator is declared in {declared}, and its metric's name says {name}"
        divisor = {PERCENT: 100, MILLISECONDS: 1000}.get(str(told))
        help = f"divide the metric by {divisor}" if divisor else f"write `unit: {told}`"
        yield Finding(message, subject.place("indicator"), f"not in {declared}", help, Severity.ERROR)


def _compared(found: Comparison, subject: Subject) -> Iterator[Finding]:
    threshold, unit = found.threshold, unit_of(found.value)
    span = subject.span(found.literal)
    if unit is Unit.RATIO and 1 < threshold <= 100:
        message = f"a share lies between 0 and 1, and is compared with {threshold:g}"
        yield Finding(message, span, "a percentage?", f"write `{threshold / 100:g}`")
    elif (unit == PERCENT or _times_hundred(found.value)) and 0 < threshold < 1:
        message = f"a percentage lies between 0 and 100, and is compared with {threshold:g}"
        yield Finding(message, span, "a share?", f"write `{threshold * 100:g}`")


def _times_hundred(value: Expr) -> bool:
    node = unwrap(value)
    return isinstance(node, Binary) and node.op == "*" and 100.0 in (constant(node.lhs), constant(node.rhs))


def _said(found: Comparison, subject: Subject) -> Iterator[Finding]:
    """A text that names the threshold in milliseconds, where the value is in seconds, or the other way round."""
    wrong = {Unit.SECONDS: (r"ms\b|milliseconds?\b", 0.001), MILLISECONDS: (r"s\b|seconds?\b", 1000)}
    unit = unit_of(found.value)
    if unit not in wrong or found.threshold == 0:
        return
    written, factor = wrong[unit]
    pattern = re.compile(rf"(?<![\d.]){re.escape(f'{found.threshold:g}')} ?(?:{written})")
    for name, text in subject.rule.annotations.items():
        if said := pattern.search(text):
            message = f"the value is in {unit}, and `{name}` says `{said[0]}`"
            help = f"write `{found.threshold * factor:g}`, or correct the text"
            yield Finding(message, subject.span(found.literal), f"{found.threshold:g} {unit}", help)


def _unit(expr: Expr) -> Told | None:
    """The unit of what `$value` is."""
    found = comparison(expr)
    value = found.value if found else expr
    return unit_of(value) or (PERCENT if _times_hundred(value) else None)


_VALUE = r"\{\{[^{}]*(?:\$value|\.Value)\b[^{}]*"
_AS_PERCENTAGE = re.compile(_VALUE + r"\| *humanizePercentage *-?\}\}")
_BEFORE_PERCENT = re.compile(r"\{\{(?![^{}]*(?:humanizePercentage|mul))[^{}]*(?:\$value|\.Value)\b[^{}]*\}\} ?%")
_AS_DURATION = re.compile(_VALUE + r"\| *humanizeDuration *-?\}\}")


def _shown(unit: Told | None, written: Written) -> Iterator[Finding]:
    """How a text shows `$value`."""
    if unit == PERCENT and (shown := _AS_PERCENTAGE.search(written.text)):
        message = "the value is a percentage already, and `humanizePercentage` multiplies it by 100"
        help = 'write `{{ $value | printf "%.1f" }}%`, or leave out `* 100`'
        yield Finding(message, written.at(shown.start(), shown[0]), "100 times too much", help)
    elif unit is Unit.RATIO and (shown := _BEFORE_PERCENT.search(written.text)):
        message = "the value is a share from 0 to 1, and stands before `%`"
        help = "write `{{ $value | humanizePercentage }}`"
        yield Finding(message, written.at(shown.start(), shown[0]), "100 times too little", help)
    elif unit == MILLISECONDS and (shown := _AS_DURATION.search(written.text)):
        message = "the value is in milliseconds, and `humanizeDuration` is for seconds"
        help = "write `{{ $value }}ms`, or divide by 1000"
        yield Finding(message, written.at(shown.start(), shown[0]), "1000 times too much", help)
