"""A text with a label that the query has taken away: it reads "Instance  is down", and nobody knows which.

`$labels` are the labels of the query's result. What `sum` or `by` dropped is not among them, nor what the rule adds in
`labels`; each such place stays empty. `absent` has only the labels that its matchers name with `=`.

Source: cloudflare/pint, `alerts/template`; Prometheus documentation, "Template reference".

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopDiskFull
            expr: max by (job) (avg_over_time(shop_disk_used_ratio{job="shop"}[10m])) > 0.9
            for: 15m
            labels: {severity: warning}
            annotations:
              summary: A disk is more than 90% full
              description: '{{ $labels.instance }}: {{ $value | humanizePercentage }}.'
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopDiskFull
            expr: max by (job, instance) (avg_over_time(shop_disk_used_ratio{job="shop"}[10m])) > 0.9
            for: 15m
            labels: {severity: warning}
            annotations:
              summary: A disk is more than 90% full
              description: '{{ $labels.instance }}: {{ $value | humanizePercentage }}.'
              runbook_url: https://runbooks.example.com/shop
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.labels import flow, remover
from tocsin.lint.texts import Read, Written, reads, texts
from tocsin.promql.ast import Aggregation, Call, Expr
from tocsin.promql.print import print_expr


@lint_rule(Severity.WARNING, texts=True)
def check(subject: Subject) -> Iterator[Finding]:
    labels = flow(subject.rule.expr)
    for written in texts(subject):
        for read in reads(written.text):
            if read.path[0] == "Labels" and len(read.path) == 2 and read.path[1] not in labels.may:
                yield _finding(read, written, subject)


def _finding(read: Read, written: Written, subject: Subject) -> Finding:
    name = read.path[1]
    culprit = remover(subject.rule.expr, name)
    if name in subject.rule.labels:
        why, help = "the rule adds it only afterwards", f"write its value, `{subject.rule.labels[name]}`"
    else:
        why, help = f"{_shown(culprit)} does not keep it", _repair(culprit, name)
    message = f"`{read.shown}` is always empty: {why}"
    severity = Severity.ERROR if subject.compiled else Severity.WARNING
    return Finding(message, written.at(read.start, read.shown), f"no label `{name}`", help, severity)


def _shown(node: Expr) -> str:
    match node:
        case Aggregation(op=op, grouping=names, without=without) if names:
            return f"`{op} {'without' if without else 'by'} ({', '.join(names)})`"
        case Aggregation(op=op):
            return f"`{op}`"
        case Call(function=function):
            return f"`{function}`"
    text = print_expr(node)
    return f"`{text}`" if len(text) <= 60 else "the query"


def _repair(culprit: Expr, name: str) -> str:
    if isinstance(culprit, Aggregation) and not culprit.without:
        return f"write `{culprit.op} by ({', '.join((*culprit.grouping, name))})`, or leave it out of the text"
    return f"keep `{name}` in the query, or leave it out of the text"
