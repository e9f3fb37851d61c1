"""A page that does not say what to do: it wakes a person, and leaves them to guess.

If there is nothing to do, there is nothing to wake anybody for. Say what a person does first, in the imperative:
roll back, fail over, add a disk. "Investigate" is not an action.

Source: R. Ewaschuk, "My Philosophy on Alerting": every page should be actionable.

Bad::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      up: {up: 'up{job="checkout"}'}
    alerts:
      - name: CheckoutDown
        indicator: up
        above: 50%
        for: 5m
        severity: page
        summary: Half of the checkout servers do not answer
        no_data: ignore

Good::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      up: {up: 'up{job="checkout"}'}
    alerts:
      - name: CheckoutDown
        indicator: up
        above: 50%
        for: 5m
        severity: page
        summary: Half of the checkout servers do not answer
        action: Fail over to the standby region.
        no_data: ignore
"""

import re
from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Subject, lint_rule

_CLAUSES = re.compile(r"[.,;:!\s]*[.,;:!](?:\s+|$)")

_NO_DEED = (
    r"investigate|check|look|monitor|watch|see|review|examine|inspect|analy[sz]e|debug|fix|resolve|be aware"
    r"|(take|have) a look|do something|keep an eye|find out|figure out|wait|ignore|ack(nowledge)?|escalate"
    r"|(contact|ask|notify|inform|tell|ping)(?= (the )?(team|owners?|someone|somebody|dev(eloper)?s?|ops)$)"
    r"|use your (own |best )?judge?ment"
)
"""What is not yet to do anything."""

_ITSELF = (
    r"it|this|that|the|any|into|at|on|out|up|with|and|then|or|now|asap|closely|further|what|why|is|are|was|went|going"
    r"|happen(ing|ed)|wrong|failing|issues?|problems?|alerts?|errors?|incident|situation|(root )?cause|logs?|metrics"
    r"|dashboards?|graphs?|service|system|server|application|team|owners?|someone|somebody|dev(eloper)?s?|ops"
)
"""What it is done to: the alert, or what everything is about."""

_VAGUE = re.compile(
    rf"((please |just |and |or |then )*({_NO_DEED})( ({_NO_DEED}|{_ITSELF}))*"
    r"|(something|there (is|might|may|could)|maybe|might)\b.*"
    r"|none|nothing( to (do|be done))?|no (action|response)( is)?( needed| required| necessary)?"
    r"|n/?a|tbd|todo|unknown|fyi|\?+|-+)\.?",
    re.IGNORECASE,
)
"""A clause that names no deed."""

HELP = "say what a person does first, such as `Roll back the last deploy.`; if there is nothing to do, do not page"


@lint_rule(texts=True)
def check(subject: Subject) -> Iterator[Finding]:
    if not subject.wakes:
        return
    action = subject.rule.annotations.get("action", "").strip()
    if subject.planned and not action:
        message = "this alert wakes a person and does not say what to do"
        yield Finding(message, subject.place("alert"), "no `action`", HELP)
    elif action and all(_VAGUE.fullmatch(clause) for clause in _clauses(action)):
        message = f"`{action}` is not an action"
        yield Finding(message, subject.place("annotations.action"), "what exactly?", HELP)
    elif not action and not subject.rule.annotations.get("runbook_url"):
        message = "this alert wakes a person, and neither an `action` nor a `runbook_url` says what to do"
        yield Finding(message, subject.place("alert"), "no `action`", HELP, Severity.WARNING)


def _clauses(text: str) -> list[str]:
    return [clause for clause in _CLAUSES.split(" ".join(text.split())) if clause]
