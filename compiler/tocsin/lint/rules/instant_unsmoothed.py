"""A value of one instant and no `for`: a single sample fires the alert.

One slow scrape, one garbage collection, one failed scrape of a healthy target is enough. Ask for the condition to
hold for some minutes, or take the average, the least or the greatest value of a window.

What cannot come and go in an instant may go without `for`: the time until a certificate expires, a forecast, an
absent series, a rate over minutes.

It is an error where a person wakes for a limit that a level crosses, or for one failed scrape; a state, such as that
of a disk of an array, lasts longer as a rule, and is only a warning. A page whose `for` is one evaluation rests on two
samples, and is a note.

Source: Prometheus documentation, "Alerting rules" (`for`), "Alerting" (practices: allow for slack); cloudflare/pint,
`promql/fragile`.

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopQueueLong
            expr: shop_queue_length{job="shop"} > 1000
            labels: {severity: warning}
            annotations:
              summary: Orders wait for more than ten minutes
              description: '{{ $labels.instance }} holds {{ $value }} orders.'
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopQueueLong
            expr: shop_queue_length{job="shop"} > 1000
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: Orders wait for more than ten minutes
              description: '{{ $labels.instance }} holds {{ $value }} orders.'
              runbook_url: https://runbooks.example.com/shop
"""

import re
from collections.abc import Iterator, Sequence

from tocsin.diagnostics import Severity
from tocsin.duration import format_duration
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.burn import window
from tocsin.lint.conditions import branches
from tocsin.lint.events import is_counter
from tocsin.lint.matchers import selectors
from tocsin.lint.memo import walked
from tocsin.promql.ast import Call, Expr, VectorSelector
from tocsin.promql.compare import Comparison, comparisons

MINUTE = 60_000

_LASTING = re.compile(r"^ALERTS|ttl|expir|uptime|(^|_)(age|days)(_|$)|reload|_info$", re.IGNORECASE)
"""Names of what goes on as it is: a life that runs out, an age, a configuration."""

STEADY = frozenset({"time", "timestamp", "absent", "absent_over_time", "predict_linear", "scalar", "vector"})
"""Functions whose values do not come and go from one sample to the next."""


@lint_rule(Severity.WARNING)
def check(subject: Subject) -> Iterator[Finding]:
    for_ = subject.rule.for_
    # What a spec compiles to is `sub-minute-for`, where the author wrote it, and so is what waits for less.
    if subject.planned or 0 < for_ < MINUTE or for_ >= 2 * subject.interval or (for_ and not subject.wakes):
        return
    for conjuncts in branches(subject.rule.expr):
        compared = comparisons(conjuncts)
        if compared and all(_instant(conjunct) for conjunct in conjuncts):
            yield _two_samples(subject) if for_ else _one_sample(compared, subject)


def _one_sample(compared: Sequence[Comparison], subject: Subject) -> Finding:
    message = "without `for`, a single sample of this value fires the alert"
    certain = subject.wakes and not any(map(_is_state, compared))
    severity = Severity.ERROR if certain else Severity.WARNING
    return Finding(message, subject.span(compared[0].node), "taken at an instant", "add `for: 5m`", severity)


def _two_samples(subject: Subject) -> Finding:
    held = format_duration(subject.rule.for_)
    message = f"with `for: {held}`, two samples of this value in a row wake a person"
    return Finding(message, subject.place("for"), "one evaluation", "write `for: 5m`", Severity.INFO)


def _is_state(found: Comparison) -> bool:
    """Whether a number is one of a few that a metric has, and not a level; `up` depends on one scrape."""
    names = [node.name or "" for node in selectors(found.value)]
    if any(name == "up" or name.endswith("_up") for name in names):
        return False
    return found.op in ("==", "!=") or found.threshold in (0, 1)


def _instant(expr: Expr) -> bool:
    """Whether an expression is of gauges at one instant."""
    nodes = list(walked(expr))
    steady = any(
        window(node)
        or (isinstance(node, Call) and node.function in STEADY)
        # What a rule recorded may be of a window: its name does not tell.
        or (isinstance(node, VectorSelector) and ":" in (node.name or ""))
        or (isinstance(node, VectorSelector) and (is_counter(node) or _LASTING.search(node.name or "ALERTS")))
        for node in nodes
    )
    return not steady and any(isinstance(node, VectorSelector) for node in nodes)
