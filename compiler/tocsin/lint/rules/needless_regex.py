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
from tocsin.lint.fixes import replaced_within
from tocsin.lint.matchers import is_literal, literal, selectors, written
from tocsin.promql.ast import Matcher, MatchOp

PLAIN: dict[MatchOp, MatchOp] = {"=~": "=", "!~": "!="}


@lint_rule(Severity.INFO)
def check(subject: AnyRule) -> Iterator[Finding]:
    for selector in selectors(subject.rule.expr):
        for matcher in selector.matchers:
            if matcher.op in PLAIN and (said := _said(matcher)):
                message, label, help, better = said
                span = subject.span(selector)
                fix = replaced_within(span, written(matcher), written(better)) if better else None
                yield Finding(message, span, label, help, fix=fix)


def _said(matcher: Matcher) -> tuple[str, str, str, Matcher | None] | None:
    """What is wrong, the words beside the caret, the help, and the better matcher; None where all is well."""
    shown = written(matcher)
    if (matcher.op, matcher.value) == ("=~", ".*"):
        return f"`{shown}` holds for every series", "matches anything", "leave it out", None
    better = _better(matcher)
    if better is None:
        return None
    help = f"write `{written(better)}`"
    if better.op == matcher.op:
        return f"`{shown}`: matchers are anchored already", "`^` and `$` say nothing", help, better
    said = "asks only whether there is a value" if not better.value else "has no wildcard"
    return f"`{shown}` {said}", "needs no regular expression", help, better


def _better(matcher: Matcher) -> Matcher | None:
    """A matcher that says the same in less, if there is one."""
    bare = matcher.value.removeprefix("^").removesuffix("$")
    if matcher.value == ".+":
        return replace(matcher, op="!=" if matcher.op == "=~" else "=", value="")
    for text in (matcher.value, bare):
        if is_literal(text):
            return replace(matcher, op=PLAIN[matcher.op], value=literal(text))
    return replace(matcher, value=bare) if bare != matcher.value and not bare.endswith("\\") else None
