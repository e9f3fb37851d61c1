"""A text that is the same for every series: ten alerts arrive, and none says which machine it means.

The expression keeps labels that tell its series apart, and neither the summary nor the description has one of them.
Notifications show labels only where their template does. Write `{{ $labels.instance }}`, or the label that a person
looks for first.

Many teams have templates that show all labels, so this rule is off unless the settings give it a level.

Source: Prometheus documentation, "Alerting rules" (templating); R. Ewaschuk, "My Philosophy on Alerting".

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopQueueLong
            expr: avg by (instance, queue) (shop_queue_length{job="shop"}) > 1000
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: Orders wait for more than ten minutes
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopQueueLong
            expr: avg by (instance, queue) (shop_queue_length{job="shop"}) > 1000
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: Orders in {{ $labels.queue }} of {{ $labels.instance }} wait for more than ten minutes
              runbook_url: https://runbooks.example.com/shop
"""

import re
from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.labels import NAME
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.labels import flow

_LABELS = re.compile(r"\$labels|\.Labels|\bquery\b|\{\{\s*template\b")


@lint_rule(Severity.INFO, optional=True)
def check(subject: Subject) -> Iterator[Finding]:
    rule, of = subject.rule, flow(subject.rule.expr)
    apart = sorted(of.meant - of.fixed.keys() - {NAME})
    texts = [text for name, text in rule.annotations.items() if name != "runbook_url"]
    if subject.planned or not apart or not texts or any(map(_LABELS.search, texts)):
        return
    shown = " and ".join(f"`{name}`" for name in apart[:3])
    message = f"the series differ in {shown}, and the text of the alert is the same for all"
    place = subject.place("annotations.summary", "annotations.message", "alert")
    yield Finding(message, place, "which one?", f"name it: `{{{{ $labels.{apart[0]} }}}}`")
