"""An alert for the first few of many: when their order changes, one alert resolves and another fires.

`topk` and its kin leave the labels of the series that win, and these change from one evaluation to the next: `for`
starts anew each time, and each change is a notification. A comparison keeps every series that is above the
threshold. `topk by (...) (1, ...)` is let pass: it chooses one of the doubles that a join must not have.

Source: cloudflare/pint, `promql/fragile`.

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopQueuesLong
            expr: topk(5, avg_over_time(shop_queue_seconds{job="shop"}[10m])) > 60
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: Orders wait for more than a minute
              description: '{{ $labels.instance }}: {{ $value | humanizeDuration }}.'
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopQueuesLong
            expr: avg_over_time(shop_queue_seconds{job="shop"}[10m]) > 60
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: Orders wait for more than a minute
              description: '{{ $labels.instance }}: {{ $value | humanizeDuration }}.'
              runbook_url: https://runbooks.example.com/shop
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.promql.ast import Aggregation, Binary, Expr, Unary, unwrap
from tocsin.promql.compare import constant

CHOOSING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})


@lint_rule(Severity.WARNING)
def check(subject: Subject) -> Iterator[Finding]:
    for node in _labelling(subject.rule.expr):
        if isinstance(node, Aggregation) and node.op in CHOOSING and not _chooses_double(node):
            message = f"`{node.op}` keeps other series whenever their order changes, and each is a new alert"
            help = f"leave out `{node.op}`: the comparison keeps every series that is bad"
            yield Finding(message, subject.span(node), "labels that come and go", help)


def _chooses_double(node: Aggregation) -> bool:
    return bool(node.grouping) and node.param is not None and constant(node.param) == 1


def _labelling(expr: Expr) -> Iterator[Expr]:
    """The nodes from which the labels of the result are taken."""
    node = unwrap(expr)
    yield node
    match node:
        case Unary(expr=inner) | Aggregation(op="topk" | "bottomk" | "limitk" | "limit_ratio", expr=inner):
            yield from _labelling(inner)
        case Binary(op="or", lhs=lhs, rhs=rhs):
            yield from _labelling(lhs)
            yield from _labelling(rhs)
        case Binary(op="and" | "unless", lhs=lhs):
            yield from _labelling(lhs)
        case Binary(lhs=lhs, rhs=rhs):
            yield from _kept(node, lhs, rhs)


def _kept(node: Binary, lhs: Expr, rhs: Expr) -> Iterator[Expr]:
    """The side whose labels an arithmetic operation or a comparison keeps."""
    if constant(lhs) is not None:
        yield from _labelling(rhs)
    elif constant(rhs) is not None or node.matching.cardinality == "many-to-one":
        yield from _labelling(lhs)
    elif node.matching.cardinality == "one-to-many":
        yield from _labelling(rhs)
    elif not node.matching.on:
        yield from _labelling(lhs)
