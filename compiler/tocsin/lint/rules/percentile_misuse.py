"""Arithmetic on percentiles: the mean of ten servers' 99th percentiles is no percentile of anything.

Percentiles neither add up nor average; buckets do. Add up `rate(x_bucket[5m])` by `le`, and take the quantile last. It
needs `le`, which `sum` drops unless `by` names it, a rate, since raw buckets count from the start of each process, and
a share from 0 to 1: `histogram_quantile(99, ...)` is infinite.

Source: Prometheus documentation, "Histograms and summaries" (practices).

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopSlow
            expr: avg(http_request_duration_seconds{job="shop", quantile="0.99"}) > 2
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: One request in a hundred takes more than two seconds
              description: '{{ $value | humanizeDuration }}.'
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopSlow
            expr: max(http_request_duration_seconds{job="shop", quantile="0.99"}) > 2
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: On some server, one request in a hundred takes more than two seconds
              description: '{{ $value | humanizeDuration }}.'
              runbook_url: https://runbooks.example.com/shop
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import AnyRule, Finding, lint_rule
from tocsin.lint.labels import flow
from tocsin.lint.matchers import selectors
from tocsin.lint.memo import walked
from tocsin.promql.ast import Aggregation, Call, Expr, MatrixSelector, Subquery, VectorSelector, unwrap
from tocsin.promql.compare import constant


@lint_rule()
def check(subject: AnyRule) -> Iterator[Finding]:
    for node in walked(subject.rule.expr):
        match node:
            case Aggregation(op="avg" | "sum" as op) if shown := _percentile(node.expr):
                message = f"the {_NOUNS[op]} of percentiles ({shown}) is no percentile"
                help = "take `max`, or add up `rate(..._bucket[5m])` by `le` first and take the quantile last"
                yield Finding(message, subject.span(node), f"`{op}` of percentiles", help)
            case Call(function="avg_over_time" | "sum_over_time", args=(Subquery() | MatrixSelector() as read,)):
                if shown := _percentile(read.expr if isinstance(read, Subquery) else read.selector):
                    message = f"the mean over time of percentiles ({shown}) is no percentile of that time"
                    help = "take the quantile of the rates over the whole time, or `max_over_time`"
                    yield Finding(message, subject.span(node), "a mean of percentiles", help, Severity.WARNING)
            case Call(function="histogram_quantile", args=(q, buckets)):
                yield from _share(node, q, subject)
                yield from _buckets(buckets, subject)
            case Call(function="quantile_over_time", args=(q, _)) | Aggregation(op="quantile", param=Expr() as q):
                yield from _share(node, q, subject)


_NOUNS = {"avg": "mean", "sum": "sum"}


def _percentile(expr: Expr) -> str:
    """What says that an expression is percentiles, empty where it is not."""
    node = unwrap(expr)
    match node:
        case Call(function="histogram_quantile"):
            return "`histogram_quantile`"
        case VectorSelector(matchers=matchers):
            named = (one for one in matchers if one.label == "quantile" and one.op == "=" and one.value)
            return next((f'`quantile="{one.value}"`' for one in named), "")
    return ""


def _share(node: Expr, q: Expr, subject: AnyRule) -> Iterator[Finding]:
    share = constant(q)
    if share is not None and not 0 <= share <= 1:
        right = f"write `{share / 100:g}`" if 1 < share <= 100 else "write a share from 0 to 1"
        message = f"a quantile of {share:g} is infinite: it is a share from 0 to 1"
        yield Finding(message, subject.span(q if q.span else node), "not from 0 to 1", right)


def _buckets(buckets: Expr, subject: AnyRule) -> Iterator[Finding]:
    """Buckets of a classic histogram that lost their bounds, or that were never made a rate."""
    read = list(selectors(buckets))
    if not read or not all((one.name or "").endswith("_bucket") for one in read):
        return
    if "le" not in flow(buckets).may:
        message = "without `le` there are no buckets, and so never a quantile"
        yield Finding(message, subject.span(buckets), "`le` is lost here", "add `le` to the labels in `by`")
    elif not any(isinstance(one, MatrixSelector | Subquery) for one in walked(buckets)):
        message = "the buckets count since each process started, so this is the quantile of its whole life"
        help = "take their rate: `rate(..._bucket[5m])`"
        yield Finding(message, subject.span(buckets), "no rate", help, Severity.WARNING)
