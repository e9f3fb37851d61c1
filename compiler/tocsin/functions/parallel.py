"""The series of a range vector to kernels, on all cores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tocsin.functions.values import Vector, Windows
from tocsin.kernels.threads import over_rows
from tocsin.series import Offsets, Values

CELLS = 1 << 15
"""Windows that are worked on at once: where their samples lie fits into the second-level cache of a core."""


def over_series(windows: Windows, work: Callable[[slice], None]) -> None:
    """Call `work` with slices that together are all series; it writes to the rows that it is given."""
    rows, steps = windows.shape
    if not rows or not steps:
        return
    block = max(1, CELLS // steps)

    def blocks(part: slice) -> None:
        for first in range(part.start, part.stop, block):
            work(slice(first, min(first + block, part.stop)))

    samples = int(windows.offsets[-1] - windows.offsets[0])
    over_rows(blocks, rows, max(rows * steps, samples))


def filled(windows: Windows, kernel: Callable[[Offsets, Offsets, Values], None]) -> Vector:
    """A vector of what `kernel(lo[S, T], hi[S, T], out[S, T])` writes for each window that is not empty."""
    out, present = windows.empty_values(), np.empty(windows.shape, dtype=np.bool_)

    def work(rows: slice) -> None:
        lo, hi = windows.positions.of_rows(rows)
        kernel(lo, hi, out[rows])
        np.greater(hi, lo, out=present[rows])

    over_series(windows, work)
    return windows.vector(out, present)
