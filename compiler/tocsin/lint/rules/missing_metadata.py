"""An alert without a severity, an owner, a summary or a runbook: nobody knows whom it is for, or what it means.

The severity decides whether a person wakes, the owner who. A summary is what they read first, a runbook what they
read next.

Source: Google, "Site Reliability Engineering", chapter 11, "Being On-Call"; R. Ewaschuk, "My Philosophy on Alerting".

Bad::

    service: checkout
    owner: payments
    indicators:
      p99:
        latency: {histogram: 'http_request_duration_seconds{job="checkout"}', quantile: 99%}
    alerts:
      - name: CheckoutSlow
        indicator: p99
        above: 2s
        for: 10m
        severity: page
        summary: One checkout request in a hundred takes over two seconds
        action: Scale the checkout pool to twice its size.

Good::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      p99:
        latency: {histogram: 'http_request_duration_seconds{job="checkout"}', quantile: 99%}
    alerts:
      - name: CheckoutSlow
        indicator: p99
        above: 2s
        for: 10m
        severity: page
        summary: One checkout request in a hundred takes over two seconds
        action: Scale the checkout pool to twice its size.
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Subject, lint_rule


@lint_rule()
def check(subject: Subject) -> Iterator[Finding]:
    rule = subject.rule
    severities = ", ".join(f"`{severity.name}`" for severity in subject.settings.severities)
    if not rule.labels.get("severity"):
        yield _missing(subject, "severity", f"add `severity`: one of {severities}")
    if not rule.annotations.get("summary"):
        yield _missing(subject, "summary", "add a `summary`: what is wrong, in one sentence")
    if subject.planned and not rule.labels.get("owner"):
        yield _missing(subject, "owner", "add `owner` at the top of the spec: the team that acts")
    # A page of a rule file that says nothing of what to do is `page-without-action`.
    if subject.planned and not rule.annotations.get("runbook_url"):
        severity = Severity.ERROR if subject.wakes else Severity.WARNING
        yield _missing(subject, "runbook", "add `runbook` at the top of the spec", severity)


def _missing(subject: Subject, name: str, help: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(f"alert `{subject.rule.name}` has no {name}", subject.place("alert"), f"no {name}", help, severity)
