"""Runs of evaluations that returned an alert, to its episodes: of all alerts of a rule at once, column by column.

The state machine of Prometheus's `AlertingRule.Eval` (rules/alerting.go). Where the presence of an alert does not
change, nothing happens but that `for` and `keep_firing_for` run out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import overload

import numpy as np

from tocsin.alerts.timeline import NEVER, Episode
from tocsin.labels import Labels
from tocsin.series import Mask, Offsets, Times


@dataclass(frozen=True, slots=True, eq=False)
class Episodes(Sequence[Episode]):
    """N episodes; `alert` int64[N] tells of which of the `labels`, which are sorted and unique.

    `pending`, `firing` and `resolved` int64[N] are those of `Episode`, Unix milliseconds, or NEVER.
    """

    labels: tuple[Labels, ...]
    alert: Offsets
    pending: Times
    firing: Times
    resolved: Times

    @staticmethod
    def of(episodes: Iterable[Episode]) -> Episodes:
        """Episodes as columns, in their order."""
        if isinstance(episodes, Episodes):
            return episodes
        rows = [(one.labels, one.pending, one.firing, one.resolved) for one in episodes]
        labels, pending, firing, resolved = zip(*rows, strict=True) if rows else ((), (), (), ())
        names = sorted(set(labels))
        place = {one: index for index, one in enumerate(names)}
        columns = ([place[one] for one in labels], pending, _times(firing), _times(resolved))
        return Episodes(tuple(names), *(np.array(column, dtype=np.int64) for column in columns))

    def where(self, kept: Mask | Sequence[bool]) -> Episodes:
        """Those of a mask, bool[N]."""
        return self._cut(np.asarray(kept, dtype=np.bool_))

    def _cut(self, index: Mask | Offsets | slice) -> Episodes:
        return Episodes(self.labels, self.alert[index], self.pending[index], self.firing[index], self.resolved[index])

    def fired(self) -> Episodes:
        """Those that fired."""
        return self._cut(self.firing != NEVER)

    def by_alert(self) -> Episodes:
        """Those of each alert together, in the order of firing."""
        return self._cut(np.lexsort((self.firing, self.alert)))

    def by_firing(self) -> Episodes:
        """In the order of firing."""
        return self._cut(np.argsort(self.firing, kind="stable"))

    def holding(self, others: Episodes) -> Mask:
        """bool[N]: in which another one begins, of the same alert; both are of the same labels."""
        alert, begin = np.append(self.alert, others.alert), np.append(self.pending, others.pending)
        other = np.arange(len(alert)) >= len(self)
        order = np.lexsort((other, begin, alert))
        own = np.maximum.accumulate(np.where(other[order], -1, np.arange(len(order))))
        inner = other[order] & (own >= 0)
        within, around = order[inner], order[own[inner]]
        held = (alert[around] == alert[within]) & (begin[within] < self.resolved[around])
        found = np.zeros(len(self), dtype=np.bool_)
        found[around[held]] = True
        return found

    def __len__(self) -> int:
        return len(self.alert)

    def __iter__(self) -> Iterator[Episode]:
        columns = (one.tolist() for one in (self.alert, self.pending, self.firing, self.resolved))
        for alert, pending, firing, resolved in zip(*columns, strict=True):
            yield Episode(self.labels[alert], pending, known(firing), known(resolved))

    @overload
    def __getitem__(self, index: int) -> Episode: ...
    @overload
    def __getitem__(self, index: slice) -> Episodes: ...
    def __getitem__(self, index: int | slice) -> Episode | Episodes:
        if isinstance(index, slice):
            return self._cut(index)
        return next(iter(self._cut(np.array([range(len(self))[index]]))))


def _times(column: Iterable[int | None]) -> list[int]:
    return [NEVER if time is None else time for time in column]


def known(time: int) -> int | None:
    """A time that may be NEVER."""
    return None if time == NEVER else time


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """R runs of steps that returned an alert without a break, in the order of the alerts and then of time; int64[R].

    A run is of the steps from `start` to before `stop`. The alert is pending since the time `since`, is known to fire
    since `fires`, and was first missed at the time `gone`; the last two may be NEVER.
    """

    alert: Offsets
    start: Offsets
    stop: Offsets
    since: Times
    fires: Times
    gone: Times

    @staticmethod
    def between(alert: Offsets, start: Offsets, stop: Offsets, times: Times) -> Runs:
        """Runs at steps of int64[T] times, of alerts of which nothing was known before."""
        return Runs(alert, start, stop, times[start], np.full(len(start), NEVER), np.append(times, NEVER)[stop])

    @staticmethod
    def of(present: Mask, times: Times) -> Runs:
        """The runs of S alerts at T times, bool[S, T]."""
        edges = np.zeros((present.shape[0], present.shape[1] + 1), dtype=np.bool_)
        np.not_equal(present[:, 1:], present[:, :-1], out=edges[:, 1:-1])
        edges[:, 0], edges[:, -1] = present[:, 0], present[:, -1]
        alert, step = np.nonzero(edges)  # every second edge begins a run, and the next ends it
        return Runs.between(alert[::2], step[::2], step[1::2], times)

    @staticmethod
    def of_points(alert: Offsets, step: Offsets, times: Times) -> Runs:
        """The runs of single steps, which are in the order of the alerts and then of time."""
        begins = np.ones(len(step), dtype=np.bool_)
        begins[1:] = (alert[1:] != alert[:-1]) | (step[1:] != step[:-1] + 1)
        ends = np.append(begins[1:], True)[: len(step)]
        return Runs.between(alert[begins], step[begins], step[ends] + 1, times)

    def inserted(self, places: Offsets, others: Runs) -> Runs:
        """With other runs before those at some places."""
        pairs = ((getattr(self, one.name), getattr(others, one.name)) for one in fields(self))
        return Runs(*(np.insert(own, places, new) for own, new in pairs))


@dataclass(frozen=True, slots=True, eq=False)
class Lives:
    """E episodes of alerts: as in `Episodes`; `gone` int64[E] is the first evaluation that did not return the alert any
    more, NEVER where the last one did."""

    alert: Offsets
    pending: Times
    firing: Times
    resolved: Times
    gone: Times


def lives(runs: Runs, times: Times, for_: int, keep_firing_for: int) -> Lives:
    """What an alert does that has these runs at int64[T] times, with a `for` and `keep_firing_for` in milliseconds."""
    after = np.append(times, NEVER)
    due = np.maximum(np.searchsorted(times, runs.since + for_), runs.start)
    firing = np.where((runs.fires == NEVER) & (due < runs.stop), after[due], runs.fires)
    joined, end = np.zeros(len(firing), dtype=np.bool_), runs.stop
    if keep_firing_for:
        kept = np.searchsorted(times, np.minimum(runs.gone, NEVER - keep_firing_for) + keep_firing_for)
        joined, fires = _joined(runs, kept, firing != NEVER)
        end = np.where(fires, kept, end)
    first = np.flatnonzero(~joined)
    last = np.append(first[1:], len(joined))[: len(first)] - 1
    return Lives(runs.alert[first], runs.since[first], firing[first], after[end[last]], runs.gone[last])


def _joined(runs: Runs, kept: Offsets, fires: Mask) -> tuple[Mask, Mask]:
    """Which runs go on with the episode of the run before, and in which the alert fires.

    A run begins before the step `kept` to which the one before is kept firing, if that fires; in a chain of such runs,
    all fire from the first on that does so by itself, `fires`.
    """
    near = np.zeros(len(fires), dtype=np.bool_)
    near[1:] = (runs.alert[1:] == runs.alert[:-1]) & (kept[:-1] >= runs.start[1:])
    place = np.arange(len(fires))
    chain = np.maximum.accumulate(np.where(near, 0, place))
    kindled = np.maximum.accumulate(np.where(fires, place, -1)) >= chain
    return near & np.append(False, kindled[:-1])[: len(near)], kindled


def episodes_of(labels: tuple[Labels, ...], found: Lives) -> Episodes:
    """Episodes in the order of `pending`, then of their labels."""
    order = np.lexsort((found.alert, found.pending))
    return Episodes(labels, found.alert[order], found.pending[order], found.firing[order], found.resolved[order])
