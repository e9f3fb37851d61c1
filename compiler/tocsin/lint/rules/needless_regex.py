"""A regular expression where a plain comparison says the same: `=~"checkout"`, `=~"^checkout$"`, `=~".*"`.

Prometheus anchors the expressions of matchers at both ends, so `^` and `$` say nothing, and who writes them may
expect that without them a part of the value is enough. A pattern without a wildcard is `=`. `=~".*"` holds for every
series, even one without the label, and `=~".+"` is `!=""`.

Source: cloudflare/pint, `promql/regexp`; Prometheus documentation, "Querying basics" (regex matches are anchored).

Bad::

    groups:
      - name: checkout
        rules:
          - alert: CheckoutErrors
            expr: |
              sum(rate(http_requests_total{job=~"checkout", code=~"5.."}[5m]))
                / sum(rate(http_requests_total{job=~"checkout"}[5m])) > 0.01
            for: 5m
            labels: {severity: critical}
            annotations:
              summary: More than 1% of checkout requests fail
              description: 'The share is {{ $value | humanizePercentage }}.'
              runbook_url: https://runbooks.example.com/checkout

Good::

    groups:
      - name: checkout
        rules:
          - alert: CheckoutErrors
            expr: |
              sum(rate(http_requests_total{job="checkout", code=~"5.."}[5m]))
                / sum(rate(http_requests_total{job="checkout"}[5m])) > 0.01
            for: 5m
            labels: {severity: critical}
            annotations:
              summary: More than 1% of checkout requests fail
              description: 'The share is {{ $value | humanizePercentage }}.'
              runbook_url: https://runbooks.example.com/checkout
"""

from collections.abc import Iterator
from dataclasses import replace

from tocsin.diagnostics import Severity
from tocsin.lint.api import AnyRule, Finding, lint_rule
from tocsin.lint.matchers import is_literal, literal, selectors, written
from tocsin.promql.ast import Matcher, MatchOp

PLAIN: dict[MatchOp, MatchOp] = {"=~": "=", "!~": "!="}


@lint_rule(Severity.INFO)
def check(subject: AnyRule) -> Iterator[Finding]:
    for selector in selectors(subject.rule.expr):
        for matcher in selector.matchers:
            if matcher.op in PLAIN and (said := _said(matcher)):
                message, label, help = said
                yield Finding(message, subject.span(selector), label, help)


def _said(matcher: Matcher) -> tuple[str, str, str] | None:
    """What is wrong, the words beside the caret, and the help; None where the expression is needed."""
    bare = matcher.value.removeprefix("^").removesuffix("$")
    shown = written(matcher)
    plain = replace(matcher, op=PLAIN[matcher.op], value=literal(bare))
    match matcher.op, bare:
        case "=~", ".*":
            return f"`{shown}` holds for every series", "matches anything", "leave it out"
        case "=~", ".+":
            better = written(replace(matcher, op="!=", value=""))
            return f"`{shown}` asks only that there is a value", "needs no regular expression", f"write `{better}`"
        case "!~", ".+":
            better = written(replace(matcher, op="=", value=""))
            return f"`{shown}` asks only that there is no value", "needs no regular expression", f"write `{better}`"
    if is_literal(bare):
        return f"`{shown}` has no wildcard", "needs no regular expression", f"write `{written(plain)}`"
    if bare != matcher.value and not bare.endswith("\\"):
        better = written(replace(matcher, value=bare))
        return f"`{shown}`: matchers are anchored already", "`^` and `$` say nothing", f"write `{better}`"
    return None
