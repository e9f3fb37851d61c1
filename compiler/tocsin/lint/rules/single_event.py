"""An alert that a single event fires: any one error, restart or timeout wakes a person.

One failed request is not an outage. A count of events over a window stays above zero for the whole window after one
event, so a `for` that is not longer than the window does not help. Alert on a share of the traffic (`ratio`), or on
a number of events that means something, or hold the condition for longer than the window.

Source: Google, "The Site Reliability Workbook", chapter 5, "Alerting on SLOs"; R. Ewaschuk, "My Philosophy on
Alerting".

Bad::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      failures: {rate: 'http_requests_total{job="checkout", code=~"5.."}'}
    alerts:
      - name: CheckoutFails
        indicator: failures
        above: 0/s
        for: 1m
        severity: page
        summary: Checkout answers with a server error
        action: Roll back the last deploy.
        no_data: ignore

Good::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      failures:
        ratio:
          bad: http_requests_total{job="checkout", code=~"5.."}
          total: http_requests_total{job="checkout"}
    alerts:
      - name: CheckoutFails
        indicator: failures
        above: 1%
        for: 5m
        severity: page
        summary: More than 1% of checkout requests fail
        action: Roll back the last deploy.
        no_data: ignore
"""

from collections.abc import Iterator

from tocsin.diagnostics import Severity
from tocsin.duration import format_duration
from tocsin.lint.api import Finding, Subject, lint_rule
from tocsin.lint.conditions import branches
from tocsin.lint.events import Count, one_event
from tocsin.promql.compare import Comparison, comparisons

HELP = "alert on a share of the traffic (`ratio`, `above: 1%`)"


@lint_rule()
def check(subject: Subject) -> Iterator[Finding]:
    for conjuncts in branches(subject.rule.expr):
        compared = comparisons(conjuncts)
        if compared and len(compared) == len(conjuncts):
            counts = [(found, one_event(found.value)) for found in compared]
            if all(count is not None and _fires(found, count, subject) for found, count in counts):
                yield _finding(*counts[0], subject)


def _fires(found: Comparison, count: Count | None, subject: Subject) -> bool:
    """Whether one event passes the threshold for as long as `for` asks.

    The increase over a window is extrapolated to its edges, so one event counts as a little more than one.
    """
    if count is None or (count.window is not None and subject.rule.for_ > count.window):
        return False
    match found.op:
        case ">":
            return found.threshold < count.value or (found.threshold == count.value and not count.exact)
        case ">=":
            return found.threshold <= count.value
        case "<":
            return count.whole is not None and found.threshold == count.whole
        case "!=":
            return found.threshold in (0, count.whole)
        case "==":
            return found.threshold == count.value
    return False


def _finding(found: Comparison, count: Count | None, subject: Subject) -> Finding:
    assert count is not None
    held = f" for {format_duration(count.window)}" if count.window is not None else ""
    # An increase is extrapolated to the edges of its window.
    more = "a little over " if found.op == ">" and found.threshold == count.value else ""
    value = count.value
    if count.whole is not None and found.threshold == count.whole:
        more, value = "a little less than ", count.whole
    gives = f"it gives {more}{value:.3g}{held}"
    message = f"a single event fires this alert: {gives}, the threshold is {found.threshold:g}"
    certain = subject.planned is not None or subject.wakes
    severity = Severity.ERROR if certain else Severity.WARNING
    span = subject.place("expr") if subject.planned else subject.span(found.node)
    numbers = {"value": value, "threshold": found.threshold}
    return Finding(message, span, "one event is enough", HELP, severity, numbers=numbers)
