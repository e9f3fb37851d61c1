"""A backtest to its notifications, and to how much they are: for each receiver, owner and alert, and by night.

All times are Unix milliseconds and all durations milliseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo

from tocsin.backtest.model import Backtest, Load, Noise, NoisyAlert, RuleVerdict, Window
from tocsin.backtest.pages import Page, Wakes, owner_of, pages, rules_of, severity_of
from tocsin.backtest.score import WEEK
from tocsin.notify.alertmanager import Alertmanager
from tocsin.notify.notification import Notification
from tocsin.notify.spans import union

NIGHT = (22, 8)
"""From and to which hour people sleep."""


def notified(backtest: Backtest, alertmanager: Alertmanager) -> Backtest:
    """The backtest with the notifications that an Alertmanager would send about all of its rules."""
    timelines = [verdict.timeline for verdict in backtest.rules]
    told = alertmanager.notifications(timelines, backtest.window.start, backtest.window.end)
    return replace(backtest, alertmanager=alertmanager, notifications=told)


def noise(backtest: Backtest, wakes: Wakes, zone: tzinfo) -> Noise:
    """How much the notifications of a backtest are; `zone` says when it is night."""
    told = backtest.notifications or ()
    woken = pages(backtest, wakes)
    rules = rules_of(backtest)
    senders = [{id(rules[labels]) for labels in (*one.firing, *one.resolved)} for one in told]
    owners = {id(verdict): owner_of(verdict) for verdict in backtest.rules}
    whose = Counter(owner for some in senders for owner in {owners[one] for one in some})
    counts = Counter(one for some in senders for one in some)
    weeks = backtest.observed / WEEK
    paged = Counter(id(verdict) for page in woken for verdict in page.verdicts)
    alerts = [
        _alert(verdict, counts[id(verdict)], len(told), paged[id(verdict)], weeks, backtest.window)
        for verdict in backtest.rules
    ]
    return Noise(
        str(zone),
        tuple(_receivers(told, woken, weeks, zone)),
        tuple(
            _load(owner, whose[owner], [page.at for page in woken if page.owner == owner], weeks, zone)
            for owner in sorted(set(owners.values()))
        ),
        tuple(_severities(backtest, senders, woken, weeks, zone)),
        tuple(sorted(alerts, key=lambda alert: -alert.notifications)),
    )


def _receivers(told: Sequence[Notification], woken: Iterable[Page], weeks: float, zone: tzinfo) -> Iterator[Load]:
    """A message about alerts of several owners is one page of its receiver."""
    times = {(name, page.at, page.group) for page in woken for name in page.receivers}
    for receiver, count in sorted(Counter(one.receiver for one in told).items()):
        yield _load(receiver, count, [at for name, at, _ in times if name == receiver], weeks, zone)


def _severities(
    backtest: Backtest, senders: Sequence[set[int]], woken: Sequence[Page], weeks: float, zone: tzinfo
) -> Iterator[Load]:
    severities = {id(verdict): severity_of(verdict) for verdict in backtest.rules}
    counts = Counter(severity for some in senders for severity in {severities[one] for one in some})
    for severity in dict.fromkeys(severities.values()):
        times = [page.at for page in woken if any(severity_of(verdict) == severity for verdict in page.verdicts)]
        yield _load(severity, counts[severity], times, weeks, zone)


def _load(name: str, notifications: int, times: Sequence[int], weeks: float, zone: tzinfo) -> Load:
    night = sum(_is_night(at, zone) for at in times)
    return Load(name, notifications, len(times), _weekly(len(times), weeks), night)


def _weekly(count: int, weeks: float) -> float | None:
    return count / weeks if weeks > 0 else None


def _is_night(at: int, zone: tzinfo) -> bool:
    hour = datetime.fromtimestamp(at / 1000, zone).hour
    return hour >= NIGHT[0] or hour < NIGHT[1]


def _alert(
    verdict: RuleVerdict, notifications: int, total: int, paged: int, weeks: float, window: Window
) -> NoisyAlert:
    """A rule is pending while one of its alerts is and none fires."""

    def time(spans: Iterable[tuple[int, int | None]]) -> int:
        found = union((start, window.end if stop is None else stop) for start, stop in spans)
        return sum(found.ends) - sum(found.starts)

    firing = time((one.firing, one.resolved) for one in verdict.episodes if one.firing is not None)
    active = time((one.pending, one.resolved) for one in verdict.episodes)
    share = notifications / total if total else None
    inactive = window.end - window.start - active
    rate = _weekly(paged, weeks)
    return NoisyAlert(verdict, notifications, share, paged, rate, inactive, active - firing, firing)
