"""Two sides that never meet: a label that one side lost keeps any of its series from having a partner.

A binary operator pairs series whose labels are the same. After `sum by (job)` there is no `instance` any more, so what
has one finds no partner, and the whole is empty: an alert that never fires, and a recording rule that records nothing.

Source: cloudflare/pint, `promql/impossible`; Prometheus documentation, "Vector matching".

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopBacklog
            expr: >-
              sum by (queue) (shop_backlog{job="shop"})
                > on (queue, zone) sum by (queue, zone) (avg_over_time(shop_capacity{job="shop"}[10m]))
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: A queue of the shop is longer than its capacity for 10 minutes
              description: '{{ $labels.queue }}: {{ $value }}.'
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopBacklog
            expr: >-
              sum by (queue) (shop_backlog{job="shop"})
                > on (queue) sum by (queue) (avg_over_time(shop_capacity{job="shop"}[10m]))
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: A queue of the shop is longer than its capacity for 10 minutes
              description: '{{ $labels.queue }}: {{ $value }}.'
              runbook_url: https://runbooks.example.com/shop
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import AnyRule, Finding, lint_rule
from tocsin.lint.labels import Names, flow, matched, remover, sources
from tocsin.lint.memo import walked
from tocsin.lint.presence import mismatch
from tocsin.promql.ast import (
    Aggregation,
    Binary,
    Call,
    Expr,
    MatrixSelector,
    ValueType,
    VectorSelector,
    unwrap,
    value_type,
)


@lint_rule(Severity.WARNING)
def check(subject: AnyRule) -> Iterator[Finding]:
    seen: set[Binary] = set()
    for node in walked(subject.rule.expr):
        if isinstance(node, Binary):
            faults = list(_pairs(node, subject))
            yield from faults if node not in seen else ()
            seen |= {node} if faults else set()
        elif isinstance(node, Aggregation) and not node.without:
            yield from _grouped(node, subject)


def _pairs(node: Binary, subject: AnyRule) -> Iterator[Finding]:
    if ValueType.SCALAR in (value_type(node.lhs), value_type(node.rhs)) or node.op == "or" or node.matching.fills:
        return
    if _is_absent(node.lhs) or _is_absent(node.rhs):
        return  # that is `absent-misuse`
    sure = mismatch(node)
    label = sure or _unmet(node) or (INSTANCE if _lone(node.lhs, node.rhs, matched(node)) else None)
    if label:
        empty = "takes nothing away" if node.op == "unless" else "never has a result"
        severity = Severity.ERROR if sure and node.op != "unless" else Severity.WARNING
        message = f"this {empty}: {_why(node, label)}"
        help = f"write `on (...)` or `ignoring ({label})`, or keep `{label}` on both sides"
        yield Finding(message, subject.span(node), f"`{label}` never matches", help, severity)
    elif node.matching.on:
        yield from _idle(node, subject)
    for name in node.matching.include:
        one = node.lhs if node.matching.cardinality == "one-to-many" else node.rhs
        if name not in flow(one).may:
            message = f"no series on the one side has the label `{name}` that is taken from it"
            yield Finding(message, subject.span(remover(one, name)), f"no `{name}` here", f"keep `{name}` there")


def _is_absent(expr: Expr) -> bool:
    node = unwrap(expr)
    return isinstance(node, Call) and node.function in ("absent", "absent_over_time")


def _idle(node: Binary, subject: AnyRule) -> Iterator[Finding]:
    """A label in `on` that neither side can have."""
    for name in node.matching.labels:
        if name not in flow(node.lhs).may and name not in flow(node.rhs).may:
            message = f"neither side has the label `{name}` that `on` names"
            help = f"leave `{name}` out of `on`, or keep it on both sides"
            yield Finding(message, subject.span(remover(node.lhs, name)), f"no `{name}` here", help)


def _unmet(node: Binary) -> str | None:
    """A label that the author counts on at one side, or in `on`, and that the other side cannot have."""
    left, right, names = flow(node.lhs), flow(node.rhs), matched(node)
    named = left.meant | right.meant | (set(node.matching.labels) if node.matching.on else set())
    lost = (name for name in sorted(named) if name in names and (name in left.may) != (name in right.may))
    return next(lost, None)


INSTANCE = "instance"


def _lone(lhs: Expr, rhs: Expr, names: Names) -> bool:
    """Whether one side is as it was scraped, where every series has an instance, and the other has lost that."""
    for side, other in ((lhs, flow(rhs).may), (rhs, flow(lhs).may)):
        lost = not other.all_but and INSTANCE not in other
        if lost and INSTANCE in names and INSTANCE in flow(side).may and _is_scraped(side):
            return True
    return False


def _is_scraped(expr: Expr) -> bool:
    """Whether an expression's labels are those of scraped series; a name with a colon was recorded."""
    node = unwrap(expr)
    match node:
        case VectorSelector(name=name):
            return name is not None and ":" not in name and not name.startswith("ALERTS")
        case MatrixSelector(selector=selector):
            return _is_scraped(selector)
        case Aggregation() | Binary(op="or"):
            return False
    parts = sources(node)
    return bool(parts) and all(map(_is_scraped, parts))


def _why(node: Binary, label: str) -> str:
    left, right = flow(node.lhs), flow(node.rhs)
    if label in left.may and label in right.may:
        return f"`{label}` is {left.fixed[label]!r} on the left and {right.fixed[label]!r} on the right"
    side = "right" if label in left.may else "left"
    return f"the {side} side has no label `{label}`, and the other has"


def _grouped(node: Aggregation, subject: AnyRule) -> Iterator[Finding]:
    """A label in `by` that an aggregation further in has taken away."""
    labels = flow(node.expr)
    if labels.may.all_but:
        return
    for name in node.grouping:
        if name not in labels.may:
            culprit: Expr = remover(node.expr, name)
            message = f"`by ({name})` keeps a label that is already gone"
            yield Finding(
                message, subject.span(culprit), f"takes `{name}` away", f"keep `{name}` here, or leave it out of `by`"
            )
