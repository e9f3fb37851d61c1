"""A label that changes while the alert fires: each new value is a new alert, and the old one resolves.

The labels of an alert are its identity. With `$value`, the time or the result of a query in one of them, `for` starts
anew whenever that changes, so the alert hardly ever fires; and if it does, each change is a notification. Such texts
belong in annotations. A label that replaces one by which the series differ makes them one, which Prometheus refuses.

Source: cloudflare/pint, `alerts/template`; Prometheus, rules/alerting.go (`ErrDuplicateAlertLabelSet`).

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopDiskFull
            expr: max by (instance) (avg_over_time(shop_disk_used_ratio{job="shop"}[10m])) > 0.9
            for: 15m
            labels: {severity: warning, used: '{{ $value | humanizePercentage }}'}
            annotations:
              summary: A disk is more than 90% full
              description: '{{ $labels.instance }}.'
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopDiskFull
            expr: max by (instance) (avg_over_time(shop_disk_used_ratio{job="shop"}[10m])) > 0.9
            for: 15m
            labels: {severity: warning}
            annotations:
              summary: A disk is more than 90% full
              description: '{{ $labels.instance }}: {{ $value | humanizePercentage }}.'
              runbook_url: https://runbooks.example.com/shop
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity, Span
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.labels import flow
from tocsin.templates.actions import reads

HELP = "move it to an annotation"


@lint_rule(texts=True)
def check(subject: Subject) -> Iterator[Finding]:
    labels = flow(subject.rule.expr)
    for name, text in subject.rule.labels.items():
        place = subject.place(f"labels.{name}", "labels")
        if reads(text, "value"):
            yield _changing(name, "the value", place)
        elif reads(text, "query"):
            yield _changing(name, "the result of a query", place)
        elif reads(text, "now"):
            yield _changing(name, "the time", place)
        elif name in _identities(subject) and "{{" not in text and text != labels.fixed.get(name):
            message = f"`{name}` tells the series of this alert apart, and here it is the same for all of them"
            help = "give the label another name, or leave it out of `by`"
            yield Finding(message, place, "makes several alerts one", help, Severity.WARNING)
        elif not text.strip() and name not in labels.may:
            message = f"an empty label is no label, and the alert has no `{name}` that this could take away"
            yield Finding(message, place, "does nothing", "remove it, or give it a value", Severity.WARNING)


def _changing(name: str, what: str, place: Span) -> Finding:
    message = f"the label `{name}` holds {what}, so the alert is another one whenever that changes"
    return Finding(message, place, "not the same at each evaluation", HELP)


def _identities(subject: Subject) -> frozenset[str]:
    """The labels that a closed `by` names: without them, its series are the same."""
    labels = flow(subject.rule.expr)
    return frozenset() if labels.may.all_but else labels.meant - set(labels.fixed)
