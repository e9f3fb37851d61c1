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

# An action that names no deed: the verb alone, or with an object that is the alert itself.
_VAGUE = re.compile(
    r"(please\s+)?((investigate|check|look|monitor|watch|see|review|debug|fix|be aware|(take|have) a look|do something)"
    r"(\s+(it|this|that|into|at|on|the|issue|problem|alert|error|what|is|wrong|happening|going|asap|now))*"
    r"|none|nothing|n/?a|tbd|todo|unknown|fyi|\?+|-+)[\s.!]*",
    re.IGNORECASE,
)

HELP = "say what a person does first, such as `Roll back the last deploy.`; if there is nothing to do, do not page"


@lint_rule(texts=True)
def check(subject: Subject) -> Iterator[Finding]:
    if not subject.wakes:
        return
    action = subject.rule.annotations.get("action", "").strip()
    if subject.planned and not action:
        message = "this alert wakes a person and does not say what to do"
        yield Finding(message, subject.place("alert"), "no `action`", HELP)
    elif action and _VAGUE.fullmatch(action):
        message = f"`{action}` is not an action"
        yield Finding(message, subject.place("annotations.action"), "what exactly?", HELP)
    elif not action and not subject.rule.annotations.get("runbook_url"):
        message = "this alert wakes a person, and neither an `action` nor a `runbook_url` says what to do"
        yield Finding(message, subject.place("alert"), "no `action`", HELP, Severity.WARNING)
