"""A sum over quotients of which one may be 0/0: a single idle server makes the whole sum no number.

A series without traffic has the ratio 0/0, which is NaN; a sum or mean with one NaN in it is NaN, and no comparison is
true of that: the alert stays silent however bad the others are. Divide the sums, or leave out what has no traffic.

Source: cloudflare/pint, `promql/nan`.

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopErrors
            expr: >-
              avg by (job) (
                rate(shop_errors_total{job="shop"}[10m]) / rate(shop_requests_total{job="shop"}[10m])
              ) > 0.05
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: More than 5% of requests to the shop fail
              description: '{{ $labels.job }}: {{ $value | humanizePercentage }}.'
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopErrors
            expr: >-
              sum by (job) (rate(shop_errors_total{job="shop"}[10m]))
                / sum by (job) (rate(shop_requests_total{job="shop"}[10m])) > 0.05
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: More than 5% of requests to the shop fail
              description: '{{ $labels.job }}: {{ $value | humanizePercentage }}.'
              runbook_url: https://runbooks.example.com/shop
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import AnyRule, Finding, lint_rule
from tocsin.lint.bounds import bounds
from tocsin.lint.conditions import counts_events
from tocsin.lint.memo import walked
from tocsin.promql.ast import COMPARISONS, Aggregation, Binary, Expr, Paren, Unary
from tocsin.promql.compare import comparison, constant


@lint_rule(Severity.WARNING)
def check(subject: AnyRule) -> Iterator[Finding]:
    for node in walked(subject.rule.expr):
        if isinstance(node, Aggregation) and node.op in ("sum", "avg", "stddev", "stdvar"):
            quotient = _quotient(node.expr)
            if quotient and counts_events(quotient.rhs) and bounds(quotient.rhs).low <= 0 and not _guarded(quotient):
                message = f"one series without traffic is 0/0, and makes the whole `{node.op}` no number"
                help = "divide the sums, or leave out what has no traffic: `/ (... > 0)`"
                yield Finding(message, subject.span(quotient), "may divide by zero", help)


def _guarded(quotient: Binary) -> bool:
    """Whether zeros are left out of the divisor, as by `> 0`."""
    found = comparison(quotient.rhs)
    return found is not None and found.op in (">", "!=") and found.threshold >= 0


def _quotient(expr: Expr) -> Binary | None:
    """A quotient of series whose value goes into the aggregation unfiltered: NaN passes no comparison but `!=`."""
    match expr:
        case Paren(expr=inner) | Unary(expr=inner):
            return _quotient(inner)
        case Binary(op="/" | "%", lhs=lhs, rhs=rhs) if constant(lhs) is None and constant(rhs) is None:
            return expr
        case Binary(op=op, lhs=lhs, rhs=rhs) if op not in COMPARISONS and op not in ("and", "or", "unless"):
            return _quotient(lhs) or _quotient(rhs)
    return None
