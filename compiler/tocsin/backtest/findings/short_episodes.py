"""An alert that is over before anybody has looked.

What is resolved within five minutes needed nobody. The limit is `short_episodes` in the `budget` of tocsin.yaml: the
share of an alert's episodes that last less than five minutes. It is held against alerts with three of them or more.

Source: R. Ewaschuk, "My Philosophy on Alerting": every page must be actionable.

Recording::

    checkouts_waiting{job="checkout"} 10x60 90x6 10x120 90x30 10x60 90x7 10x120 90x40 10x60 90x6 10x90

Bad::

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
        for: 10m
        severity: page
        summary: More than 50 checkouts wait
        action: Add two workers to the checkout pool.
        no_data: ignore
"""

from collections.abc import Iterator, Sequence

from tocsin.alerts.timeline import Episode
from tocsin.backtest.findings.api import Finding, Subject, data_rule
from tocsin.backtest.measure import lasted, short
from tocsin.backtest.propose import propose
from tocsin.duration import format_duration

FEWEST = 3
"""Short episodes that are needed to speak of a share."""


@data_rule()
def check(subject: Subject) -> Iterator[Finding]:
    limit = subject.budget.short_episodes

    def meets(episodes: Sequence[Episode]) -> bool:
        brief, ended = short(episodes)
        return brief <= limit.value * ended

    brief, ended = short(subject.episodes)
    if brief < FEWEST or meets(subject.episodes):
        return
    message = (
        f"{brief} of its {ended} episodes, {brief / ended:.0%}, were over in less than 5m: before anybody had looked; "
        f"accepted are {limit.value:.0%}"
    )
    label = f"the shortest fired for {format_duration(lasted(subject.episodes)[0])}"
    yield Finding(message, subject.place("for"), label, propose(subject, meets, "for", "threshold"), limit.severity)
