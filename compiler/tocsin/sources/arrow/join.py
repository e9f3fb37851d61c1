"""Pieces of series, in any order, to series in one pair of columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, pairwise

import numpy as np

from tocsin.kernels.threads import over_rows
from tocsin.labels import Labels
from tocsin.series import Series, Times, Values, offsets_of

Piece = tuple[Times, Values]
"""Some samples of one series, in the order of time."""

Merge = Callable[[Labels, Sequence[Piece]], Sequence[Piece]]
"""What becomes of pieces of a series that overlap."""


def joined(pieces: Mapping[Labels, Sequence[Piece]], merge: Merge) -> Series:
    """The pieces of each series one after the other."""
    labels = tuple(sorted(pieces))
    ordered = [_in_order(one, pieces[one], merge) for one in labels]
    lengths = [sum(len(times) for times, _ in parts) for parts in ordered]
    offsets = offsets_of(lengths)
    series = Series(labels, offsets, np.empty(offsets[-1], dtype=np.int64), np.empty(offsets[-1]))

    def copy(rows: slice) -> None:
        first, last = offsets[rows.start], offsets[rows.stop]
        parts = list(chain.from_iterable(ordered[rows]))
        if parts:
            np.concatenate([times for times, _ in parts], out=series.times[first:last])
            np.concatenate([values for _, values in parts], out=series.values[first:last])

    over_rows(copy, len(labels), len(series.times))
    return series


def _in_order(labels: Labels, pieces: Sequence[Piece], merge: Merge) -> Sequence[Piece]:
    if len(pieces) == 1:
        return pieces
    ordered = sorted(pieces, key=lambda piece: int(piece[0][0]))
    if all(before[0][-1] < after[0][0] for before, after in pairwise(ordered)):
        return ordered
    return merge(labels, pieces)
