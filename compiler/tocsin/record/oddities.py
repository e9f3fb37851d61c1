"""What is recorded, stretch by stretch, to what is odd about its series and times: labels that change, gaps, jumps.

All of it is told and nothing repaired. What was not asked for all along is not judged: `Covered` says what was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from tocsin.labels import NAME, Labels, drop, get
from tocsin.series import Mask, Series, Times

Covered: TypeAlias = Callable[[Labels, int, int], bool]
"""Whether all samples of a series from one time to another were asked for."""

_BUCKETS = frozenset({NAME, "le", "quantile"})
_STEPS = 8
"""A rhythm is judged by so many steps at least."""


@dataclass(frozen=True, slots=True)
class Relabelled:
    """How many series went on under another value of a label, and the last that did: what it was and became, when."""

    label: str
    count: int
    before: Labels
    after: Labels
    time: int


@dataclass(frozen=True, slots=True)
class Leap:
    """A step in the times of a target, its job and instance, from the last sample before to the first one after."""

    target: tuple[str, str]
    start: int
    end: int


@dataclass(slots=True)
class _Life:
    """First and last time of a series and the shorter of its last two steps, 0 where it has none."""

    first: int
    last: int
    interval: int


@dataclass(slots=True)
class Lives:
    """From when to when each series has samples; staleness markers are none."""

    known: dict[Labels, _Life] = field(default_factory=dict)

    def add(self, part: Series) -> None:
        """Count a later part."""
        low, high, times = part.offsets[:-1], part.offsets[1:], part.times
        last = times[high - 1]
        step = np.where(high - low > 1, last - times[np.maximum(high - 2, low)], 0)
        earlier = times[np.maximum(high - 2, low)] - times[np.maximum(high - 3, low)]
        step = np.where(high - low > 2, np.minimum(step, earlier), step)
        for labels, begin, end, interval in zip(
            part.labels, times[low].tolist(), last.tolist(), step.tolist(), strict=True
        ):
            life = self.known.setdefault(labels, _Life(begin, end, interval))
            life.last, life.interval = end, interval or life.interval


def relabelled(lives: Mapping[Labels, _Life], covered: Covered) -> list[Relabelled]:
    """Series that ended as another began that differs in one label, by that label.

    The other begins within two scrape intervals after the last sample. `le` and `quantile` do not count, nor does what
    is not one to one: among several that end or begin at once nobody can tell which became which. A label that is
    added or removed is one that changes.
    """
    groups: dict[tuple[str, Labels], list[Labels]] = {}
    for labels in lives:
        for name, _ in labels:
            if name not in _BUCKETS:
                groups.setdefault((name, drop(labels, (name,))), []).append(labels)
    counts: Counter[str] = Counter()
    examples: dict[str, tuple[Labels, Labels]] = {}
    for (name, rest), members in groups.items():
        for before, after in _successions({one: lives[one] for one in (*members, rest) if one in lives}):
            if all(covered(one, lives[before].last, lives[after].first) for one in (before, after)):
                counts[name] += 1
                examples[name] = before, after
    return [
        Relabelled(name, count, *examples[name], lives[examples[name][1]].first)
        for name, count in sorted(counts.items())
    ]


def _successions(lives: Mapping[Labels, _Life]) -> Iterator[tuple[Labels, Labels]]:
    """Pairs of one that ends and the only one that begins then, where it is also the only one that ends then."""
    if len(lives) < 2:
        return
    ordered = sorted(lives, key=lambda one: lives[one].first)
    firsts = np.array([lives[one].first for one in ordered])
    lasts = np.array([lives[one].last for one in ordered])
    reach = lasts + 2 * np.array([lives[one].interval for one in ordered])
    low, high = np.searchsorted(firsts, lasts, "right"), np.searchsorted(firsts, reach, "right")
    heirs = np.zeros(len(ordered) + 1, np.int64)
    np.add.at(heirs, low, 1)
    np.add.at(heirs, high, -1)
    before_each = np.cumsum(heirs)
    for index in np.flatnonzero(high - low == 1):
        if before_each[low[index]] == 1:
            yield ordered[index], ordered[low[index]]


@dataclass(slots=True)
class _Rhythm:
    """The metric by which a target is judged, its interval, its last three times, and the last time of any metric."""

    metric: str
    interval: float
    tail: Times
    last: int


@dataclass(slots=True)
class Clocks:
    """Gaps and jumps in the times at which targets were scraped.

    A target is what has a job and an instance; series without an instance are not judged. Its times are those of its
    metric with the longest series, its interval the median step, if most steps are within a tenth of it. A step
    between two regular ones is a gap if it is longer than five intervals and no series of the target has a sample in
    it: an outage, or a clock that leapt or was set back so that samples were refused. It is a jump if it is no longer,
    but the phase is off by more than a quarter of an interval from then on: a clock that was set, or a scrape loop
    that began anew. A scrape that is missing or late, and an interval that is changed, are neither.
    """

    covered: Covered
    gaps: list[Leap] = field(default_factory=list)
    jumps: list[Leap] = field(default_factory=list)
    known: dict[tuple[str, str], _Rhythm] = field(default_factory=dict)

    def add(self, part: Series) -> None:
        """Judge a later part."""
        targets: dict[tuple[str, str], list[int]] = {}
        for index, labels in enumerate(part.labels):
            if instance := get(labels, "instance"):
                targets.setdefault((get(labels, "job"), instance), []).append(index)
        for target, rows in targets.items():
            self._judge(target, part, rows)

    def _judge(self, target: tuple[str, str], part: Series, rows: list[int]) -> None:
        metrics: dict[str, list[int]] = {}
        for row in rows:
            metrics.setdefault(get(part.labels[row], NAME), []).append(row)
        rhythm = self.known.get(target)
        if rhythm is None or rhythm.metric not in metrics:
            rhythm = self.known[target] = _Rhythm(_leading(metrics, part), 0.0, np.zeros(0, np.int64), 0)
        led = metrics[rhythm.metric]
        times = np.unique(np.concatenate([rhythm.tail, *(_times(part, row) for row in led)]))
        steps = np.diff(times)
        rhythm.interval = rhythm.interval or _interval(steps)
        if rhythm.interval:
            gaps, jumps = _leaps(steps, rhythm.interval)
            for index in np.flatnonzero(gaps | jumps).tolist():
                leap = Leap(target, int(times[index]), int(times[index + 1]))
                silent = rhythm.last <= leap.start or rhythm.last >= leap.end
                silent = silent and not any(_inside(_times(part, row), leap) for row in rows)
                if all(self.covered(part.labels[row], leap.start, leap.end) for row in led) and (
                    jumps[index] or silent
                ):
                    (self.jumps if jumps[index] else self.gaps).append(leap)
        rhythm.tail = times[-3:]
        rhythm.last = max(int(_times(part, row)[-1]) for row in rows)


def _leading(metrics: Mapping[str, list[int]], part: Series) -> str:
    """The metric with the longest series; of several, the one with the fewest, for it is the quickest to judge."""
    sizes = np.diff(part.offsets)
    return max(metrics, key=lambda name: (int(sizes[metrics[name]].max()), -len(metrics[name])))


def _times(part: Series, row: int) -> Times:
    return part.times[part.offsets[row] : part.offsets[row + 1]]


def _inside(times: Times, leap: Leap) -> bool:
    return bool(np.searchsorted(times, leap.start, "right") < np.searchsorted(times, leap.end, "left"))


def _interval(steps: Times) -> float:
    """The median step; 0 where there are too few, or too few of that length, for a rhythm."""
    if len(steps) < _STEPS:
        return 0.0
    middle = float(np.median(steps))
    return middle if _regular(steps, middle).mean() > 0.5 else 0.0


def _regular(steps: Times, interval: float) -> Mask:
    found: Mask = np.abs(steps - interval) <= interval / 10
    return found


def _leaps(steps: Times, interval: float) -> tuple[Mask, Mask]:
    """Which steps, between two regular ones, are gaps, and which are jumps."""
    regular = _regular(steps, interval)
    between = np.zeros(len(steps), np.bool_)
    between[1:-1] = regular[:-2] & regular[2:]
    long = steps > 5 * interval
    off = np.abs(steps - np.rint(steps / interval) * interval) > interval / 4
    return between & long, between & ~long & off
