"""Two rules of one name and the same labels whose conditions meet the same series: one fault, told twice or in turns.

Alertmanager knows an alert by its labels. Where two rules give the same ones, the later notification replaces the
earlier, and when the milder condition ends, it resolves both. Give them different labels, such as the severity, or
matchers that leave no series to both.

Source: cloudflare/pint, `rule/duplicate`.

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopSlow
            expr: avg_over_time(shop_request_seconds{job="shop"}[10m]) > 2
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: Requests take more than two seconds
              runbook_url: https://runbooks.example.com/shop
          - alert: ShopSlow
            expr: avg_over_time(shop_request_seconds{job="shop", zone!="a"}[30m]) > 1
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: Requests take more than a second
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
          - alert: ShopSlow
            expr: avg_over_time(shop_request_seconds{job="shop", zone!="a"}[30m]) > 1
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: Requests take more than a second
              runbook_url: https://runbooks.example.com/shop
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from tocsin.diagnostics import Severity
from tocsin.lint.api import AnyRule, Finding, RuleSet, Subject, lint_rule
from tocsin.lint.likeness import canonical, may_share_series, together


@lint_rule(Severity.WARNING)
def check(subject: RuleSet) -> Iterator[Finding]:
    named: dict[object, list[AnyRule]] = defaultdict(list)
    for one in subject.rules:
        named[type(one.rule), one.rule.name, tuple(sorted(one.rule.labels.items()))].append(one)
    for alike in named.values():
        for first, second in combinations(alike, 2):
            left, right = canonical(first.rule.expr), canonical(second.rule.expr)
            if left != right and together(first, second) and may_share_series(left, right):
                yield _finding(first, second)


def _finding(first: AnyRule, second: AnyRule) -> Finding:
    where = first.place("alert", "record")
    result = "fires for" if isinstance(second, Subject) else "records"
    other = f"the one in {where.source.path}:{where.line}"
    message = f"this `{second.rule.name}` and {other} have the same labels, and this {result} the same series"
    help = "give them different labels, or matchers that leave no series to both"
    return Finding(message, second.place("alert", "record"), "the same alert to Alertmanager", help)
