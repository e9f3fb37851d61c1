"""An alert without a severity, an owner, a summary or a runbook: nobody knows whom it is for, or what it means.

The severity decides whether a person wakes, the owner who. A summary is what they read first, a runbook what they
read next. A severity that is misspelt takes no route but the last, and a runbook that is no address, or only that of
a server, helps nobody at night.

A rule file may name its owners by other means, so there they are a matter of policy (`noise/house-policy`), as is
every other label and annotation that a team wants.

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
from difflib import get_close_matches
from urllib.parse import urlsplit

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Subject, lint_rule

USUAL = frozenset("page ticket critical warning info none error high medium low major minor notice emergency".split())
"""Severities that rule files have, whether or not the settings define them."""


@lint_rule(texts=True)
def check(subject: Subject) -> Iterator[Finding]:
    rule = subject.rule
    severities = ", ".join(f"`{severity.name}`" for severity in subject.settings.severities)
    if not rule.labels.get("severity"):
        yield _missing(subject, "severity", f"add `severity`: one of {severities}")
    elif misspelt := _misspelt(rule.labels["severity"], subject):
        message = f"there is hardly a severity `{rule.labels['severity']}`"
        place = subject.place("labels.severity", "alert")
        yield Finding(message, place, "misspelt?", f"did you mean `{misspelt}`?", Severity.WARNING)
    # Older rule files have one `message` for both.
    if not rule.annotations.get("summary") and not rule.annotations.get("message"):
        yield _missing(subject, "summary", "add a `summary`: what is wrong, in one sentence")
    if subject.planned and not rule.labels.get("owner"):
        yield _missing(subject, "owner", "add `owner` at the top of the spec: the team that acts")
    # A page of a rule file that says nothing of what to do is `page-without-action`.
    if subject.planned and not rule.annotations.get("runbook_url"):
        severity = Severity.ERROR if subject.wakes else Severity.WARNING
        yield _missing(subject, "runbook", "add `runbook` at the top of the spec", severity)
    if fault := _not_a_page(rule.annotations.get("runbook_url", "").strip()):
        place = subject.place("annotations.runbook_url", "alert")
        help = "give the address of the page that says what to do"
        yield Finding(f"the runbook {fault}", place, "leads nowhere", help, Severity.WARNING)


def _misspelt(severity: str, subject: Subject) -> str | None:
    """The severity that was meant, where one of that name is neither defined nor usual."""
    known = {*USUAL, *(defined.name for defined in subject.settings.severities)}
    if severity.lower() in known or severity in known or "{{" in severity:
        return None
    return next(iter(get_close_matches(severity, sorted(known), n=1, cutoff=0.8)), None)


def _not_a_page(url: str) -> str | None:
    """What is wrong with the address of a runbook, if anything."""
    if not url or "{{" in url:
        return None
    try:
        address = urlsplit(url)
    except ValueError:
        return f"`{url}` is no address"
    if address.scheme not in ("http", "https") or not address.hostname:
        return f"`{url}` is no address"
    if not (address.path.strip("/") or address.query or address.fragment):
        return f"`{url}` is a server, and no page"
    return None


def _missing(subject: Subject, name: str, help: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(f"alert `{subject.rule.name}` has no {name}", subject.place("alert"), f"no {name}", help, severity)
