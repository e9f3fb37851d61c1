"""An alert that cannot have fired: nothing recorded is what it reads, or it was pending and never long enough.

An alert on series that do not exist is silent whatever happens: a name was misspelt, or a label has changed. That is a
warning. An alert that was pending and never fired, or whose condition never held in a week and more, is a note.

Source: cloudflare/pint, `promql/series`.

Recording::

    checkouts_waiting{job="checkout"} 10x60 90x20 10x60

Bad::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      queue: {gauge: {value: 'checkout_waiting{job="checkout"}', unit: count}}
    alerts:
      - name: CheckoutQueueLong
        indicator: queue
        above: 50
        for: 5m
        severity: page
        summary: More than 50 checkouts wait
        action: Add two workers to the checkout pool.
        no_data: ignore

Good::

    service: checkout
    owner: payments
    runbook: https://runbooks.example.com/checkout
    indicators:
      queue: {gauge: {value: 'checkouts_waiting{job="checkout"}', unit: count}}
    alerts:
      - name: CheckoutQueueLong
        indicator: queue
        above: 50
        for: 5m
        severity: page
        summary: More than 50 checkouts wait
        action: Add two workers to the checkout pool.
        no_data: ignore
"""

from collections.abc import Iterator

from tocsin.backtest.findings.api import Finding, Subject, data_rule, times
from tocsin.backtest.measure import fired
from tocsin.backtest.score import WEEK
from tocsin.diagnostics import Severity
from tocsin.duration import format_duration


@data_rule()
def check(subject: Subject) -> Iterator[Finding]:
    if fired(subject.episodes) or subject.verdict.timeline.failures:
        return
    interval = subject.verdict.timeline.interval
    held = [one.resolved - interval - one.pending for one in subject.episodes if one.resolved is not None]
    if held:
        yield from _pending(subject, max(held), len(held))
    elif unread := subject.what_if.unread():
        message = f"it cannot have fired: nothing recorded is `{unread[0]}`"
        help = "correct the name and the labels, or record what it reads"
        yield Finding(message, subject.place("expr"), "reads nothing", help)
    elif not subject.episodes and subject.backtest.observed >= WEEK:
        weeks = format_duration(subject.backtest.observed // WEEK * WEEK)
        message = f"it never fired: its condition did not hold once in {weeks}"
        yield Finding(message, subject.place("expr"), severity=Severity.INFO, help="see that it can: query its value")


def _pending(subject: Subject, held: int, count: int) -> Iterator[Finding]:
    """That it came near, where incidents do not tell that it need not fire."""
    change = ""
    if subject.knows_incidents:
        episodes = subject.what_if.episodes(for_=held, keep_firing_for=subject.rule.keep_firing_for)
        caught = len(subject.caught(episodes))
        if not caught:
            return
        false = times(len(fired(episodes)) - subject.useful(episodes))
        incidents = f"{caught} incident{'s' * (caught != 1)}"
        change = f"`for: {format_duration(held)}` would have caught {incidents}, and fired {false} for nothing"
    message = f"it was pending {times(count)} and never fired: its condition held for {format_duration(held)} at most"
    yield Finding(message, subject.place("for"), "", change, Severity.INFO)
