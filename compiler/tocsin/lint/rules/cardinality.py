"""An alert for every user, path or session: one fault of the service is as many alerts as it has users.

The labels that `by` keeps say how many alerts one fault can be. Those that name a user, a request, an address or a
path have no bound, and what differs from one request to the next is nobody's to repair one by one.

Source: cloudflare/pint, `alerts/count`; Prometheus documentation, "Instrumentation" (do not overuse labels).

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopRejects
            expr: sum by (user_id) (rate(shop_orders_rejected_total{job="shop"}[10m])) > 2
            for: 15m
            labels: {severity: warning}
            annotations:
              summary: More than two orders are rejected each second
              description: '{{ $labels.user_id }}: {{ $value | humanize }}/s.'
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopRejects
            expr: sum by (job) (rate(shop_orders_rejected_total{job="shop"}[10m])) > 2
            for: 15m
            labels: {severity: warning}
            annotations:
              summary: More than two orders are rejected each second
              description: '{{ $labels.job }}: {{ $value | humanize }}/s.'
              runbook_url: https://runbooks.example.com/shop
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.labels import flow
from tocsin.lint.memo import walked
from tocsin.promql.ast import Aggregation, Expr

BOUNDLESS = frozenset(
    "user_id userid customer_id session session_id request_id trace_id span_id "
    "correlation_id transaction_id order_id email client_ip remote_addr remote_ip source_ip src_ip ip_address url uri "
    "full_path query sql statement message error_message stack_trace user_agent useragent referer uuid".split()
)


@lint_rule(Severity.WARNING, texts=True)
def check(subject: Subject) -> Iterator[Finding]:
    labels = flow(subject.rule.expr)
    boundless = sorted(BOUNDLESS & labels.meant - set(labels.fixed) - set(subject.rule.labels))
    if boundless:
        shown = ", ".join(f"`{name}`" for name in boundless)
        message = f"there is an alert for every value of {shown}, and these have no bound"
        span = subject.span(_grouping(subject.rule.expr, boundless[0]))
        yield Finding(message, span, f"keeps {shown}", "leave it out of `by`: one alert for the service")


def _grouping(expr: Expr, name: str) -> Expr:
    """The aggregation that keeps the label by its name, else all."""
    named = (node for node in walked(expr) if isinstance(node, Aggregation) and name in node.grouping)
    return next(named, expr)
