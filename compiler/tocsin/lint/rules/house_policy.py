"""An alert that is not as the team has agreed: a label, an annotation, a name, a wait or a window.

What every alert must carry beyond a severity and a summary differs from team to team: the owner, a dashboard, names
that sort well, no `for` of an hour. The team writes it down once, as `policy` in tocsin.yaml; where nothing is
written, this rule finds nothing. Values are regular expressions that the whole text must match.

Source: cloudflare/pint, `alerts/annotation`, `rule/label`, `rule/name`, `rule/for`, `promql/range_query`.

Settings::

    policy:
      labels: {team: 'payments|search'}
      annotations: {dashboard_url: 'https://grafana\\.example\\.com/.+'}
      alert: '[A-Z][A-Za-z0-9]*'
      for: {least: 2m, most: 30m}
      window: {most: 30d}

Bad::

    groups:
      - name: checkout
        rules:
          - alert: checkout_errors
            expr: |
              sum(rate(http_requests_total{job="checkout", code=~"5.."}[5m]))
                / sum(rate(http_requests_total{job="checkout"}[5m])) > 0.01
            for: 1h
            labels: {severity: critical, team: paymnts}
            annotations:
              summary: More than 1% of checkout requests fail
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
            labels: {severity: critical, team: payments}
            annotations:
              summary: More than 1% of checkout requests fail
              dashboard_url: https://grafana.example.com/d/checkout
              runbook_url: https://runbooks.example.com/checkout
"""

from collections.abc import Iterator, Mapping

from tocsin.diagnostics import Span
from tocsin.duration import format_duration
from tocsin.lint.api import AnyRule, Finding, lint_rule
from tocsin.lint.conditions import windows
from tocsin.promql.match import regex
from tocsin.rules import AlertingRule
from tocsin.spec.policy import Range


@lint_rule(texts=True)
def check(subject: AnyRule) -> Iterator[Finding]:
    policy, rule = subject.settings.policy, subject.rule
    for node in windows(rule.expr):
        yield from _length(subject.span(node), node.range, "window", policy.window)
    if isinstance(rule, AlertingRule):
        yield from _name(subject, "alert", policy.alert)
        yield from _texts(subject, "label", rule.labels, policy.labels)
        yield from _texts(subject, "annotation", rule.annotations, policy.annotations)
        # A rule without `for` is pointed at by its name.
        yield from _length(subject.place("for", "alert"), rule.for_, "`for`", policy.for_)
    else:
        yield from _name(subject, "record", policy.record)


def _name(subject: AnyRule, key: str, pattern: str) -> Iterator[Finding]:
    name = subject.rule.name
    if pattern and not regex(pattern).fullmatch(name):
        yield Finding(f"the name `{name}` is not as the policy has it", subject.place(key), "", f"match `{pattern}`")


def _texts(subject: AnyRule, noun: str, texts: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[Finding]:
    """Labels or annotations that are missing, or whose texts are not as the policy has them."""
    for name, pattern in wanted.items():
        text = texts.get(name, "")
        if not text:
            message = f"alert `{subject.rule.name}` has no {noun} `{name}`"
            yield Finding(message, subject.place("alert"), f"no `{name}`", f"add one that matches `{pattern}`")
        elif "{{" not in text and not regex(pattern).fullmatch(text):
            place = subject.place(f"{noun}s.{name}", "alert")
            yield Finding(f"`{text}` is no `{name}` of the policy", place, "not as agreed", f"match `{pattern}`")


def _length(span: Span, ms: int, noun: str, allowed: Range) -> Iterator[Finding]:
    if allowed.least is not None and ms < allowed.least:
        bound = format_duration(allowed.least)
        yield Finding(f"the policy has no {noun} under {bound}", span, "not as agreed", f"write `{bound}` or more")
    if allowed.most is not None and ms > allowed.most:
        bound = format_duration(allowed.most)
        yield Finding(f"the policy has no {noun} over {bound}", span, "not as agreed", f"write `{bound}` or less")
