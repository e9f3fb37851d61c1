"""A warning and a page for the same fault: when it gets worse, both notify, and no rule says that one is enough.

The two alerts hold the same value against a number, the more urgent one beyond the other's. Whenever it fires, the
other does too, and whoever is woken has two notifications to read. An inhibition rule mutes the lesser one.

Source: Prometheus documentation, "Alertmanager" (inhibition).

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopDiskFilling
            expr: avg_over_time(shop_disk_used_ratio{job="shop"}[10m]) > 0.8
            for: 10m
            labels: {severity: ticket}
            annotations:
              summary: A disk is more than 80% full
              runbook_url: https://runbooks.example.com/shop
          - alert: ShopDiskFull
            expr: avg_over_time(shop_disk_used_ratio{job="shop"}[10m]) > 0.95
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: A disk is more than 95% full
              runbook_url: https://runbooks.example.com/shop
    ---
    route: {receiver: team, group_by: [alertname]}
    receivers:
      - name: team
        webhook_configs: [{url: http://localhost:9/}]

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopDiskFilling
            expr: avg_over_time(shop_disk_used_ratio{job="shop"}[10m]) > 0.8
            for: 10m
            labels: {severity: ticket}
            annotations:
              summary: A disk is more than 80% full
              runbook_url: https://runbooks.example.com/shop
          - alert: ShopDiskFull
            expr: avg_over_time(shop_disk_used_ratio{job="shop"}[10m]) > 0.95
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: A disk is more than 95% full
              runbook_url: https://runbooks.example.com/shop
    ---
    route: {receiver: team, group_by: [alertname]}
    receivers:
      - name: team
        webhook_configs: [{url: http://localhost:9/}]
    inhibit_rules:
      - source_matchers: [alertname = "ShopDiskFull"]
        target_matchers: [alertname = "ShopDiskFilling"]
        equal: [job, instance]
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, RuleSet, Subject, lint_rule
from tocsin.lint.labels import flow
from tocsin.lint.likeness import Threshold, nested
from tocsin.promql.ast import Matcher
from tocsin.promql.match import accepts
from tocsin.routing import InhibitRule


@lint_rule(Severity.WARNING)
def check(subject: RuleSet) -> Iterator[Finding]:
    if not subject.routings:
        return
    rules = [rule for routing in subject.routings for rule in routing.inhibit_rules]
    for alike in nested(one for one in subject.alerts if not one.compiled):
        for pair in combinations(alike, 2):
            for urgent, lesser in (pair, pair[::-1]):
                if _worse(urgent, lesser) and not any(_mutes(rule, urgent.subject, lesser.subject) for rule in rules):
                    yield _finding(urgent, lesser)


def _worse(urgent: Threshold, lesser: Threshold) -> bool:
    """Whether the one is beyond the other, and of another severity: with the same, one of them is `shadowed`."""
    severities = [one.subject.rule.labels.get("severity", "") for one in (urgent, lesser)]
    beyond = urgent.implies(lesser) and not lesser.implies(urgent)
    return beyond and all(severities) and severities[0] != severities[1]


def _mutes(rule: InhibitRule, urgent: Subject, lesser: Subject) -> bool:
    return _meets(rule.source, urgent) and _meets(rule.target, lesser)


def _meets(matchers: Sequence[Matcher], alert: Subject) -> bool:
    """Whether an alert can meet the matchers, as far as its labels are known."""
    labels = {**flow(alert.rule.expr).fixed, **alert.rule.labels, "alertname": alert.rule.name}
    may = flow(alert.rule.expr).may
    return all(
        accepts(matcher, labels.get(matcher.label, ""))
        for matcher in matchers
        if matcher.label in labels or matcher.label not in may
    )


def _finding(urgent: Threshold, lesser: Threshold) -> Finding:
    name, other = urgent.subject.rule.name, lesser.subject.rule.name
    message = f"whenever `{name}` fires, this notifies as well: no inhibition rule mutes `{other}`"
    known = sorted(flow(lesser.subject.rule.expr).meant - {"__name__"})
    equal = f"equal: [{', '.join(known)}]" if known else "`equal` with the labels that tell their series apart"
    help = f'add to `inhibit_rules`: source alertname = "{name}", target alertname = "{other}", {equal}'
    return Finding(message, lesser.subject.place("alert"), "told twice", help)
