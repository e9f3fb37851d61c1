"""A group that is evaluated so seldom that what it finds is old, and what it records goes stale in between.

An alert fires at the next evaluation, and `for` counts in whole intervals. What a rule records is a sample at each
evaluation, and five minutes later Prometheus takes the series for gone: with a longer interval it has gaps, and so has
every alert and graph that reads it.

Source: cloudflare/pint, `group/interval`; Prometheus documentation, "Querying basics" (staleness).

Bad::

    groups:
      - name: shop
        interval: 10m
        rules:
          - alert: ShopSlow
            expr: avg_over_time(shop_request_seconds{job="shop"}[30m]) > 2
            for: 20m
            labels: {severity: warning}
            annotations:
              summary: Requests take more than two seconds
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        interval: 1m
        rules:
          - alert: ShopSlow
            expr: avg_over_time(shop_request_seconds{job="shop"}[30m]) > 2
            for: 20m
            labels: {severity: warning}
            annotations:
              summary: Requests take more than two seconds
              runbook_url: https://runbooks.example.com/shop
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.duration import format_duration
from tocsin.lint.api import Finding, RuleSet, lint_rule
from tocsin.rules import AlertingRule, RuleGroup, place

LOOKBACK = 5 * 60_000
"""Prometheus's default for how long a sample is the value of its series."""


@lint_rule(Severity.WARNING)
def check(subject: RuleSet) -> Iterator[Finding]:
    for group in subject.groups:
        if group.interval is not None and group.interval > LOOKBACK and not _kept(group):
            interval = format_duration(group.interval)
            recorded = sum(not isinstance(rule, AlertingRule) for rule in group.rules)
            gaps = f", and the {recorded} series that it records have gaps" if recorded else ""
            message = f"what goes wrong is found {interval} later at worst{gaps}: samples are good for five minutes"
            yield Finding(message, place(group, "interval"), "longer than five minutes", "write `interval: 1m`")


def _kept(group: RuleGroup) -> bool:
    """Whether every rule is an alert that goes on firing from one evaluation to the next."""
    return all(
        isinstance(rule, AlertingRule) and group.interval and rule.keep_firing_for >= group.interval
        for rule in group.rules
    )
