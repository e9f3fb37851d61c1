"""The two shapes of samples: Series, ragged, as scraped; Frame, on the evaluation grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from tocsin.labels import Labels
from tocsin.promql.ast import Matcher

Times = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Offsets = npt.NDArray[np.int64]
Objects = npt.NDArray[np.object_]
"""Native histograms beside values: a `Histogram` where the sample is one, None where it is a float."""

STALE_BITS = 0x7FF0000000000002
"""The NaN that marks a series as gone (prometheus model/value/value.go)."""

STALE = np.array([STALE_BITS], dtype=np.uint64).view(np.float64)[0]


@dataclass(frozen=True, slots=True)
class Series:
    """S series of samples in one pair of columns; series i is `times[offsets[i]:offsets[i + 1]]`.

    `labels` has length S and is sorted and unique, `offsets` int64[S + 1], `times` int64[N] in Unix milliseconds,
    strictly rising within a series, `values` float64[N]. Staleness markers are kept (`STALE_BITS`). `histograms`
    object[N] is None where all samples are floats; the value of a histogram means nothing, but is no staleness marker.
    """

    labels: tuple[Labels, ...]
    offsets: Offsets
    times: Times
    values: Values
    histograms: Objects | None = None

    def each(self) -> Iterator[tuple[Labels, Times, Values]]:
        """Every series: its labels, and views of its times and values."""
        for labels, (low, high) in zip(self.labels, pairwise(self.offsets.tolist()), strict=True):
            yield labels, self.times[low:high], self.values[low:high]


@dataclass(frozen=True, slots=True)
class Frame:
    """S series on a grid of T times.

    `labels` has length S, `times` int64[T] in Unix milliseconds, `values` float64[S, T], `present` bool[S, T].
    Presence is a mask and never NaN, for NaN is a value in PromQL. Values where nothing is present mean nothing.
    The order of the series is the order in which Prometheus would sum them. `histograms` object[S, T] is None where all
    samples are floats.
    """

    labels: tuple[Labels, ...]
    times: Times
    values: Values
    present: Mask
    histograms: Objects | None = None


def are_histograms(histograms: Objects) -> Mask:
    """Where there is one."""
    return histograms.astype(np.bool_)


def any_histograms(histograms: Objects) -> Objects | None:
    """None where there is none, so that floats go their own way from there on."""
    return histograms if are_histograms(histograms).any() else None


def offsets_of(lengths: Sequence[int] | Offsets | Mask) -> Offsets:
    """int64[N + 1]: where each of N runs of these lengths begins, and where the last ends.

    Of a mask, how many are kept before each place.

    >>> offsets_of([2, 0, 3]).tolist()
    [0, 2, 2, 5]
    """
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, dtype=np.int64, out=offsets[1:])
    return offsets


def only(series: Series, kept: Mask) -> Series:
    """The samples of a mask (bool[N]); series without any are dropped."""
    if kept.all():
        return series
    histograms = None if series.histograms is None else series.histograms[kept]
    columns = offsets_of(kept)[series.offsets], series.times[kept], series.values[kept]
    return with_samples(Series(series.labels, *columns, histograms))


def without_markers(series: Series) -> Series:
    """The samples that are no staleness markers; series without any are dropped."""
    return only(series, series.values.view(np.uint64) != STALE_BITS)


def with_samples(series: Series) -> Series:
    """Only the series that have a sample."""
    filled = np.diff(series.offsets) > 0
    if filled.all():
        return series
    labels = tuple(labels for labels, some in zip(series.labels, filled, strict=True) if some)
    ends = series.offsets[1:][filled]
    offsets = np.concatenate([series.offsets[:1], ends])
    return replace(series, labels=labels, offsets=offsets)


def histograms_at(histograms: Objects | None, position: Offsets, present: Mask) -> Objects | None:
    """The entries of a column at some positions, where something is present."""
    if histograms is None:
        return None
    taken: Objects = histograms[position]
    taken[~present] = None
    return any_histograms(taken)


class Recording(Protocol):
    """Samples that can be read: what every source gives, and all that the engine asks of one."""

    @property
    def extent(self) -> tuple[int, int]:
        """The times of the first and the last sample, in Unix milliseconds."""
        ...

    def read(self, matchers: Sequence[Matcher], start: int, end: int) -> Series:
        """The series that all matchers accept, with their samples from `start` to `end`, both inclusive."""
        ...


@runtime_checkable
class Resident(Protocol):
    """A recording whose samples are in memory, or may as well be: what is evaluated over hours need not be copied."""

    def resident(self, matchers: Sequence[Matcher], start: int, end: int, stale: bool) -> Series | None:
        """At least the samples from `start` to `end` of the series that all matchers accept, with or without staleness
        markers; the columns may hold more, before the first offset and after the last too. None: read piece by piece.
        """
        ...
