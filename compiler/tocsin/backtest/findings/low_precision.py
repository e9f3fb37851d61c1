"""An alert that mostly fires for nothing: people stop to look.

With incidents, each episode is for one of them or for nothing. The limit is `precision` in the `budget` of
tocsin.yaml: the share that must be for an incident. It is held against alerts with two episodes for nothing or more.

Source: B. Beyer et al., "The Site Reliability Workbook", chapter 5 (precision).

Recording::

    checkouts_waiting{job="checkout"} 10x60 90x10 10x120 90x10 10x120 90x30 10x60 90x10 10x60
    incident 320 to 349

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
from tocsin.backtest.measure import fired
from tocsin.backtest.propose import propose

FEWEST = 2
"""Episodes for nothing that are needed to speak of a share."""


@data_rule()
def check(subject: Subject) -> Iterator[Finding]:
    limit = subject.budget.precision

    def meets(episodes: Sequence[Episode]) -> bool:
        return subject.useful(episodes) >= limit.value * len(fired(episodes))

    score = subject.verdict.score
    if score.precision is None or (score.false or 0) < FEWEST or meets(subject.episodes):
        return
    message = (
        f"{score.false} of its {score.fired} episodes were for nothing: a precision of {score.precision:.0%}; "
        f"asked for is {limit.value:.0%}"
    )
    label = f"caught {score.detected} of {len(subject.backtest.incidents)} incidents"
    yield Finding(message, subject.place("expr"), label, propose(subject, meets, "for", "threshold"), limit.severity)
