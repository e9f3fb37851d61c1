"""A page on series that nobody misses: when they are gone, there is nothing to compare, and all looks well.

A service that is down sends no errors, and a sum over no series has no result, so an alert on its error ratio is
silent in the worst case of all. Something must fire when the series are gone: `absent(...)` of one of them, or
`up == 0` of the job. Asked of three groups or more that come with Alertmanager's configuration, and of collections of
twenty alerts and five groups. Specs have such an alert unless they say `no_data: ignore`.

Source: Google, "Site Reliability Engineering", chapter 6; kube-prometheus, `TargetDown`.

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopErrors
            expr: |
              sum(rate(http_requests_total{job="shop", code=~"5.."}[5m]))
                / sum(rate(http_requests_total{job="shop"}[5m])) > 0.01
            for: 5m
            labels: {severity: page}
            annotations: {summary: More than 1% of requests fail, runbook_url: 'https://runbooks.example.com/shop'}
      - name: cart
        rules:
          - alert: CartSlow
            expr: avg_over_time(cart_request_seconds{job="cart"}[10m]) > 2
            for: 10m
            labels: {severity: warning}
            annotations: {summary: Requests take more than two seconds, runbook_url: 'https://runbooks.example.com/cart'}
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

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopErrors
            expr: |
              sum(rate(http_requests_total{job="shop", code=~"5.."}[5m]))
                / sum(rate(http_requests_total{job="shop"}[5m])) > 0.01
            for: 5m
            labels: {severity: page}
            annotations: {summary: More than 1% of requests fail, runbook_url: 'https://runbooks.example.com/shop'}
          - alert: ShopGone
            expr: absent(http_requests_total{job="shop"})
            for: 10m
            labels: {severity: page}
            annotations: {summary: No server of the shop tells of 1 request, runbook_url: 'https://runbooks.example.com/shop'}
      - name: cart
        rules:
          - alert: CartSlow
            expr: avg_over_time(cart_request_seconds{job="cart"}[10m]) > 2
            for: 10m
            labels: {severity: warning}
            annotations: {summary: Requests take more than two seconds, runbook_url: 'https://runbooks.example.com/cart'}
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
from tocsin.lint.matchers import selectors
from tocsin.lint.memo import walked
from tocsin.promql.ast import Call, VectorSelector
from tocsin.promql.match import accepts


@lint_rule(Severity.WARNING)
def check(subject: RuleSet) -> Iterator[Finding]:
    if not subject.is_whole:
        return
    missed = _missed(subject)
    jobs = [one for alert in subject.alerts for one in selectors(alert.rule.expr) if one.name == "up"]
    for alert in subject.alerts:
        read = list(selectors(alert.rule.expr))
        named = [one.name for one in read if one.name]
        if not alert.wakes or alert.compiled or any(name in missed or name.startswith("ALERTS") for name in named):
            continue
        known = {one.value for selector in read for one in selector.matchers if (one.label, one.op) == ("job", "=")}
        if known and "up" not in named and not any(_watches(up, job) for up in jobs for job in known):
            shown = ", ".join(f'`up{{job="{job}"}} == 0`' for job in sorted(known))
            message = f"when `{named[0] if named else 'this'}` is gone, this is silent, and no other alert misses it"
            help = f"add an alert on {shown}, or on `absent({named[0] if named else '...'}{{...}})`"
            yield Finding(message, alert.place("alert"), "nobody misses its series", help)


def _missed(subject: RuleSet) -> set[str]:
    """The metrics whose absence some alert is about."""
    calls = (node for alert in subject.alerts for node in walked(alert.rule.expr) if isinstance(node, Call))
    gone = (call for call in calls if call.function in ("absent", "absent_over_time"))
    return {node.name or "" for call in gone for node in selectors(call)}


def _watches(up: VectorSelector, job: str) -> bool:
    """Whether a selector of `up` is of a job."""
    return all(accepts(matcher, job) for matcher in up.matchers if matcher.label == "job")
