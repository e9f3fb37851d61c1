"""An alert that fires almost all the time: it tells of no change, and hides the next one.

What fires for more than nine tenths of the recorded time is how things are. The threshold is wrong, or nobody means to
act. A dead-man's switch, which is meant to fire always, has the severity `none`.

Source: cloudflare/pint, `alerts/comparison`; R. Ewaschuk, "My Philosophy on Alerting".

Recording::

    checkouts_waiting{job="checkout"} 60x200 90x30 60x200

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
        summary: The checkout queue is too long
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
        above: 70
        for: 5m
        severity: page
        summary: The checkout queue is too long
        action: Add two workers to the checkout pool.
        no_data: ignore
"""

from collections.abc import Iterator, Sequence

from tocsin.alerts.timeline import Episode
from tocsin.backtest.findings.api import Finding, Subject, data_rule
from tocsin.backtest.measure import HOUR, MINUTE, longest
from tocsin.backtest.propose import propose
from tocsin.duration import format_duration

SHARE = 0.9


@data_rule()
def check(subject: Subject) -> Iterator[Finding]:
    window, observed = subject.backtest.window, subject.backtest.observed
    if observed < HOUR or _covered(subject.incident_spans(), window.start, window.end) > observed / 2:
        return

    def meets(episodes: Sequence[Episode]) -> bool:
        return longest(episodes, window.end)[0] <= SHARE * observed

    time, labels = longest(subject.episodes, window.end)
    if meets(subject.episodes):
        return
    time = min(time, observed)
    message = (
        f"it fired for {format_duration(time // MINUTE * MINUTE)} of {format_duration(observed // MINUTE * MINUTE)} "
        f"of recorded time{subject.which(labels)}"
    )

    def tell(episodes: Sequence[Episode]) -> str:
        return f"fired for {longest(episodes, window.end)[0] / observed:.0%} of the time"

    label = f"firing {time / observed:.0%} of the time"
    yield Finding(message, subject.place("expr"), label, propose(subject, meets, "threshold", tell=tell))


def _covered(spans: Sequence[tuple[int, int]], start: int, end: int) -> int:
    """How much of a window some spans cover, which may overlap."""
    total, last = 0, start
    for first, until in sorted(spans):
        first, until = max(first, last), min(until, end)
        total += max(0, until - first)
        last = max(last, until)
    return total
