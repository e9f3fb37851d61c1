"""A rule of which many alerts fire at once: one trouble, and a page for each instance.

Where a whole pool is in trouble, a person needs to know that once. The limit is `alerts_at_once` in the `budget` of
tocsin.yaml; for alerts that wake nobody it is five times as many, unless it is written.

Source: cloudflare/pint, `alerts/count`; B. Beyer et al., "Site Reliability Engineering", chapter 6.

Recording::

    checkouts_waiting{job="checkout", instance="00"} 10x60 90x30 10x60
    checkouts_waiting{job="checkout", instance="01"} 10x60 90x30 10x60
    checkouts_waiting{job="checkout", instance="02"} 10x60 90x30 10x60
    checkouts_waiting{job="checkout", instance="03"} 10x60 90x30 10x60
    checkouts_waiting{job="checkout", instance="04"} 10x60 90x30 10x60
    checkouts_waiting{job="checkout", instance="05"} 10x60 90x30 10x60
    checkouts_waiting{job="checkout", instance="06"} 10x60 90x30 10x60
    checkouts_waiting{job="checkout", instance="07"} 10x60 90x30 10x60
    checkouts_waiting{job="checkout", instance="08"} 10x60 90x30 10x60
    checkouts_waiting{job="checkout", instance="09"} 10x60 90x30 10x60
    checkouts_waiting{job="checkout", instance="10"} 10x60 90x30 10x60
    checkouts_waiting{job="checkout", instance="11"} 10x60 90x30 10x60

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
      queue: {gauge: {value: 'max(checkouts_waiting{job="checkout"})', unit: count}}
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

from collections import defaultdict
from collections.abc import Collection, Iterator

from tocsin.backtest.findings.api import Finding, Subject, data_rule, moment
from tocsin.backtest.measure import Crowd, at_once
from tocsin.labels import Labels

TICKETS = 5
"""How many times as many may fire at once where nobody is woken."""


@data_rule()
def check(subject: Subject) -> Iterator[Finding]:
    limit = subject.budget.alerts_at_once
    most = limit.value * (1 if subject.wakes or limit.written else TICKETS)
    crowd = at_once(subject.episodes)
    if len(crowd.alerts) <= most:
        return
    counts = _varying(crowd.alerts)
    told = ", ".join(f"`{name}` ({count:,} values)" for name, count in counts[:3])
    message = f"{len(crowd.alerts):,} alerts of it fired at once at {moment(crowd.at)}; accepted are {most:g}"
    yield Finding(message, subject.place("expr"), f"they differ in {told}", _aggregated(subject, most), limit.severity)


def _varying(alerts: Collection[Labels]) -> list[tuple[str, int]]:
    """The labels in which alerts differ, and how many values each has; most first."""
    values: defaultdict[str, set[str]] = defaultdict(set)
    for labels in alerts:
        for name, value in labels:
            values[name].add(value)
    counts = [(name, len(found)) for name, found in sorted(values.items()) if len(found) > 1]
    return sorted(counts, key=lambda pair: -pair[1])


def _aggregated(subject: Subject, most: float) -> str:
    """Without which labels few enough would fire at once: those with the most values go first."""
    without: list[str] = []
    crowd: Crowd = at_once(subject.episodes)
    while len(crowd.alerts) > most and (varying := _varying(crowd.alerts)):
        without.append(varying[0][0])
        crowd = at_once(subject.episodes, without)
    names = ", ".join(f"`{name}`" for name in without)
    return f"aggregate over {names} (`sum`, `max`, or `by` the others): no more than {len(crowd.alerts)} would fire"
