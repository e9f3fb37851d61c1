"""Answers of two engines to how far they agree: bit by bit with Prometheus, roughly with VictoriaMetrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tocsin.engine.semantics import Grid
from tocsin.labels import NAME, Labels, drop, from_mapping
from tocsin.series import Frame

Points = Mapping[Labels, tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]]
"""Of each series where it is present and its values, bool[T] and float64[T]; without the series that never are."""


def of_frame(frame: Frame) -> Points:
    rows = zip(frame.labels, frame.present, frame.values, strict=True)
    return {labels: (present, values) for labels, present, values in rows if present.any()}


def of_json(result: list[dict[str, Any]], grid: Grid) -> Points:
    points = {}
    for one in result:
        present, values = np.zeros(len(grid.times), dtype=np.bool_), np.zeros(len(grid.times))
        at = [(round(1000 * time) - grid.start) // grid.step for time, _ in one["values"]]
        present[at], values[at] = True, [float(text) for _, text in one["values"]]
        points[from_mapping(one["metric"])] = present, values
    return points


def without_names(points: Points) -> Points:
    """VictoriaMetrics keeps the name of a metric where Prometheus drops it."""
    return {drop(labels, (NAME,)): found for labels, found in points.items()}


@dataclass(frozen=True)
class Difference:
    """How many of `points` points are not there on both sides, not the same bits, and not within 1 %."""

    points: int
    presence: int
    bits: int
    percent: int

    def __add__(self, other: Difference) -> Difference:
        pairs = zip(
            (self.points, self.presence, self.bits, self.percent),
            (other.points, other.presence, other.bits, other.percent),
            strict=True,
        )
        return Difference(*(one + two for one, two in pairs))

    @property
    def identical(self) -> bool:
        return not self.presence and not self.bits


SAME = Difference(0, 0, 0, 0)


def difference(ours: Points, theirs: Points, grid: Grid) -> Difference:
    """All NaNs are one: JSON does not tell them apart."""
    absent = np.zeros(len(grid.times), dtype=np.bool_), np.zeros(len(grid.times))
    total = SAME
    for labels in {**ours, **theirs}:
        (here, own), (there, other) = ours.get(labels, absent), theirs.get(labels, absent)
        both = here & there
        own, other = own[both], other[both]
        number = ~(np.isnan(own) & np.isnan(other))
        bits = number & (own.view(np.uint64) != other.view(np.uint64))
        far = number & ~np.isclose(own, other, rtol=0.01, atol=0)
        total += Difference(int((here | there).sum()), int((here ^ there).sum()), int(bits.sum()), int(far.sum()))
    return total
