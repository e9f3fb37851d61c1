"""The series of a range vector to kernels, on all cores."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tocsin.functions.values import Windows
from tocsin.kernels.threads import over_rows
from tocsin.series import Mask, Offsets, Values

Out = TypeVar("Out", Values, Offsets, Mask)


def over_series(windows: Windows, work: Callable[[slice], None]) -> None:
    """Call `work` with slices that together are all series; it writes to the rows that it is given."""
    if windows.lo.size:
        samples = int((windows.hi[:, -1] - windows.lo[:, 0]).sum())
        over_rows(work, len(windows.lo), max(windows.lo.size, samples))


def filled(windows: Windows, out: Out, kernel: Callable[[Offsets, Offsets, Out], None]) -> Out:
    """What `kernel(lo[S, T], hi[S, T], out[S, T])` writes into `out`."""
    over_series(windows, lambda rows: kernel(windows.lo[rows], windows.hi[rows], out[rows]))
    return out
