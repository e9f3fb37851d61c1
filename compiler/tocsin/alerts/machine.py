"""Which alerts an expression returned at each evaluation, to the episodes of an alerting rule, tile by tile.

What happens within a tile is in `episodes.py`; here are the alerts that go on from one to the next, and the limit of
the group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tocsin.alerts.episodes import Runs, known, lives
from tocsin.alerts.timeline import NEVER, Episode
from tocsin.labels import Labels
from tocsin.series import Mask, Times


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
            self._advance(times, labels, present)
            over = self._kept_overflow(times, ended) if self.limit and self.keep_firing_for else None
            if over is None:
                return
            self.active = before
            del self.ended[ended:]
            self._advance(times[:over], labels, present[:, :over])
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

    def _advance(self, times: Times, labels: Sequence[Labels], present: Mask) -> None:
        if not len(times) or not (self.active or present.any()):
            return
        names = sorted({*labels, *self.active})
        row = {one: index for index, one in enumerate(names)}
        seen = np.zeros((len(names), len(times)), dtype=np.bool_)
        seen[[row[one] for one in labels]] = present
        active = {row[one]: alert for one, alert in sorted(self.active.items())}
        runs = _continued(Runs.of(seen, times), active, int(times[0]))
        found = lives(runs, times, self.for_, self.keep_firing_for)
        self.active = {}
        columns = (one.tolist() for one in (found.alert, found.pending, found.firing, found.resolved, found.gone))
        for alert, pending, firing, resolved, gone in zip(*columns, strict=True):
            if resolved == NEVER:
                self.active[names[alert]] = Active(pending, known(firing), known(gone))
            else:
                self.ended.append(Episode(names[alert], pending, known(firing), resolved))


def _continued(runs: Runs, active: Mapping[int, Active], now: int) -> Runs:
    """The runs of a tile that begins `now`, of alerts of which some, by their number, are active already.

    An alert that was returned until now, and is so still, goes on in its first run. Of any other that is active there
    is a run of no steps before: it is missed now, or since it was first absent.
    """
    if not active:
        return runs
    rows = np.array(list(active), dtype=np.int64)
    pending = np.array([one.pending for one in active.values()], dtype=np.int64)
    fires = _column(one.firing for one in active.values())
    absent = _column(one.absent_since for one in active.values())
    first = np.searchsorted(runs.alert, rows)
    on = (np.append(runs.alert, -1)[first] == rows) & (np.append(runs.start, -1)[first] == 0) & (absent == NEVER)
    since, firing = runs.since.copy(), runs.fires.copy()
    since[first[on]], firing[first[on]] = pending[on], fires[on]
    off = ~on
    none = np.zeros(np.count_nonzero(off), dtype=np.int64)
    missed = Runs(rows[off], none, none, pending[off], fires[off], np.minimum(absent[off], now))
    return replace(runs, since=since, fires=firing).inserted(first[off], missed)


def _column(times: Iterable[int | None]) -> Times:
    return np.array([NEVER if time is None else time for time in times], dtype=np.int64)
