"""An alert that only fires when another one already has: two notifications, and the second says nothing new.

Both hold the same value against a number, for the same receiver. Whatever is above 95% is above 80% too, so the alert
for 95% never tells anybody anything first. Give it a severity of its own, or remove it.

Source: Google, "Site Reliability Engineering", chapter 6 (every page should be actionable, and about a novel problem).

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopDiskFilling
            expr: avg_over_time(shop_disk_used_ratio{job="shop"}[10m]) > 0.8
            for: 10m
            labels: {severity: warning}
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

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopDiskFull
            expr: avg_over_time(shop_disk_used_ratio{job="shop"}[10m]) > 0.95
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: A disk is more than 95% full
              runbook_url: https://runbooks.example.com/shop
"""

from collections.abc import Iterator
from itertools import combinations

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, RuleSet, lint_rule
from tocsin.lint.likeness import Threshold, nested, together


@lint_rule(Severity.WARNING)
def check(subject: RuleSet) -> Iterator[Finding]:
    told: set[int] = set()
    for alike in nested(subject.alerts):
        for pair in combinations(alike, 2):
            for narrow, wide in (pair, pair[::-1]):
                if id(narrow.subject) not in told and id(wide.subject) not in told and _shadowed(narrow, wide):
                    told.add(id(narrow.subject))
                    yield _finding(narrow, wide)


def _shadowed(narrow: Threshold, wide: Threshold) -> bool:
    """Whether the one fires only while the other does, and to the same people. The very same rule is a duplicate."""
    one, other = narrow.subject.rule, wide.subject.rule
    same = one.labels == other.labels and one.name != other.name and one.for_ >= other.for_
    return same and together(narrow.subject, wide.subject) and narrow.implies(wide)


def _finding(narrow: Threshold, wide: Threshold) -> Finding:
    one, other = narrow.subject, wide.subject.rule
    where = wide.subject.place("alert")
    limits = f"`{narrow.found.op} {narrow.found.threshold:g}` and `{wide.found.op} {wide.found.threshold:g}`"
    message = f"whenever this fires, `{other.name}` ({where.source.path}:{where.line}) has fired already: {limits}"
    help = "give it a severity of its own, or remove one of the two"
    return Finding(message, one.span(narrow.found.literal), "says nothing new", help)
