"""A ratio of two sums that fires at once: while Prometheus or a target restarts, half of one sum is missing.

The two sums are of different metrics, which are scraped at different times. Just after a restart some of the one are
there and few of the other, and the ratio is anything. A `for` of a few minutes waits until both are whole.

Source: cloudflare/pint, `promql/fragile`.

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopPoolUsed
            expr: sum(max_over_time(pool_used{job="shop"}[10m])) / sum(max_over_time(pool_size{job="db"}[10m])) > 0.9
            labels: {severity: warning}
            annotations:
              summary: More than 90% of the connections are in use
              description: '{{ $value | humanizePercentage }}.'
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopPoolUsed
            expr: sum(max_over_time(pool_used{job="shop"}[10m])) / sum(max_over_time(pool_size{job="db"}[10m])) > 0.9
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: More than 90% of the connections are in use
              description: '{{ $value | humanizePercentage }}.'
              runbook_url: https://runbooks.example.com/shop
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.conditions import branches
from tocsin.lint.matchers import selectors
from tocsin.lint.memo import walked
from tocsin.promql.ast import ARITHMETIC, Aggregation, Binary, Expr, unwrap
from tocsin.promql.compare import comparisons


@lint_rule(Severity.WARNING)
def check(subject: Subject) -> Iterator[Finding]:
    if subject.rule.for_:
        return
    for conjuncts in branches(subject.rule.expr):
        for found in comparisons(conjuncts):
            for node in walked(found.value):
                if isinstance(node, Binary) and node.op in ARITHMETIC and _apart(node):
                    message = "while something restarts, one of these sums lacks series that the other has"
                    yield Finding(message, subject.span(node), "no `for`", "write `for: 5m`")


def _apart(node: Binary) -> bool:
    """Whether both sides add up series, and of different metrics."""
    left, right = _summed(node.lhs), _summed(node.rhs)
    return bool(left) and bool(right) and not left & right


def _summed(expr: Expr) -> frozenset[str]:
    node = unwrap(expr)
    if not isinstance(node, Aggregation) or node.op not in ("sum", "count", "avg"):
        return frozenset()
    return frozenset(one.name or "" for one in selectors(node))
