"""A page that no objective asks for: the team has agreed to be woken for burning error budgets alone.

An objective says how much failure users put up with, and its burn rate when that will be too much. A team that pages
for this alone is woken when users are hurt, and for nothing else; everything else is a ticket. Not every team wants
that, so this rule is off unless the settings give it a level. A page for missing data is let pass, and so is one that
names its objective in a label.

Source: Google, "The Site Reliability Workbook", chapter 5, "Alerting on SLOs".

Bad::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      p99:
        latency: {histogram: 'http_request_duration_seconds{job="checkout"}', quantile: 99%}
    alerts:
      - name: CheckoutSlow
        indicator: p99
        above: 2s
        for: 10m
        severity: page
        summary: One checkout request in a hundred takes over two seconds
        action: Scale the checkout pool to twice its size.

Good::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      p99:
        latency: {histogram: 'http_request_duration_seconds{job="checkout"}', quantile: 99%}
    alerts:
      - name: CheckoutSlow
        indicator: p99
        above: 2s
        for: 10m
        severity: ticket
        summary: One checkout request in a hundred takes over two seconds
        action: Scale the checkout pool to twice its size.
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.burn import burns, pairs
from tocsin.lint.conditions import branches
from tocsin.promql.ast import Call, walk
from tocsin.promql.compare import comparisons

SLO_LABELS = frozenset({"objective", "slo", "sloth_slo"})
"""Labels by which compiled alerts name their objective: tocsin's, Pyrra's, Sloth's."""

HELP = "make it a ticket, or write an objective: the alerts on its burn rate follow from it"


@lint_rule(Severity.WARNING, optional=True)
def check(subject: Subject) -> Iterator[Finding]:
    named = SLO_LABELS & subject.rule.labels.keys()
    if subject.wakes and not named and not _missing_data(subject) and not _burns(subject):
        message = "this page is not for the burn rate of an objective"
        yield Finding(message, subject.place("labels.severity", "alert"), "wakes a person", HELP)


def _burns(subject: Subject) -> bool:
    """Whether every way in which the alert fires asks for a long and a short window."""
    ways = [list(burns(comparisons(way))) for way in branches(subject.rule.expr)]
    return all(any(pairs(way)) for way in ways)


def _missing_data(subject: Subject) -> bool:
    if subject.planned:
        return subject.planned.alert.condition.kind == "absent"
    return any(
        isinstance(node, Call) and node.function in ("absent", "absent_over_time") for node in walk(subject.rule.expr)
    )
