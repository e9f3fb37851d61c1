"""A text that does not say what is wrong: "something might be wrong" is read at three in the morning.

A summary names the effect on users or on the service, and how much. Words such as *might*, *something*, *unusual*
say that the author did not know; a summary that repeats the alert's name says nothing at all, and "latency is too
high" needs a number beside it. A description may guess at reasons: what is wrong is not a guess.

Source: R. Ewaschuk, "My Philosophy on Alerting"; Google, "Site Reliability Engineering", chapter 6.

Bad::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      errors:
        ratio:
          bad: http_requests_total{job="checkout", code=~"5.."}
          total: http_requests_total{job="checkout"}
    alerts:
      - name: CheckoutErrors
        indicator: errors
        above: 1%
        for: 5m
        severity: page
        summary: something might be wrong
        action: Roll back the last deploy.

Good::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      errors:
        ratio:
          bad: http_requests_total{job="checkout", code=~"5.."}
          total: http_requests_total{job="checkout"}
    alerts:
      - name: CheckoutErrors
        indicator: errors
        above: 1%
        for: 5m
        severity: page
        summary: More than 1% of checkout requests fail
        action: Roll back the last deploy.
"""

import re
from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.lint.api import Finding, Subject, lint_rule

_VAGUE = re.compile(
    r"\b(might|maybe|may be|could be|possibly|perhaps|probably|something|somehow|somewhere|weird|strange|odd|unusual"
    r"|not right|seems?|looks? (bad|wrong|off)|please check|fyi|an error occurred|error occurred"
    r"|(issues?|problems?|anomal(y|ies))( (is|are|was|were|ha(s|ve) been))? (detected|found)"
    r"|(potential|possible|suspected) (issues?|problems?|trouble|anomal(y|ies)))\b"
    r"|^(please )?(check|investigate|look (at|into))\b"
    r"|^(there (is|are) )?(an? |some )?(issues?|problems?|trouble) with\b"
    r"|\b(ha(s|ve|d|ving)|experienc(es?|ing)) (an? |some )?(issues?|problems?|trouble)\W*$",
    re.IGNORECASE,
)
_JUDGED = re.compile(r"\b(is|are) (too |very |quite )?(high|low|slow|bad|large|long|elevated)\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d|\$value|\.Value")

SHORTEST = 15
"""Characters; no sentence that says what is wrong is shorter."""

HELP = "say what users notice and how much of it, such as `More than 1% of checkout requests fail`"


@lint_rule(texts=True)
def check(subject: Subject) -> Iterator[Finding]:
    summary = subject.rule.annotations.get("summary", "").strip()
    severity = Severity.ERROR if subject.planned or subject.wakes else Severity.WARNING
    place = subject.place("annotations.summary")
    if not summary:
        return
    if vague := _VAGUE.search(summary):
        message = f"`{summary}` does not say what is wrong"
        yield Finding(message, place, f"`{vague[0]}` says nothing", HELP, severity)
    elif _letters(summary) == _letters(subject.rule.name):
        yield Finding("the summary only repeats the alert's name", place, "", HELP, severity)
    elif (judged := _JUDGED.search(summary)) and not _NUMBER.search(summary + _description(subject)):
        message = f"`{summary}` does not say how much"
        yield Finding(message, place, f"`{judged[0]}`: how much is that?", HELP, Severity.WARNING)
    elif len(summary) < SHORTEST:
        message = f"a summary of {len(summary)} characters does not say what is wrong"
        yield Finding(message, place, f"shorter than {SHORTEST} characters", HELP, severity)


def _description(subject: Subject) -> str:
    annotations = subject.rule.annotations
    return " ".join(annotations.get(name, "") for name in ("description", "message"))


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
