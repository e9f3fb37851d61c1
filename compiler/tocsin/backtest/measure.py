"""Episodes to the numbers that tell noise: how often an alert fires again, how short, how many at once, how long.

All times are Unix milliseconds and all durations milliseconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tocsin.alerts.timeline import Episode
from tocsin.labels import EMPTY, Labels

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


def fired(episodes: Iterable[Episode]) -> list[Episode]:
    """The episodes that fired."""
    return [episode for episode in episodes if episode.firing is not None]


def flaps(episodes: Iterable[Episode], news: Collection[Episode] = ()) -> Flaps:
    """The hour in which one alert fired again most often, each time less than an hour after it was resolved.

    What is among the `news` does not count: it was the first to tell of something.
    """
    alerts: defaultdict[Labels, list[Episode]] = defaultdict(list)
    for episode in fired(episodes):
        alerts[episode.labels].append(episode)
    worst = Flaps()
    for labels, own in sorted(alerts.items()):
        again = _again(own, news)
        for index, start in enumerate(again):
            count = bisect_right(again, start + HOUR) - index
            if count > worst.count:
                worst = Flaps(count, start, labels)
    return worst


def _again(episodes: Sequence[Episode], news: Collection[Episode]) -> list[int]:
    """When an alert fired that had been resolved less than an hour before, and was no news."""
    ordered = sorted(episodes, key=lambda episode: episode.firing or 0)
    return [
        later.firing
        for earlier, later in pairwise(ordered)
        if later.firing is not None and earlier.resolved is not None and later.firing - earlier.resolved < HOUR
        if later not in news
    ]


def lasted(episodes: Iterable[Episode]) -> list[int]:
    """How long each episode fired that is over, shortest first."""
    return sorted(one.resolved - one.firing for one in episodes if one.firing is not None and one.resolved is not None)


def short(episodes: Iterable[Episode]) -> tuple[int, int]:
    """How many episodes fired for less than five minutes, and of how many that are over."""
    durations = lasted(episodes)
    return sum(duration < SHORT for duration in durations), len(durations)


@dataclass(frozen=True, slots=True)
class Crowd:
    """The most alerts that fired at once, and when."""

    alerts: frozenset[Labels] = frozenset()
    at: int = 0


def at_once(episodes: Iterable[Episode], without: Collection[str] = ()) -> Crowd:
    """The most alerts of a rule that fired at once; alerts that differ in labels `without` only count as one."""
    changes: list[tuple[int, int, Labels]] = []
    for episode in fired(episodes):
        labels = tuple(pair for pair in episode.labels if pair[0] not in without)
        changes.append((episode.firing or 0, 1, labels))
        if episode.resolved is not None:
            changes.append((episode.resolved, -1, labels))
    active: Counter[Labels] = Counter()
    most = Crowd()
    for at, change, labels in sorted(changes):  # what ends at a time ends before what begins then
        active[labels] += change
        if not active[labels]:
            del active[labels]
        elif change > 0 and len(active) > len(most.alerts):
            most = Crowd(frozenset(active), at)
    return most


def longest(episodes: Iterable[Episode], end: int) -> tuple[int, Labels]:
    """The alert of a rule that fired for the longest time in all, until `end` at most."""
    total: Counter[Labels] = Counter()
    for episode in fired(episodes):
        total[episode.labels] += (end if episode.resolved is None else episode.resolved) - (episode.firing or 0)
    return max(((time, labels) for labels, time in total.items()), default=(0, EMPTY))
