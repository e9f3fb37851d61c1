"""Episodes to the numbers that tell noise: how often an alert fires again, how short, how many at once, how long.

All times are Unix milliseconds and all durations milliseconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING

from tocsin.alerts.timeline import NEVER, Episode
from tocsin.labels import EMPTY, Labels

if TYPE_CHECKING:
    from tocsin.alerts.episodes import Episodes

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
SHORT = 5 * MINUTE
"""What is over sooner, is over before anybody has looked."""


@dataclass(frozen=True, slots=True)
class Flaps:
    """The worst hour of an alert: how often it fired again within it, from when, and which alert of the rule."""

    count: int = 0
    start: int = 0
    labels: Labels = EMPTY


def columns(episodes: Iterable[Episode]) -> Episodes:
    """Episodes as columns."""
    from tocsin.alerts.episodes import Episodes  # numpy, without which the pages of rules are shown

    return Episodes.of(episodes)


def fired(episodes: Iterable[Episode]) -> Episodes:
    """The episodes that fired."""
    return columns(episodes).fired()


def flaps(episodes: Iterable[Episode], news: Collection[Episode] = ()) -> Flaps:
    """The hour in which one alert fired again most often, each time less than an hour after it was resolved.

    What is among the `news` does not count: it was the first to tell of something.
    """
    again = _again(fired(episodes).by_alert())
    told = {(one.labels, one.pending) for one in news}
    if told:
        again = again.where([(one.labels, one.pending) not in told for one in again])
    if not len(again):
        return Flaps()
    # One line of time for all alerts, on which they are further apart than an hour.
    since = again.firing - again.firing.min()
    line = again.alert * (since.max() + HOUR + 1) + since
    ends = line.searchsorted(line + HOUR, side="right").tolist()
    worst = max(range(len(ends)), key=lambda index: ends[index] - index)
    return Flaps(ends[worst] - worst, int(again.firing[worst]), again.labels[again.alert[worst]])


def _again(ordered: Episodes) -> Episodes:
    """Those of which the alert had been resolved less than an hour before it fired."""
    earlier, later = ordered[:-1], ordered[1:]
    soon = later.firing - earlier.resolved < HOUR
    return later.where(soon & (earlier.alert == later.alert) & (earlier.resolved != NEVER))


def lasted(episodes: Iterable[Episode]) -> list[int]:
    """How long each episode fired that is over, shortest first."""
    some = fired(episodes)
    some = some.where(some.resolved != NEVER)
    return sorted((some.resolved - some.firing).tolist())


def short(episodes: Iterable[Episode]) -> tuple[int, int]:
    """How many episodes fired for less than five minutes, and of how many that are over."""
    durations = lasted(episodes)
    return bisect_left(durations, SHORT), len(durations)


@dataclass(frozen=True, slots=True)
class Crowd:
    """The most alerts that fired at once, and when."""

    alerts: frozenset[Labels] = frozenset()
    at: int = 0


def at_once(episodes: Iterable[Episode], without: Collection[str] = ()) -> Crowd:
    """The most alerts of a rule that fired at once; alerts that differ in labels `without` only count as one."""
    some = fired(episodes)
    kept = [tuple(pair for pair in labels if pair[0] not in without) for labels in some.labels]
    names = sorted(set(kept))
    place = {one: index for index, one in enumerate(names)}
    number = [place[one] for one in kept]
    over = some.where(some.resolved != NEVER)
    begins = zip(some.firing.tolist(), repeat(1), (number[one] for one in some.alert.tolist()), strict=False)
    ends = zip(over.resolved.tolist(), repeat(-1), (number[one] for one in over.alert.tolist()), strict=False)
    active: Counter[int] = Counter()
    most, when = frozenset[int](), 0
    for at, change, one in sorted([*begins, *ends]):  # what ends at a time ends before what begins then
        active[one] += change
        if not active[one]:
            del active[one]
        elif change > 0 and len(active) > len(most):
            most, when = frozenset(active), at
    return Crowd(frozenset(names[one] for one in most), when)


def longest(episodes: Iterable[Episode], end: int) -> tuple[int, Labels]:
    """The alert of a rule that fired for the longest time in all, until `end` at most."""
    some = fired(episodes)
    total: Counter[int] = Counter()
    for alert, begin, over in zip(some.alert.tolist(), some.firing.tolist(), some.resolved.tolist(), strict=True):
        total[alert] += (end if over == NEVER else over) - begin
    return max(((time, some.labels[alert]) for alert, time in total.items()), default=(0, EMPTY))
