"""An alert that fires, is resolved, and fires again: one trouble tells people many times.

What comes and goes around its threshold is one thing to a person, and each time it comes is another notification.
`keep_firing_for` bridges the gaps, a longer `for` leaves the short ones out. The limit is `flaps_per_hour` in the
`budget` of tocsin.yaml: how often within an hour one alert fires again that was resolved less than an hour before,
unless it is the first to tell of another incident.

Source: Prometheus documentation, "Alerting rules" (`keep_firing_for`); prometheus/alertmanager issue 204.

Recording::

    checkouts_waiting{job="checkout"} 10x60 90x12 10x4 90x12 10x4 90x12 10x4 90x12 10x60

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
        for: 5m
        keep_firing_for: 10m
        severity: page
        summary: More than 50 checkouts wait
        action: Add two workers to the checkout pool.
        no_data: ignore
"""

from collections.abc import Iterator, Sequence

from tocsin.alerts.timeline import Episode
from tocsin.backtest.findings.api import Finding, Subject, data_rule, moment, times
from tocsin.backtest.measure import Flaps, fired, flaps, lasted
from tocsin.backtest.propose import propose
from tocsin.duration import format_duration


@data_rule()
def check(subject: Subject) -> Iterator[Finding]:
    limit = subject.budget.flaps_per_hour
    worst = _worst(subject, subject.episodes)
    if worst.count <= limit.value:
        return
    durations = lasted(subject.episodes)
    message = (
        f"it fired again {times(worst.count)} in the hour from {moment(worst.start)}, each time less than an hour "
        f"after it was resolved; accepted are {limit.value:g}{subject.which(worst.labels)}"
    )
    typical = format_duration(durations[len(durations) // 2])
    label = f"fired {times(len(fired(subject.episodes)))}, half of them for no longer than {typical}"
    change = propose(subject, lambda some: _worst(subject, some).count <= limit.value, "for", "keep_firing_for")
    yield Finding(message, subject.place("keep_firing_for", "for"), label, change, limit.severity)


def _worst(subject: Subject, episodes: Sequence[Episode]) -> Flaps:
    return flaps(episodes, subject.news(episodes))
