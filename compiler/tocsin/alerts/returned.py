"""What an alert's expression returned, tile by tile, to points: which alert, at which evaluation, with what value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tocsin.alerts.episodes import Runs
from tocsin.alerts.result import Evaluations
from tocsin.labels import Labels
from tocsin.series import Mask, Offsets, Times, Values


@dataclass(frozen=True, slots=True, eq=False)
class Returned:
    """N points of `labels`, which are sorted and unique, in their order and then of time.

    `times` int64[T] are the evaluations that succeeded, Unix milliseconds. `alert` and `step` int64[N] tell which of
    the labels was returned at which of them, `values` float64[N] the value, which means nothing of a histogram.
    """

    labels: tuple[Labels, ...]
    times: Times
    alert: Offsets
    step: Offsets
    values: Values

    def where(self, kept: Mask) -> Returned:
        """The points of a mask (bool[N])."""
        return Returned(self.labels, self.times, self.alert[kept], self.step[kept], self.values[kept])

    @property
    def at(self) -> Times:
        """int64[N]: when."""
        return self.times[self.step]

    @property
    def runs(self) -> Runs:
        return Runs.of_points(self.alert, self.step, self.times)


_ROOM = 2_000_000
"""Points that all rules of a replay keep together, 24 bytes each; what a rule has that exceeds them is not kept."""


@dataclass(slots=True)
class Room:
    """How many points may still be kept."""

    left: int = _ROOM


@dataclass(slots=True)
class Keeper:
    """What one rule returned so far. Of a `limit` other than 0, evaluations that return more count as failed."""

    room: Room
    limit: int = 0
    _times: list[Times] = field(default_factory=list)
    _labels: dict[Labels, int] = field(default_factory=dict)
    _points: list[tuple[Offsets, Offsets, Values]] | None = field(default_factory=list)
    _steps: int = 0
    _held: int = 0

    def add(self, found: Evaluations) -> None:
        """Go on by a tile, as long as there is room."""
        if self._points is None:
            return
        times, present, values = found.times, found.present, found.values
        if self.limit:
            good = present.sum(axis=0) <= self.limit
            times, present, values = times[good], present[:, good], values[:, good]
        count = int(np.count_nonzero(present))
        if count > self.room.left:
            self.room.left += self._held
            self._points = None
            return
        self.room.left -= count
        self._held += count
        row, step = np.nonzero(present)
        numbers = [self._labels.setdefault(one, len(self._labels)) for one in found.labels]
        self._points.append((np.array(numbers, dtype=np.int64)[row], step + self._steps, values[row, step]))
        self._times.append(times)
        self._steps += len(times)

    def returned(self) -> Returned | None:
        """All points so far; None where they were too many to keep."""
        return None if self._points is None else points(list(self._labels), self._times, self._points)


def points(
    labels: Sequence[Labels], times: Sequence[Times], parts: Sequence[tuple[Offsets, Offsets, Values]]
) -> Returned:
    """Points put in order: the number of each alert among `labels`, the evaluation among all `times`, and the value."""
    order = sorted(range(len(labels)), key=lambda index: labels[index])
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    nothing = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    alert, step, values = (np.concatenate(column) for column in zip(nothing, *parts, strict=True))
    alert = rank[alert]
    by = np.lexsort((step, alert))
    return Returned(
        tuple(labels[index] for index in order),
        np.concatenate([nothing[0], *times]),
        alert[by],
        step[by],
        values[by],
    )
