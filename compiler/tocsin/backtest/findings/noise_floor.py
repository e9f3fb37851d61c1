"""A threshold within the noise of its value: it is crossed many times a day, and nothing is wrong.

An alert is worth its threshold only where healthy values stay on one side of it. This rule counts how often the value
goes beyond the threshold by less than a tenth of it (of a share, of the way to 0% or 100%), outside incidents if those
are known: more than four times a recorded day, and five times in all. `for` hides that from people, not from the rule.

Source: B. Beyer et al., "Site Reliability Engineering", chapter 6 (signal and noise).

Recording::

    checkouts_waiting{job="checkout"} 10x60 52x3 10x90 55x3 10x80 51x2 10x60 53x4 10x90 54x3 10x60 52x2 10x60 95x30 10x9

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
        above: 60
        for: 5m
        severity: page
        summary: The checkout queue is too long
        action: Add two workers to the checkout pool.
        no_data: ignore
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tocsin.alerts.timeline import Episode
from tocsin.backtest.findings.api import Finding, Subject, data_rule, times
from tocsin.backtest.measure import DAY
from tocsin.backtest.propose import propose
from tocsin.promql.compare import Comparison

if TYPE_CHECKING:
    from tocsin.alerts.episodes import Episodes

A_DAY = 4
FEWEST = 5
MARGIN = 0.1


@data_rule()
def check(subject: Subject) -> Iterator[Finding]:
    observed = subject.backtest.observed
    most = max(FEWEST - 1, A_DAY * observed / DAY)
    if subject.limit is None or _moments(subject.idle(subject.episodes)) <= most:
        return
    runs = subject.idle(subject.what_if.episodes(for_=0, keep_firing_for=0))
    barely = _moments(_barely(subject, subject.limit, runs))
    if barely <= most:
        return
    others = _moments(runs) - barely

    def meets(episodes: Sequence[Episode]) -> bool:
        return _moments(subject.idle(episodes)) <= most + others

    where = " outside incidents" if subject.knows_incidents else ""
    message = (
        f"the value crossed the threshold by less than a tenth {times(barely)}{where}, "
        f"{barely * DAY / observed:.1f} times a recorded day: the threshold lies within its noise"
    )

    def tell(episodes: Sequence[Episode]) -> str:
        return f"crossed it {times(_moments(subject.idle(episodes)))} instead of {times(barely + others)}"

    label = f"all crossings{where}: {barely + others}"
    yield Finding(message, subject.place("expr"), label, propose(subject, meets, "threshold", tell=tell))


def _moments(episodes: Episodes) -> int:
    """How often a value began to be beyond the threshold; series that begin together count once."""
    return len(set(episodes.pending.tolist()))


def _barely(subject: Subject, limit: Comparison, runs: Episodes) -> Episodes:
    """The times that a value was beyond the threshold and never went on by a tenth of its way to zero or one."""
    room = min(abs(limit.threshold), abs(1 - limit.threshold)) if 0 < limit.threshold < 1 else abs(limit.threshold)
    further = limit.threshold + (MARGIN * room if limit.op in (">", ">=") else -MARGIN * room)
    return runs.where(~runs.holding(subject.what_if.episodes(for_=0, keep_firing_for=0, threshold=further)))
