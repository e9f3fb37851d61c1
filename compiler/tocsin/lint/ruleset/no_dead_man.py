"""A whole monitoring without a dead-man's switch: when it dies, nothing fires, and silence looks like health.

If Prometheus, Alertmanager or the way to the pager breaks, no alert can say so. One alert that always fires, sent to a
service outside that pages when it stops, is what notices. kube-prometheus calls it `Watchdog`: `vector(1)`, with the
severity `none`. Asked of three groups or more that come with Alertmanager's configuration, and of collections of twenty
alerts and five groups.

Source: kube-prometheus, `Watchdog`; Google, "Site Reliability Engineering", chapter 6.

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopSlow
            expr: avg_over_time(shop_request_seconds{job="shop"}[10m]) > 2
            for: 10m
            labels: {severity: warning}
            annotations: {summary: Requests take more than two seconds, runbook_url: 'https://runbooks.example.com/shop'}
      - name: cart
        rules:
          - alert: CartSlow
            expr: avg_over_time(cart_request_seconds{job="cart"}[10m]) > 2
            for: 10m
            labels: {severity: warning}
            annotations: {summary: Requests take more than two seconds, runbook_url: 'https://runbooks.example.com/cart'}
      - name: search
        rules:
          - alert: SearchSlow
            expr: avg_over_time(search_request_seconds{job="search"}[10m]) > 2
            for: 10m
            labels: {severity: warning}
            annotations: {summary: Requests take more than two seconds, runbook_url: 'https://runbooks.example.com/search'}
    ---
    route: {receiver: team, group_by: [alertname]}
    receivers:
      - name: team
        webhook_configs: [{url: http://localhost:9/}]

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopSlow
            expr: avg_over_time(shop_request_seconds{job="shop"}[10m]) > 2
            for: 10m
            labels: {severity: warning}
            annotations: {summary: Requests take more than two seconds, runbook_url: 'https://runbooks.example.com/shop'}
      - name: cart
        rules:
          - alert: CartSlow
            expr: avg_over_time(cart_request_seconds{job="cart"}[10m]) > 2
            for: 10m
            labels: {severity: warning}
            annotations: {summary: Requests take more than two seconds, runbook_url: 'https://runbooks.example.com/cart'}
      - name: search
        rules:
          - alert: SearchSlow
            expr: avg_over_time(search_request_seconds{job="search"}[10m]) > 2
            for: 10m
            labels: {severity: warning}
            annotations: {summary: Requests take more than two seconds, runbook_url: 'https://runbooks.example.com/search'}
      - name: monitoring
        rules:
          - alert: Watchdog
            expr: vector(1)
            labels: {severity: none}
            annotations: {summary: The way to the pager works}
    ---
    route: {receiver: team, group_by: [alertname]}
    receivers:
      - name: team
        webhook_configs: [{url: http://localhost:9/}]
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, RuleSet, lint_rule
from tocsin.lint.presence import presence
from tocsin.rules import place


@lint_rule(Severity.WARNING)
def check(subject: RuleSet) -> Iterator[Finding]:
    if not subject.is_whole or any(presence(one.rule.expr) == "always" for one in subject.alerts):
        return
    first = next(one for one in subject.alerts if not one.compiled)
    count = len(subject.alerts)
    message = f"none of these {count} alerts fires always, so nobody notices when the monitoring itself is down"
    help = "add an alert on `vector(1)` with `severity: none`, sent to a heartbeat outside that pages when it stops"
    yield Finding(message, place(first.group, "name"), "no dead-man's switch", help)
