"""A rate of a sum of counters: the restart of one server looks like a fall of all, and the rate jumps.

`rate` corrects the restart of a counter only where it sees that counter alone. In a sum, the fall of one part is taken
for a restart of the whole, and the rest of the sum counts as new events. Take the rate first, and add up the rates.

Source: cloudflare/pint, `promql/rate`; robustperception.io, "Rate then sum, never sum then rate".

Bad::

    groups:
      - name: shop
        rules:
          - record: job:http_requests:sum
            expr: sum by (job) (http_requests_total)
          - alert: ShopBusy
            expr: rate(job:http_requests:sum{job="shop"}[10m]) > 1000
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: The shop gets more than 1000 requests a second
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        rules:
          - record: job:http_requests:rate10m
            expr: sum by (job) (rate(http_requests_total[10m]))
          - alert: ShopBusy
            expr: job:http_requests:rate10m{job="shop"} > 1000
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: The shop gets more than 1000 requests a second
              runbook_url: https://runbooks.example.com/shop
"""

from collections.abc import Iterator, Mapping

from tocsin.lint.api import Finding, Recording, RuleSet, lint_rule
from tocsin.lint.memo import walked
from tocsin.promql.ast import Aggregation, Call, Expr, MatrixSelector, Subquery, VectorSelector, unwrap

_RATES = frozenset({"rate", "irate", "increase"})


@lint_rule()
def check(subject: RuleSet) -> Iterator[Finding]:
    sums = {one.rule.name: one for one in subject.recordings if _adds_counters(one.rule.expr)}
    for one in subject.rules:
        for node in walked(one.rule.expr):
            if isinstance(node, Call) and node.function in _RATES and (why := _summed(node.args[0], sums)):
                message = f"`{node.function}` of a sum takes the restart of one part for a fall of the whole: {why}"
                help = f"add up the rates: `sum({node.function}(...))`"
                yield Finding(message, one.span(node), "a rate of a sum", help)


def _summed(read: Expr, sums: Mapping[str, Recording]) -> str:
    """What says that a range is of sums of counters, empty where nothing does."""
    match read:
        case Subquery(expr=inner) if _adds_counters(inner):
            return "the sum stands in the subquery"
        case MatrixSelector(selector=VectorSelector(name=str() as name)) if name in sums:
            where = sums[name].place("record")
            return f"`{name}` is recorded as one in {where.source.path}:{where.line}"
    return ""


def _adds_counters(expr: Expr) -> bool:
    """Whether an expression is a sum of counters as they were scraped."""
    node = unwrap(expr)
    if not isinstance(node, Aggregation) or node.op not in ("sum", "avg"):
        return False
    parts = list(walked(node.expr))
    return any(isinstance(part, VectorSelector) for part in parts) and not any(
        isinstance(part, MatrixSelector | Subquery) for part in parts
    )
