"""The same rule twice: two notifications of one fault, or two rules that write the same series.

Prometheus evaluates both. Two alerts with the same name, labels and condition are one to Alertmanager only while their
annotations agree, and two recording rules of one name and labels overwrite each other's samples. Files of different
folders are taken to be for different servers, and of one folder may be.

Source: prometheus/prometheus, `promtool check rules --lint=duplicate-rules`; cloudflare/pint, `rule/duplicate`.

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopSlow
            expr: avg_over_time(shop_request_seconds{job="shop", zone="a"}[10m]) > 2
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: Requests take more than two seconds
              runbook_url: https://runbooks.example.com/shop
      - name: shop-again
        rules:
          - alert: ShopSlow
            expr: avg_over_time(shop_request_seconds{zone="a", job="shop"}[10m]) > 2
            for: 15m
            labels: {severity: warning}
            annotations:
              summary: Requests take more than two seconds
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopSlow
            expr: avg_over_time(shop_request_seconds{job="shop", zone="a"}[10m]) > 2
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: Requests take more than two seconds
              runbook_url: https://runbooks.example.com/shop
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import AnyRule, Finding, RuleSet, Subject, lint_rule
from tocsin.lint.likeness import canonical, together


@lint_rule()
def check(subject: RuleSet) -> Iterator[Finding]:
    first: dict[object, AnyRule] = {}
    for one in subject.rules:
        rule = one.rule
        labels = tuple(sorted(rule.labels.items()))
        other = first.setdefault((type(rule), rule.name, labels, canonical(rule.expr)), one)
        if other is not one and together(one, other):
            kind = "alert" if isinstance(one, Subject) else "recording rule"
            where = other.place("alert", "record")
            message = f"the {kind} `{rule.name}` stands twice; first in {where.source.path}:{where.line}"
            same_file = where.source.path == one.place("rule").source.path
            severity = Severity.ERROR if same_file else Severity.WARNING
            yield Finding(message, one.place("alert", "record"), "the same again", "remove one of them", severity)
