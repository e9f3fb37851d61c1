"""A page that no route takes: it falls through to the root, where nobody is woken.

The root's receiver is for what nobody has thought of. A page that arrives there beside routes for pages has a
severity, a team or a service that the routes do not know, and is read in the morning.

Source: Alertmanager documentation, "Configuration", `<route>`; Google, "Site Reliability Engineering", chapter 6.

Bad::

    groups:
      - name: checkout
        rules:
          - alert: CheckoutErrors
            expr: |
              sum(rate(http_requests_total{job="checkout", code=~"5.."}[30m])) > 5
                and sum(increase(http_requests_total{job="checkout"}[30m])) > 100
            for: 5m
            labels: {severity: critical}
            annotations:
              summary: More than five checkout requests a second fail
              description: 'There are {{ $value }} a second.'
              runbook_url: https://runbooks.example.com/checkout
          - alert: CheckoutSlow
            expr: job:checkout_latency:p99_30m > 2 and job:checkout_requests:increase30m > 1000
            for: 10m
            labels: {severity: page}
            annotations:
              summary: One checkout request in a hundred takes over two seconds
              description: 'It takes {{ $value }} seconds.'
              runbook_url: https://runbooks.example.com/checkout
    ---
    route:
      receiver: tickets
      group_by: [alertname]
      routes:
        - matchers: [severity="page"]
          receiver: pager
    receivers:
      - name: tickets
      - name: pager

Good::

    groups:
      - name: checkout
        rules:
          - alert: CheckoutErrors
            expr: |
              sum(rate(http_requests_total{job="checkout", code=~"5.."}[30m])) > 5
                and sum(increase(http_requests_total{job="checkout"}[30m])) > 100
            for: 5m
            labels: {severity: critical}
            annotations:
              summary: More than five checkout requests a second fail
              description: 'There are {{ $value }} a second.'
              runbook_url: https://runbooks.example.com/checkout
          - alert: CheckoutSlow
            expr: job:checkout_latency:p99_30m > 2 and job:checkout_requests:increase30m > 1000
            for: 10m
            labels: {severity: page}
            annotations:
              summary: One checkout request in a hundred takes over two seconds
              description: 'It takes {{ $value }} seconds.'
              runbook_url: https://runbooks.example.com/checkout
    ---
    route:
      receiver: tickets
      group_by: [alertname]
      routes:
        - matchers: [severity=~"page|critical"]
          receiver: pager
    receivers:
      - name: tickets
      - name: pager
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Routed, lint_rule
from tocsin.lint.routes import carried, pages, reached, told, ways

SHOWN = 3


@lint_rule(Severity.WARNING)
def check(subject: Routed) -> Iterator[Finding]:
    root = subject.routing.root
    alerts = told(subject)
    paged = {way.receiver for way in ways(subject.routing) if way.route is not root and pages(way, subject, alerts)}
    if not root.receiver or not paged or root.receiver in paged:
        return
    fallen = [one.rule.name for one in subject.alerts if one.wakes and list(reached(root, carried(one))) == [root]]
    if fallen:
        names = ", ".join(f"`{name}`" for name in dict.fromkeys(fallen[:SHOWN]))
        more = f" and {len(fallen) - SHOWN} more" if len(fallen) > SHOWN else ""
        which = f"page {names} matches" if len(fallen) == 1 else f"pages {names}{more} match"
        message = f"the {which} no route, and only `{root.receiver}` is told"
        help = "add a route that matches, or correct the labels of the alert"
        span = root.places.get("receiver", root.places["whole"])
        yield Finding(message, span, "told of pages", help, numbers={"alerts": len(fallen)})
