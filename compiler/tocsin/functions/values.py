"""What an expression evaluates to on a grid of T times: a vector, a scalar, or windows over samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np

from tocsin.kernels.threads import over_rows
from tocsin.labels import NAME, Labels, drop
from tocsin.promql.ast import Call
from tocsin.series import Mask, Objects, Offsets, Times, Values, are_histograms, offsets_of

Compat: TypeAlias = Literal[2, 3]


@dataclass(frozen=True, slots=True)
class Vector:
    """An instant vector at each time: S series, `values` float64[S, T] and `present` bool[S, T].

    Prometheus holds the samples of a step in an order, and float sums depend on it. It is the order of the rows,
    unless `rank` int64[S, T] says otherwise for each step.

    `unnamed` bool[S] are the series that have become another quantity than their name says (None: none has). The
    engine takes the name from them, after each function or at the end (Prometheus `DropName`).

    `histograms` object[S, T] are the native histograms among the samples; None where all are floats, as mostly.
    """

    labels: tuple[Labels, ...]
    values: Values
    present: Mask
    rank: Offsets | None = None
    unnamed: Mask | None = None
    histograms: Objects | None = None

    def renamed(self, labels: Sequence[Labels]) -> Vector:
        return replace(self, labels=tuple(labels))

    def rows(self, index: Sequence[int]) -> Vector:
        """Some of the series, in another order or several times; what ranks them goes with them."""
        return Vector(
            tuple(self.labels[row] for row in index),
            self.values[index],
            self.present[index],
            None if self.rank is None else self.rank[index],
            None if self.unnamed is None else self.unnamed[index],
            None if self.histograms is None else self.histograms[index],
        )

    def without_name(self) -> Vector:
        return replace(self, unnamed=np.ones(len(self.labels), dtype=np.bool_))

    def with_values(self, values: Values) -> Vector:
        """The same series with other values, and without their name: what most functions give."""
        return replace(self.without_name(), values=values, histograms=None)

    def floats(self) -> Vector:
        """Without native histograms."""
        if self.histograms is None:
            return self
        return replace(self, present=self.present & ~are_histograms(self.histograms), histograms=None)

    @property
    def unnamed_rows(self) -> Mask:
        """`unnamed`, also where there is none."""
        return np.zeros(len(self.labels), dtype=np.bool_) if self.unnamed is None else self.unnamed

    @property
    def order(self) -> Offsets:
        """The rows of each step as they come one after the other, int64[S, T]."""
        if self.rank is not None:
            return np.argsort(self.rank, axis=0, kind="stable")
        return np.repeat(np.arange(len(self.labels))[:, None], self.present.shape[1], axis=1)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number at each time: `values` float64[T]."""

    values: Values


class Positions:
    """Which samples the windows hold, `lo` to `hi`, exclusive, int64[S, T]: found when they are asked for.

    Those of all series are kept. Who needs them series by series finds them again in less time than it would take to
    write them to memory and to read them from there. `find` gives those of some series.
    """

    def __init__(self, shape: tuple[int, int], find: Callable[[slice], tuple[Offsets, Offsets]]) -> None:
        self.shape = shape
        self._find = find
        self.known: tuple[Offsets, Offsets] | None = None

    def of_rows(self, rows: slice) -> tuple[Offsets, Offsets]:
        return self._find(rows) if self.known is None else (self.known[0][rows], self.known[1][rows])

    def of_windows(self) -> tuple[Offsets, Offsets]:
        if self.known is None:
            lo, hi = np.empty(self.shape, dtype=np.int64), np.empty(self.shape, dtype=np.int64)

            def work(rows: slice) -> None:
                lo[rows], hi[rows] = self._find(rows)

            over_rows(work, len(lo), lo.size)
            self.known = lo, hi
        return self.known


@dataclass(frozen=True, slots=True)
class Windows:
    """A range vector at each time: the samples `lo[s, t]` to `hi[s, t]`, exclusive, of the columns `times`, `values`.

    Series s has the samples `offsets[s]` to `offsets[s + 1]`; no staleness markers are among them. `start` and `end`
    int64[T] are the edges of the windows and `width` their length, all in milliseconds; a sample at `end` is inside,
    one at `start` where the windows are `closed`. `unnamed` is that of the vectors from which a subquery takes its
    samples. `histograms` is a column beside `values`, or None.
    """

    labels: tuple[Labels, ...]
    offsets: Offsets
    times: Times
    values: Values
    positions: Positions
    start: Times
    end: Times
    width: int
    closed: bool
    unnamed: Mask | None = None
    histograms: Objects | None = None

    @property
    def lo(self) -> Offsets:
        return self.positions.of_windows()[0]

    @property
    def hi(self) -> Offsets:
        return self.positions.of_windows()[1]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.labels), len(self.end)

    @property
    def seconds(self) -> float:
        """The width as Go's `Duration.Seconds` gives it: whole seconds and the rest are converted apart."""
        return float(self.width // 1000) + float(self.width % 1000 * 1_000_000) / 1e9

    @property
    def filled(self) -> Mask:
        return self.hi > self.lo

    def empty_values(self) -> Values:
        return np.zeros(self.shape)

    def vector(self, values: Values, present: Mask, keep_name: bool = False) -> Vector:
        vector = Vector(self.labels, values, present, unnamed=self.unnamed)
        return vector if keep_name else vector.without_name()

    def floats(self) -> Windows:
        """Without native histograms."""
        if self.histograms is None:
            return self
        kept = ~are_histograms(self.histograms)
        before = offsets_of(kept)

        def find(rows: slice) -> tuple[Offsets, Offsets]:
            lo, hi = self.positions.of_rows(rows)
            return before[lo], before[hi]

        return replace(
            self,
            offsets=before[self.offsets],
            times=self.times[kept],
            values=self.values[kept],
            positions=Positions(self.shape, find),
            histograms=None,
        )


Value: TypeAlias = Vector | Scalar | Windows | str


@dataclass(frozen=True, slots=True)
class Steps:
    """Where a function is evaluated: the times (int64[T]), the Prometheus to agree with, and the call as written.

    `ends` and `step` are those of the whole query, in milliseconds; without ends each time is a query of its own.
    """

    times: Times
    compat: Compat
    call: Call
    ends: tuple[int, int] | None = None
    step: int = 0


METADATA = (NAME, "__type__", "__unit__")


class ExecutionError(Exception):
    """A call that fails with Prometheus's message: at every step, or where `at` (bool[T]) says so.

    `value` is what it gives elsewhere.
    """

    def __init__(self, message: str, at: Mask | None = None, value: Vector | None = None) -> None:
        super().__init__(message)
        self.at = at
        self.value = value


@lru_cache(maxsize=65536)
def without_name(labels: Labels) -> Labels:
    """The labels of another quantity than the one that was named (Prometheus `DropReserved`)."""
    return drop(labels, METADATA)


def one_series(values: Values, labels: Labels = ()) -> Vector:
    """A vector of one series that is always present."""
    return Vector((labels,), values[None, :], np.ones((1, len(values)), dtype=np.bool_))
