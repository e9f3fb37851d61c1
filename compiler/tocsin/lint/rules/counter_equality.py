"""A counter held against a number: it only rises until its process restarts, and then it starts from nothing.

`http_errors_total > 1000` becomes true one day, stays true, and ends with a restart; `== 0` is true after each restart.
What an alert is about is how much a counter rises: `rate` or `increase` over a window. Where the metric is no counter
whatever its name says, declare it: `metrics: {NAME: gauge}` in tocsin.yaml.

Source: cloudflare/pint, `promql/counter`; Prometheus documentation, "Metric types".

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopManyErrors
            expr: sum(http_request_errors_total{job="shop"}) > 1000
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: More than 1000 requests to the shop failed
              description: '{{ $value }} requests.'
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopManyErrors
            expr: sum(increase(http_request_errors_total{job="shop"}[1h])) > 1000
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: More than 1000 requests to the shop failed within an hour
              description: '{{ $value }} requests.'
              runbook_url: https://runbooks.example.com/shop
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.conditions import branches
from tocsin.lint.events import one_event
from tocsin.lint.metrics import type_of
from tocsin.promql.ast import Aggregation, Binary, Expr, VectorSelector, unwrap
from tocsin.promql.compare import Comparison, comparisons, constant


@lint_rule(Severity.WARNING)
def check(subject: Subject) -> Iterator[Finding]:
    for conjuncts in branches(subject.rule.expr):
        for found in comparisons(conjuncts):
            raw = _raw(found.value)
            if raw and _is_counter(raw, subject) and _counts(found):
                message = f"`{raw.name}` counts from its process's start: `{found.op} {found.threshold:g}` says nothing"
                help = f"compare its rise, `increase({raw.name}[1h])`, or declare it under `metrics` in tocsin.yaml"
                known = raw.name in subject.settings.metrics and found.op in ("==", "!=")
                severity = Severity.ERROR if known else Severity.WARNING
                yield Finding(message, subject.span(found.node), "a counter without `rate`", help, severity)


def _is_counter(raw: VectorSelector, subject: Subject) -> bool:
    """Whether a metric is declared a counter, or named one of events: `drives_offline_total` is not."""
    if raw.name in subject.settings.metrics:
        return type_of(raw.name, subject.settings.metrics) == "counter"
    return one_event(raw) is not None


def _counts(found: Comparison) -> bool:
    """Whether more is asked than that something was ever counted, which is `single-event`."""
    return found.op not in (">", ">=") or found.threshold > 1


def _raw(expr: Expr) -> VectorSelector | None:
    """The selector whose value an expression is, added up or scaled."""
    node = unwrap(expr)
    match node:
        case VectorSelector():
            return node
        case Aggregation(op="sum" | "min" | "max" | "avg", expr=inner):
            return _raw(inner)
        case Binary(op="*" | "/", lhs=lhs, rhs=rhs) if constant(rhs) is not None:
            return _raw(lhs)
    return None
