"""Which alerts an expression returned at each evaluation, to the episodes of an alerting rule.

The state machine of Prometheus's `AlertingRule.Eval` (rules/alerting.go), run by run instead of step by step: where
the presence of an alert does not change, nothing is computed but where `for` and `keep_firing_for` run out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tocsin.alerts.timeline import Episode
from tocsin.labels import Labels
from tocsin.series import Mask, Times

Run = tuple[int, int]
"""Steps at which an alert was returned without a break: from the first to before the second."""


@dataclass(frozen=True, slots=True)
class Active:
    """An alert that is pending or firing; `absent_since` is the first evaluation that did not return it any more."""

    pending: int
    firing: int | None = None
    absent_since: int | None = None


@dataclass(slots=True)
class AlertMachine:
    """The alerts of one rule; durations and times in milliseconds. `limit` is the group's, 0 for none."""

    for_: int = 0
    keep_firing_for: int = 0
    limit: int = 0
    active: dict[Labels, Active] = field(default_factory=dict)
    ended: list[Episode] = field(default_factory=list)
    overflows: list[int] = field(default_factory=list)

    def advance(self, times: Times, labels: Sequence[Labels], present: Mask) -> None:
        """Go on by T evaluations that succeeded: `present` is bool[S, T] for S label sets, each of them once.

        An evaluation that fails is left out: it leaves all state as it was.
        """
        start = 0
        for stop in self._certain_overflows(present):
            self._run(times[start:stop], labels, present[:, start:stop])
            self._clear(int(times[stop]))
            start = stop + 1
        self._run(times[start:], labels, present[:, start:])

    def episodes(self) -> tuple[Episode, ...]:
        """All episodes so far, those that have not ended among them."""
        running = [Episode(labels, alert.pending, alert.firing) for labels, alert in self.active.items()]
        return tuple(sorted([*self.ended, *running], key=lambda episode: (episode.pending, episode.labels)))

    def stop(self, time: int) -> None:
        """Forget all alerts; `time` is the first moment at which they are not there."""
        self.ended += [
            Episode(labels, alert.pending, alert.firing, time) for labels, alert in sorted(self.active.items())
        ]
        self.active = {}

    def restore(self, labels: Labels, pending: int, next: int) -> None:
        """An alert that is active is known to have been so since `pending`; the next evaluation is at `next`."""
        alert = self.active[labels]
        firing = alert.firing if next - pending >= self.for_ else None
        self.active[labels] = replace(alert, pending=pending, firing=firing)

    def _certain_overflows(self, present: Mask) -> list[int]:
        """Steps that return more alerts than the limit, whatever the state."""
        return np.flatnonzero(present.sum(axis=0) > self.limit).tolist() if self.limit else []

    def _run(self, times: Times, labels: Sequence[Labels], present: Mask) -> None:
        """Advance over steps of which none overflows by what it returns; alerts that are kept firing still may."""
        while len(times):
            before, ended = dict(self.active), len(self.ended)
            self._advance(times, runs(labels, present))
            over = self._kept_overflow(times, ended) if self.limit and self.keep_firing_for else None
            if over is None:
                return
            self.active = before
            del self.ended[ended:]
            self._advance(times[:over], runs(labels, present[:, :over]))
            self._clear(int(times[over]))
            times, present = times[over + 1 :], present[:, over + 1 :]

    def _kept_overflow(self, times: Times, ended: int) -> int | None:
        """The first step at which more alerts than the limit are pending or firing."""
        change = np.zeros(len(times) + 1, dtype=np.int64)
        for episode in (*self.ended[ended:], *(Episode(labels, a.pending) for labels, a in self.active.items())):
            change[np.searchsorted(times, episode.pending)] += 1
            if episode.resolved is not None:
                change[np.searchsorted(times, episode.resolved)] -= 1
        over = np.flatnonzero(np.cumsum(change)[:-1] > self.limit)
        return int(over[0]) if len(over) else None

    def _clear(self, time: int) -> None:
        """Forget all alerts, as an evaluation does that exceeds the limit; nobody saw what it changed before."""
        self.overflows.append(time)
        self.stop(time)

    def _advance(self, times: Times, seen: Mapping[Labels, Sequence[Run]]) -> None:
        active = {}
        for labels in sorted({*self.active, *seen}):
            alert = self._follow(labels, times, seen.get(labels, ()))
            if alert is not None:
                active[labels] = alert
        self.active = active

    def _follow(self, labels: Labels, times: Times, seen: Sequence[Run]) -> Active | None:
        """One alert through all its runs and the gaps before, between and after them."""
        alert, end = self.active.get(labels), 0
        for start, stop in seen:
            alert = self._miss(labels, alert, times[end:start])
            alert = self._meet(alert, times[start:stop])
            end = stop
        return self._miss(labels, alert, times[end:])

    def _meet(self, alert: Active | None, times: Times) -> Active:
        """The alert after evaluations that all returned it."""
        alert = Active(int(times[0])) if alert is None else replace(alert, absent_since=None)
        if alert.firing is None:
            due = int(np.searchsorted(times, alert.pending + self.for_))
            if due < len(times):
                return replace(alert, firing=int(times[due]))
        return alert

    def _miss(self, labels: Labels, alert: Active | None, times: Times) -> Active | None:
        """The alert after evaluations of which none returned it."""
        if alert is None or not len(times):
            return alert
        over = 0
        if alert.firing is not None and self.keep_firing_for:
            since = int(times[0]) if alert.absent_since is None else alert.absent_since
            over = int(np.searchsorted(times, since + self.keep_firing_for))
            if over == len(times):
                return replace(alert, absent_since=since)
        self.ended.append(Episode(labels, alert.pending, alert.firing, int(times[over])))
        return None


def runs(labels: Sequence[Labels], present: Mask) -> dict[Labels, list[Run]]:
    """The runs of each label set that was returned at all."""
    edges = np.zeros((present.shape[0], present.shape[1] + 1), dtype=np.bool_)
    edges[:, 1:-1] = present[:, 1:] != present[:, :-1]
    if present.shape[1]:
        edges[:, 0], edges[:, -1] = present[:, 0], present[:, -1]
    found: defaultdict[Labels, list[Run]] = defaultdict(list)
    for row, start, stop in _pairs(*np.nonzero(edges)):
        found[labels[row]].append((start, stop))
    return found


def _pairs(rows: Times, columns: Times) -> Iterator[tuple[int, int, int]]:
    """Every second edge begins a run and the next ends it: each row has an even number of edges."""
    yield from zip(rows[::2].tolist(), columns[::2].tolist(), columns[1::2].tolist(), strict=True)
