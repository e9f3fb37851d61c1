"""Grouping by a label that no alert of the route has: it groups nothing.

The alert's expression has aggregated the label away, or it is misspelt. All alerts are then alike in it, and come in
one notification where several were meant. Labels that a server adds to all of its alerts are taken to be there.

Source: Alertmanager documentation, "Configuration", `<route>`; what labels a series keeps: Prometheus documentation,
"Operators", aggregation.

Bad::

    groups:
      - name: checkout
        rules:
          - alert: CheckoutErrors
            expr: |
              sum by (service) (rate(http_requests_total{code=~"5.."}[30m])) > 5
                and sum by (service) (increase(http_requests_total[30m])) > 100
            for: 5m
            labels: {severity: critical}
            annotations:
              summary: More than five requests a second to {{ $labels.service }} fail
              description: 'There are {{ $value }} a second.'
              runbook_url: https://runbooks.example.com/checkout
    ---
    route:
      receiver: pager
      group_by: [alertname, namespace]
    receivers:
      - name: pager

Good::

    groups:
      - name: checkout
        rules:
          - alert: CheckoutErrors
            expr: |
              sum by (service) (rate(http_requests_total{code=~"5.."}[30m])) > 5
                and sum by (service) (increase(http_requests_total[30m])) > 100
            for: 5m
            labels: {severity: critical}
            annotations:
              summary: More than five requests a second to {{ $labels.service }} fail
              description: 'There are {{ $value }} a second.'
              runbook_url: https://runbooks.example.com/checkout
    ---
    route:
      receiver: pager
      group_by: [alertname, service]
    receivers:
      - name: pager
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Routed, lint_rule
from tocsin.lint.routes import can_have, can_match, carried, ways
from tocsin.registry import suggest
from tocsin.routing import ALL_LABELS


@lint_rule(Severity.WARNING)
def check(subject: Routed) -> Iterator[Finding]:
    labels = [carried(alert) for alert in subject.alerts]
    for way in ways(subject.routing):
        grouped = way.route.group_by or ()
        here = [one for one in labels if can_match(way.matchers, one)]
        if not here or grouped == ALL_LABELS:
            continue
        for name in grouped:
            if not any(can_have(one, name) for one in here):
                meant = sorted({known for one in here for known in one.meant})
                message = f"no alert that takes this route has the label `{name}`"
                span = way.place(f"group_by.{name}", "group_by")
                yield Finding(message, span, "groups nothing", suggest(name, meant))
