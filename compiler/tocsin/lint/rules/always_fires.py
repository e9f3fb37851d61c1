"""An alert without a condition, or with one that is always true: it fires from the day it is loaded.

A selector alone fires for every series there is; `bool` turns a filter into a value, and every value fires; a count
is never below zero. A dead-man's switch, which is meant to fire always, has the severity `none`.

Source: cloudflare/pint, `alerts/comparison`.

Bad::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      errors:
        ratio:
          bad: http_requests_total{job="checkout", code=~"5.."}
          total: http_requests_total{job="checkout"}
    alerts:
      - name: CheckoutErrors
        indicator: errors
        below: 200%
        for: 5m
        severity: page
        summary: Checkout requests fail more than they should
        action: Roll back the last deploy.

Good::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      errors:
        ratio:
          bad: http_requests_total{job="checkout", code=~"5.."}
          total: http_requests_total{job="checkout"}
    alerts:
      - name: CheckoutErrors
        indicator: errors
        above: 2%
        for: 5m
        severity: page
        summary: Checkout requests fail more than they should
        action: Roll back the last deploy.
"""

from collections.abc import Iterator

from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.conditions import branches
from tocsin.lint.metrics import is_renamed
from tocsin.lint.presence import presence
from tocsin.lint.reach import has_condition, outcome, reach, reach_of_kind
from tocsin.promql.ast import Expr, unwrap
from tocsin.promql.compare import comparison

DEADMAN = "none"


@lint_rule()
def check(subject: Subject) -> Iterator[Finding]:
    if subject.rule.labels.get("severity") == DEADMAN:
        return
    for conjuncts in branches(subject.rule.expr):
        # `x and y` leaves out the series that only one of them has, so it is a condition.
        judged = len(conjuncts) == 1 or all(comparison(conjunct) for conjunct in conjuncts)
        if judged and all(_always(conjunct, subject) for conjunct in conjuncts):
            yield _finding(conjuncts, subject)


def _always(conjunct: Expr, subject: Subject) -> bool:
    found = comparison(conjunct)
    if presence(conjunct) == "always" and not is_renamed(conjunct, subject.settings.metrics):
        return True
    if found is None:
        return not has_condition(unwrap(conjunct))
    if outcome(found, reach_of_kind(found, subject)) == "always":
        # Filters inside an indicator only leave out what has no value, such as a share of no traffic.
        return True
    return outcome(found, reach(found, subject)) == "always" and not has_condition(found.value)


def _finding(conjuncts: tuple[Expr, ...], subject: Subject) -> Finding:
    found = comparison(conjuncts[0])
    if found is None:
        message = "this fires for every series there is: nothing is compared"
        span = subject.place("expr") if subject.planned else subject.span(conjuncts[0])
        return Finding(message, span, "no condition", "add a comparison, such as `> 0.01`")
    limits = reach(found, subject)
    message = f"this always fires: the value lies in {limits.low:g} to {limits.high:g}, always {found.op}"
    span = subject.place("expr") if subject.planned else subject.span(found.literal)
    return Finding(f"{message} {found.threshold:g}", span, "always true", "correct the threshold")
