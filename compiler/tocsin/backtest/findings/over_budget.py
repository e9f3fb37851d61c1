"""An owner that is woken more often than a person can bear, and the alert that does it most.

The limit is `pages_per_week` in the `budget` of tocsin.yaml: of all alerts of an owner that wake a person, in a week of
recorded time. A page is a notification that tells of such an alert for the first time, or again; where no Alertmanager
is known, an episode that fires. Where less than a week is recorded, what it holds is held against the limit of a whole
week: what is not known is taken to be quiet. The finding stands at the alert that paged most.

Source: B. Beyer et al., "Site Reliability Engineering", chapter 11 (at most two events in a shift of twelve hours).

Recording::

    checkouts_waiting{job="checkout"} 10x90 90x7 10x90 90x7 10x90 90x7 10x90 90x7 10x90 90x7
      10x90 90x7 10x90 90x7 10x90 90x7 10x90 90x7 10x90 90x7
      10x90 90x7 10x90 90x7 10x90 90x7 10x90 90x7 10x90 90x7 10x90 90x30 10x60

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
        for: 1m
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

from collections import Counter
from collections.abc import Iterator, Sequence

from tocsin.alerts.timeline import Episode
from tocsin.backtest.findings.api import Finding, Subject, data_rule
from tocsin.backtest.propose import propose
from tocsin.backtest.score import WEEK
from tocsin.duration import format_duration

TOLD = 3
"""How many of an owner's alerts are named."""


@data_rule()
def check(subject: Subject) -> Iterator[Finding]:
    limit = subject.budget.pages_per_week
    mine = [page for page in subject.pages if page.owner == subject.owner]
    weeks = max(1.0, subject.backtest.observed / WEEK)
    if len(mine) <= limit.value * weeks:
        return
    counts = Counter(id(verdict) for page in mine for verdict in page.verdicts)
    names = {id(verdict): verdict.rule.name for page in mine for verdict in page.verdicts}
    noisiest = counts.most_common(TOLD)
    if noisiest[0][0] != id(subject.verdict):
        return
    others = len(mine) - noisiest[0][1]

    def meets(episodes: Sequence[Episode]) -> bool:
        return sum(page.owner == subject.owner for page in subject.pages_if(episodes)) <= limit.value * weeks

    shares = ", ".join(f"`{names[one]}` {count:,} ({count / len(mine):.0%})" for one, count in noisiest)
    whose = f"`{subject.owner}` is" if subject.owner else "whoever owns what has no `owner` is"
    observed = format_duration(subject.backtest.observed // 60_000 * 60_000)
    message = f"{whose} woken {len(mine):,} times in {observed} of recorded time; accepted are {limit.value:g} a week"
    label = f"most by {shares}"
    help = propose(subject, meets, "for", "threshold") if limit.value * weeks > others else _others(others)
    yield Finding(message, subject.place(), label, help, limit.severity)


def _others(count: int) -> str:
    return f"this alert alone cannot mend it: the others send {count:,}"
