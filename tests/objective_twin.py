"""The true account of an objective: every event of the raw samples counted once, in plain Python.

Shares nothing with the rules: no PromQL, no extrapolation, no recorded series, and time zones from `zoneinfo`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from tests.oracle import is_stale
from tests.oracle_numbers import Samples

from tocsin.labels import Labels, get, keep

Which = Callable[[Labels], bool]
Counts = npt.NDArray[np.float64]
Ledger = dict[Labels, Counts]
"""Of each group what was counted in each step."""

FORGOTTEN = 3_600_000


@dataclass(frozen=True)
class Steps:
    """Evaluations every `step` ms; event number `i` is of the step that ends with evaluation `i`."""

    start: int
    end: int
    step: int

    @property
    def times(self) -> npt.NDArray[np.int64]:
        return np.arange(self.start, self.end + 1, self.step)

    @property
    def fine(self) -> int:
        """The length of the parts of a step in which counters are compared: up to a minute."""
        return self.step // -(-self.step // 60_000)

    @property
    def last(self) -> int:
        return self.start + (self.end - self.start) // self.step * self.step

    def of(self, time: int) -> int:
        """The first evaluation at or after a time."""
        return -(-(time - self.start) // self.step)


def growths(samples: Samples, is_known: Callable[[int], bool], steps: Steps) -> Iterator[tuple[int, float]]:
    """When a counter grew, and by how much; where it fell it began anew, and counts from zero."""
    last: float | None = None
    seen = 0
    for time, value in samples:
        if is_stale(value):
            continue
        before = steps.start + ((time - 1 - steps.start) // steps.fine) * steps.fine
        if last is None or seen <= before - FORGOTTEN:
            yield time, (value if is_known(before) else 0.0)
        else:
            yield time, (value - last if value >= last else value)
        last, seen = value, time


def counted(data: Mapping[Labels, Samples], which: Which, known: Which, by: Sequence[str], steps: Steps) -> Ledger:
    """All that some counters counted, for each group.

    A series that begins counts from zero if its target was there before the step with another of the `known` ones.
    """
    targets: dict[tuple[str, str], list[int]] = {}
    for labels, samples in data.items():
        if known(labels):
            targets.setdefault(_target(labels), []).extend(time for time, value in samples if not is_stale(value))
    for times in targets.values():
        times.sort()
    ledger: Ledger = {}
    for labels, samples in data.items():
        if not which(labels):
            continue
        own = targets.get(_target(labels), [])

        def is_known(before: int, own: list[int] = own) -> bool:
            return bisect_right(own, before) > bisect_right(own, before - FORGOTTEN)

        group = ledger.setdefault(keep(labels, by), np.zeros(len(steps.times)))
        for time, events in growths(samples, is_known, steps):
            if time <= steps.last:
                group[steps.of(time)] += events
    return ledger


def _target(labels: Labels) -> tuple[str, str]:
    return get(labels, "instance"), get(labels, "job")


def observed(data: Mapping[Labels, Samples], which: Which, by: Sequence[str], steps: Steps) -> tuple[Ledger, Ledger]:
    """How many samples there are in each step, and their sum."""
    count: Ledger = {}
    total: Ledger = {}
    for labels, samples in data.items():
        if which(labels):
            group = keep(labels, by)
            for ledger in (count, total):
                ledger.setdefault(group, np.zeros(len(steps.times)))
            for time, value in samples:
                if not is_stale(value) and time <= steps.last:
                    count[group][steps.of(time)] += 1
                    total[group][steps.of(time)] += value
    return count, total


def in_rolling(counts: Counts, at: int, length: int) -> float:
    """The sum of the last `length` steps up to number `at`."""
    return float(counts[max(0, at + 1 - length) : at + 1].sum())


def in_calendar(counts: Counts, now: int, last: int, steps: Steps, unit: str, zone: str) -> float:
    """The sum of the steps since the period of `now` began, up to the one that ends with `last`."""
    began = beginning(now, unit, zone)
    return float(counts[bisect_left(steps.times, began + 1) : steps.of(last) + 1].sum())


def beginning(time: int, unit: str, zone: str) -> int:
    """The midnight on clocks in a zone at which the week, month or quarter of a time began."""
    today = datetime.fromtimestamp(time / 1000, ZoneInfo(zone)).date()
    first = {
        "week": today - timedelta(days=today.weekday()),
        "month": today.replace(day=1),
        "quarter": today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1),
    }[unit]
    midnight = datetime(first.year, first.month, first.day, tzinfo=ZoneInfo(zone))
    return round(midnight.astimezone(UTC).timestamp() * 1000)


def without(counts: Counts, steps: Steps, out: Callable[[int], bool]) -> Counts:
    """What was counted in the steps whose middle is not in a time of maintenance."""
    held = [out(int(time) - steps.step // 2) for time in steps.times]
    return np.where(held, 0.0, counts)
