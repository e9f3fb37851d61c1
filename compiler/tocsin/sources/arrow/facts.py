"""What the writer of a record batch has found to hold of all its samples, so that no reader looks at them for it.

It stands in the metadata of the message of the batch (`custom_metadata` in Arrow's Message.fbs) and not in that of the
schema: programs hand the latter on with changed data, and the former they leave behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tocsin.kernels.samples import falls
from tocsin.kernels.threads import over_rows
from tocsin.series import Offsets, Series
from tocsin.sources.memory import has_markers

_RISING, _FRESH = (b"tocsin.timestamps", b"rise"), (b"tocsin.staleness-markers", b"none")


@dataclass(frozen=True, slots=True)
class Facts:
    """`rising`: the times of each series rise strictly; `fresh`: no value is a staleness marker. False: not known."""

    rising: bool = False
    fresh: bool = False

    @staticmethod
    def of(series: Series) -> Facts:
        every = np.arange(len(series.labels))
        fresh = not has_markers(series.values[series.offsets[0] : series.offsets[-1]])
        return Facts(bool((first_falls(series, every) < 0).all()), fresh)

    @staticmethod
    def told(metadata: Mapping[bytes, bytes] | None) -> Facts:
        said = set((metadata or {}).items())
        return Facts(_RISING in said, _FRESH in said)

    @property
    def metadata(self) -> dict[bytes, bytes]:
        return dict([_RISING] * self.rising + [_FRESH] * self.fresh)


def first_falls(series: Series, rows: Offsets) -> Offsets:
    """For each of some series its first sample that is not later than the one before it; -1 where all are."""
    found = np.empty(len(rows), dtype=np.int64)

    def work(some: slice) -> None:
        falls(series.times, series.offsets, rows[some], found[some])

    over_rows(work, len(rows), int((series.offsets[rows + 1] - series.offsets[rows]).sum()))
    return found
