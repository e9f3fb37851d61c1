"""A page for a cause: something inside is unusual, and users may not notice at all.

Memory in use, threads, collections of garbage, queues, connections, restarts: each has many harmless reasons, and no
list of causes is complete. Page for what users notice (errors, latency, missing traffic, data at risk), and let the
causes be tickets or lines of a dashboard. A forecast that something runs out is a symptom that is still to come.

Source: R. Ewaschuk, "My Philosophy on Alerting" (cause-based alerts); Google, "Site Reliability Engineering",
chapter 6, "Symptoms Versus Causes".

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopManyThreads
            expr: jvm_threads_current{job="shop"} > 400
            for: 10m
            labels: {severity: critical}
            annotations:
              summary: The shop runs more than 400 threads
              description: '{{ $labels.instance }} runs {{ $value }} threads.'
              runbook_url: https://runbooks.example.com/shop#threads

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopManyThreads
            expr: jvm_threads_current{job="shop"} > 400
            for: 10m
            labels: {severity: warning}
            annotations:
              summary: The shop runs more than 400 threads
              description: '{{ $labels.instance }} runs {{ $value }} threads.'
              runbook_url: https://runbooks.example.com/shop#threads
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.causes import PROCESSOR, causes, nothing_left


@lint_rule(Severity.WARNING)
def check(subject: Subject) -> Iterator[Finding]:
    found = causes(subject.rule.expr)
    if subject.wakes and found and set(found) != {PROCESSOR} and not nothing_left(subject.rule.expr):
        cause = next(name for name in found if name != PROCESSOR)
        message = f"this page is for a cause, {cause} (`{found[cause]}`), and not for what users notice"
        help = "make it a ticket, and page for errors, latency or missing traffic"
        yield Finding(message, subject.place("expr"), "a cause", help)
