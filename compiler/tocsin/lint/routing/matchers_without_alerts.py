"""A route or an inhibition for alerts that do not exist: a label or a value that no alert of the rules has.

It is a slip of the pen, or left over from alerts that are gone. Only rules that were given together with the
configuration are known, so this informs, and warns only where a value is nearly one that there is.

Source: Alertmanager documentation, "Configuration", `<matcher>`.

Bad::

    groups:
      - name: checkout
        rules:
          - alert: CheckoutErrors
            expr: |
              sum(rate(http_requests_total{job="checkout", code=~"5.."}[30m])) > 5
                and sum(increase(http_requests_total{job="checkout"}[30m])) > 100
            for: 5m
            labels: {severity: critical, team: payments}
            annotations:
              summary: More than five checkout requests a second fail
              description: 'There are {{ $value }} a second.'
              runbook_url: https://runbooks.example.com/checkout
    ---
    route:
      receiver: pager
      group_by: [alertname]
      routes:
        - matchers: [team="paymens"]
          receiver: payments
    receivers:
      - name: pager
      - name: payments

Good::

    groups:
      - name: checkout
        rules:
          - alert: CheckoutErrors
            expr: |
              sum(rate(http_requests_total{job="checkout", code=~"5.."}[30m])) > 5
                and sum(increase(http_requests_total{job="checkout"}[30m])) > 100
            for: 5m
            labels: {severity: critical, team: payments}
            annotations:
              summary: More than five checkout requests a second fail
              description: 'There are {{ $value }} a second.'
              runbook_url: https://runbooks.example.com/checkout
    ---
    route:
      receiver: pager
      group_by: [alertname]
      routes:
        - matchers: [team="payments"]
          receiver: payments
    receivers:
      - name: pager
      - name: payments
"""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from tocsin.diagnostics import Severity, Span
from tocsin.lint.api import Finding, Routed, lint_rule
from tocsin.lint.labels import Flow
from tocsin.lint.matched import contradiction, texts
from tocsin.lint.matchers import written
from tocsin.lint.routes import can_match, carried, matcher_place
from tocsin.promql.ast import Matcher
from tocsin.routing import Route


@lint_rule(Severity.INFO)
def check(subject: Routed) -> Iterator[Finding]:
    labels = [carried(alert) for alert in subject.alerts]
    yield from _below(subject.routing.root, labels)
    for rule in subject.routing.inhibit_rules:
        for side, matchers in (("source", rule.source), ("target", rule.target)):
            yield from _found(matchers, labels, rule.places, (f"{side}_matchers", f"{side}_match", f"{side}_match_re"))


def _below(parent: Route, labels: Sequence[Flow]) -> Iterator[Finding]:
    """The routes below one that take none of the alerts that it takes; what is below those is not said."""
    for route in parent.routes:
        here = [one for one in labels if can_match(route.matchers, one)]
        if here:
            yield from _below(route, here)
        else:
            yield from _found(route.matchers, labels, route.places, ("matchers", "match", "match_re"))


def _found(
    matchers: Sequence[Matcher], labels: Sequence[Flow], places: Mapping[str, Span], fields: Sequence[str]
) -> Iterator[Finding]:
    if not labels or not places or contradiction(matchers) or any(can_match(matchers, one) for one in labels):
        return
    culprit = next((one for one in matchers if not any(can_match((one,), known) for known in labels)), None)
    what = f"`{written(culprit)}`" if culprit else "all of these matchers"
    message = f"no alert of the given rules matches {what}"
    meant = _meant(culprit, labels) if culprit else None
    help = f"did you mean `{meant}`?" if meant else ""
    yield Finding(
        message, matcher_place(culprit, places, fields), "no such alert", help, Severity.WARNING if meant else None
    )


def _meant(culprit: Matcher, labels: Sequence[Flow]) -> str | None:
    """A value that alerts have, and that is nearly the one of the matcher."""
    known = {one.fixed[culprit.label] for one in labels if culprit.label in one.fixed}
    given = (culprit.value,) if culprit.op == "=" else texts(culprit.value) or ()
    near = (get_close_matches(value, sorted(known), n=1, cutoff=0.8) for value in sorted(given))
    return next((found[0] for found in near if found), None)
