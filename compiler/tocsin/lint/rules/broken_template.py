"""A text that fails when it is filled in: whoever is woken reads `<error expanding template ...>` instead.

Prometheus checks the syntax of a template when it loads the rules, and no more: a field that there is not, or a `query`
that is no PromQL, fails when the alert fires. A template is given `.Labels`, `.ExternalLabels`, `.ExternalURL` and
`.Value`.

Source: cloudflare/pint, `alerts/template`; Prometheus documentation, "Template reference".

Bad::

    groups:
      - name: shop
        rules:
          - alert: ShopDiskFull
            expr: avg_over_time(shop_disk_used_ratio{job="shop"}[10m]) > 0.9
            for: 15m
            labels: {severity: warning}
            annotations:
              summary: A disk is more than 90% full
              description: '{{ .Instance }}: {{ $value | humanizePercentage }}.'
              runbook_url: https://runbooks.example.com/shop

Good::

    groups:
      - name: shop
        rules:
          - alert: ShopDiskFull
            expr: avg_over_time(shop_disk_used_ratio{job="shop"}[10m]) > 0.9
            for: 15m
            labels: {severity: warning}
            annotations:
              summary: A disk is more than 90% full
              description: '{{ .Labels.instance }}: {{ $value | humanizePercentage }}.'
              runbook_url: https://runbooks.example.com/shop
"""

import re
from collections.abc import Iterator

from tocsin.diagnostics import ProblemError, Text
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.texts import Written, queries, reads, texts
from tocsin.promql.parse import parse
from tocsin.registry import suggest

FIELDS = ("Labels", "ExternalLabels", "ExternalURL", "Value")


@lint_rule(texts=True)
def check(subject: Subject) -> Iterator[Finding]:
    for written in texts(subject):
        yield from _fields(written)
        for query, start, shown in queries(written.text):
            fault = _fault(query)
            if fault:
                message = f"this query is no PromQL: {fault}"
                yield Finding(message, written.at(start, shown), "fails when the alert fires", "correct the query")


def _fields(written: Written) -> Iterator[Finding]:
    for read in reads(written.text):
        place = written.at(read.start, read.shown)
        if read.path[0] not in FIELDS:
            message = f"a template is given no `.{read.path[0]}`"
            yield Finding(message, place, "no such field", suggest(read.path[0], FIELDS))
        elif read.path[0] in ("Labels", "ExternalLabels") and len(read.path) > 2:
            message = f"the label `{read.path[1]}` is a text, and has no `.{read.path[2]}`"
            yield Finding(message, place, "no such field", f"write `$labels.{read.path[1]}`")


_VERB = re.compile(r"%[-+# 0]*[\d.]*[a-zA-Z]")


def _fault(query: str) -> str:
    """Why a query does not parse; one with `%s` and the like only where nothing in their place makes it parse."""
    faults = []
    for filled in ("x", "5m", "1", '"x"') if _VERB.search(query) else ("",):
        try:
            parse(Text.of(_printed(query, filled)))
        except ProblemError as error:
            faults.append(error.problem.message)
        else:
            return ""
    return faults[0]


def _printed(query: str, filled: str) -> str:
    """What `printf` makes of a query where each verb gives `filled`, in quotes where it is `%q`."""
    return _VERB.sub(lambda verb: '"x"' if verb[0].endswith("q") else filled, query).replace("%%", "%")
