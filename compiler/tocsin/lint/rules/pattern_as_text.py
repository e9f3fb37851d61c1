"""A regular expression that is compared as text: `job="checkout|payments"` matches no job of two names.

`=` and `!=` compare whole values, letter by letter. A value with `|`, `.*` or `[0-9]` in it was meant for `=~`: as it
stands the selector finds nothing, the alert cannot fire, and nobody is told.

Source: Prometheus documentation, "Querying basics" (label matchers).

Bad::

    groups:
      - name: checkout
        rules:
          - alert: CheckoutDown
            expr: max_over_time(up{job="checkout|payments"}[10m]) == 0
            for: 5m
            labels: {severity: critical}
            annotations:
              summary: An instance of checkout does not answer
              description: '{{ $labels.instance }} has been down for ten minutes.'
              runbook_url: https://runbooks.example.com/checkout

Good::

    groups:
      - name: checkout
        rules:
          - alert: CheckoutDown
            expr: max_over_time(up{job=~"checkout|payments"}[10m]) == 0
            for: 5m
            labels: {severity: critical}
            annotations:
              summary: An instance of checkout does not answer
              description: '{{ $labels.instance }} has been down for ten minutes.'
              runbook_url: https://runbooks.example.com/checkout
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from tocsin.diagnostics import Severity
from tocsin.lint.api import AnyRule, Finding, lint_rule
from tocsin.lint.matchers import selectors, written
from tocsin.promql.ast import MatchOp

PATTERNS: dict[MatchOp, MatchOp] = {"=": "=~", "!=": "!~"}

_PATTERN = re.compile(r"\.[*+]|\w\|\w|\[\w-\w[^\]]*\]|\\[dws]|\(\?|^\^|[^$]\$$|^\d\.\.$|^\d[xX]{2}\|")
"""What hardly any value holds, and most patterns do: a wildcard, a choice, a class of characters, an anchor."""


@lint_rule(Severity.WARNING)
def check(subject: AnyRule) -> Iterator[Finding]:
    for selector in selectors(subject.rule.expr):
        for matcher in selector.matchers:
            if matcher.op in PATTERNS and _PATTERN.search(matcher.value):
                message = f"`{written(matcher)}` compares letter by letter, and the value looks like a pattern"
                help = f"write `{written(replace(matcher, op=PATTERNS[matcher.op]))}`"
                yield Finding(message, subject.span(selector), "matches no series", help)
