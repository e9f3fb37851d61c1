"""The state machine of alerts against a step-by-step twin, and the clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.alerts.clock import evaluation_times
from tocsin.alerts.machine import AlertMachine
from tocsin.alerts.timeline import Episode
from tocsin.labels import Labels, from_mapping
from tocsin.series import Mask

LABELS: tuple[Labels, ...] = tuple(from_mapping({"alertname": "A", "x": str(i)}) for i in range(3))


@dataclass
class NaiveAlert:
    state: str
    active_at: int
    fired_at: int | None = None
    resolved_at: int | None = None
    keep_firing_since: int | None = None


@dataclass
class NaiveRule:
    """`AlertingRule.Eval` of Prometheus, one evaluation after the other, and what an onlooker sees of it."""

    for_: int
    keep_firing_for: int
    limit: int
    active: dict[Labels, NaiveAlert] = field(default_factory=dict)
    seen: dict[Labels, Episode] = field(default_factory=dict)
    episodes: list[Episode] = field(default_factory=list)

    def evaluate(self, now: int, result: list[Labels]) -> None:
        for labels in result:
            old = self.active.get(labels)
            if old is None or old.state == "inactive":
                self.active[labels] = NaiveAlert("pending", now)
        count = 0
        for labels, alert in list(self.active.items()):
            if labels not in result:
                keep = False
                if alert.state == "firing" and self.keep_firing_for > 0:
                    if alert.keep_firing_since is None:
                        alert.keep_firing_since = now
                    keep = now - alert.keep_firing_since < self.keep_firing_for
                old_enough = alert.resolved_at is not None and now - alert.resolved_at > 15 * 60_000
                if alert.state == "pending" or old_enough:
                    del self.active[labels]
                if alert.state != "inactive" and not keep:
                    alert.state, alert.resolved_at = "inactive", now
                if not keep:
                    continue
            else:
                alert.keep_firing_since = None
            count += 1
            if alert.state == "pending" and now - alert.active_at >= self.for_:
                alert.state, alert.fired_at = "firing", now
        if 0 < self.limit < count:
            self.active = {}
        self.watch(now)

    def watch(self, now: int) -> None:
        """What `ALERTS` shows after this evaluation, against what it showed before."""
        shown = {
            labels: Episode(labels, alert.active_at, alert.fired_at)
            for labels, alert in self.active.items()
            if alert.state != "inactive"
        }
        for labels, before in self.seen.items():
            if labels not in shown or shown[labels].pending != before.pending:
                self.episodes.append(Episode(labels, before.pending, before.firing, now))
        self.seen = shown

    def all_episodes(self) -> tuple[Episode, ...]:
        return tuple(sorted([*self.episodes, *self.seen.values()], key=lambda e: (e.pending, e.labels)))


durations = st.sampled_from([0, 0, 10_000, 25_000, 60_000, 90_000])


@st.composite
def presences(draw: st.DrawFn) -> tuple[list[int], Mask, list[int]]:
    """Times with gaps where evaluations failed, presence in runs, and where the tiles are cut."""
    count = draw(st.integers(1, 60))
    steps = draw(st.lists(st.sampled_from([1, 1, 1, 1, 3]), min_size=count, max_size=count))
    times = (np.cumsum(steps) * 10_000).tolist()
    rows = []
    for _ in range(draw(st.integers(0, 3))):
        flips = draw(st.lists(st.integers(0, count), max_size=12))
        rows.append((np.searchsorted(np.sort(flips), np.arange(count), side="right") % 2).astype(np.bool_))
    present = np.array(rows, dtype=np.bool_).reshape(len(rows), count)
    cuts = sorted(draw(st.lists(st.integers(0, count), max_size=4)))
    return times, present, [0, *cuts, count]


@given(presences(), durations, durations, st.sampled_from([0, 0, 1, 2]))
def test_runs_give_what_steps_give(
    drawn: tuple[list[int], Mask, list[int]],
    for_: int,
    keep_firing_for: int,
    limit: int,
) -> None:
    times, present, cuts = drawn
    naive = NaiveRule(for_, keep_firing_for, limit)
    for step, now in enumerate(times):
        naive.evaluate(now, [LABELS[row] for row in np.flatnonzero(present[:, step])])
    machine = AlertMachine(for_, keep_firing_for, limit)
    for start, stop in pairwise(cuts):
        rows = np.flatnonzero(present[:, start:stop].any(axis=1))
        machine.advance(
            np.array(times[start:stop], dtype=np.int64), [LABELS[row] for row in rows], present[rows, start:stop]
        )
    assert machine.episodes() == naive.all_episodes()


def timeline(pattern: str, for_: int = 0, keep_firing_for: int = 0) -> list[tuple[int, int | None, int | None]]:
    """Episodes in minutes of a pattern such as `11.1`, one character a minute."""
    machine = AlertMachine(for_ * 60_000, keep_firing_for * 60_000)
    present = np.array([[char == "1" for char in pattern]])
    machine.advance(np.arange(len(pattern), dtype=np.int64) * 60_000, LABELS[:1], present)
    minutes = [(e.pending, e.firing, e.resolved) for e in machine.episodes()]
    return [(a // 60_000, b if b is None else b // 60_000, c if c is None else c // 60_000) for a, b, c in minutes]


@pytest.mark.parametrize(
    ("pattern", "for_", "keep", "expected"),
    [
        ("1111...", 2, 2, [(0, 2, 6)]),  # as Prometheus 2.42 was seen to do
        ("111..", 0, 0, [(0, 0, 3)]),
        ("11.11.", 2, 0, [(0, None, 2), (3, None, 5)]),  # a missed evaluation loses a pending alert
        ("11.11", 0, 2, [(0, 0, None)]),  # back within keep_firing_for: the same episode
        ("11..11", 0, 2, [(0, 0, None)]),
        ("11...11", 0, 2, [(0, 0, 4), (5, 5, None)]),  # the time to keep it starts at the first miss
        ("11111", 9, 0, [(0, None, None)]),
    ],
)
def test_episodes_by_hand(
    pattern: str, for_: int, keep: int, expected: list[tuple[int, int | None, int | None]]
) -> None:
    assert timeline(pattern, for_, keep) == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(0, 20, [0, 10, 20]), (1, 19, [10]), (11, 19, []), (-15, 0, [-10, 0])]
)
def test_the_clock_ticks_at_multiples_of_the_interval(start: int, end: int, expected: list[int]) -> None:
    assert evaluation_times(start, end, 10).tolist() == expected
