"""An inhibition that asks two alerts to agree in a label that neither has: it always holds, and mutes too much.

A label that is missing is an empty one, and two empty ones are equal. So the inhibition meant for one cluster or
service holds for all of them, silently. Labels that a server adds to all of its alerts are taken to be there.

Source: Alertmanager documentation, "Configuration", `<inhibit_rule>`.

Bad::

    groups:
      - name: checkout
        rules:
          - alert: CheckoutErrors
            expr: |
              sum by (service) (rate(http_requests_total{code=~"5.."}[30m])) > 50
                and sum by (service) (increase(http_requests_total[30m])) > 100
            for: 5m
            labels: {severity: critical}
            annotations:
              summary: More than fifty requests a second to {{ $labels.service }} fail
              description: 'There are {{ $value }} a second.'
              runbook_url: https://runbooks.example.com/checkout
          - alert: CheckoutQueueGrows
            expr: sum by (service) (checkout_queue_length) > 500
            for: 30m
            labels: {severity: warning}
            annotations:
              summary: More than 500 orders to {{ $labels.service }} wait
              description: 'There are {{ $value }}.'
              runbook_url: https://runbooks.example.com/checkout
    ---
    route:
      receiver: pager
      group_by: [alertname, service]
    receivers:
      - name: pager
    inhibit_rules:
      - source_matchers: [severity="critical"]
        target_matchers: [severity="warning"]
        equal: [namespace]

Good::

    groups:
      - name: checkout
        rules:
          - alert: CheckoutErrors
            expr: |
              sum by (service) (rate(http_requests_total{code=~"5.."}[30m])) > 50
                and sum by (service) (increase(http_requests_total[30m])) > 100
            for: 5m
            labels: {severity: critical}
            annotations:
              summary: More than fifty requests a second to {{ $labels.service }} fail
              description: 'There are {{ $value }} a second.'
              runbook_url: https://runbooks.example.com/checkout
          - alert: CheckoutQueueGrows
            expr: sum by (service) (checkout_queue_length) > 500
            for: 30m
            labels: {severity: warning}
            annotations:
              summary: More than 500 orders to {{ $labels.service }} wait
              description: 'There are {{ $value }}.'
              runbook_url: https://runbooks.example.com/checkout
    ---
    route:
      receiver: pager
      group_by: [alertname, service]
    receivers:
      - name: pager
    inhibit_rules:
      - source_matchers: [severity="critical"]
        target_matchers: [severity="warning"]
        equal: [service]
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Routed, lint_rule
from tocsin.lint.routes import can_have, can_match, carried
from tocsin.registry import suggest


@lint_rule(Severity.WARNING)
def check(subject: Routed) -> Iterator[Finding]:
    labels = [carried(alert) for alert in subject.alerts]
    for rule in subject.routing.inhibit_rules:
        sources, targets = ([one for one in labels if can_match(side, one)] for side in (rule.source, rule.target))
        for name in rule.equal if sources and targets and rule.places else ():
            if not any(can_have(one, name) for one in (*sources, *targets)):
                shared = {known for one in sources for known in one.meant} & {k for one in targets for k in one.meant}
                message = f"no alert on either side has the label `{name}`, so all agree in it"
                span = rule.places.get(f"equal.{name}", rule.places["whole"])
                yield Finding(message, span, "always equal", suggest(name, sorted(shared)))
