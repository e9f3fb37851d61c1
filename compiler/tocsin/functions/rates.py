"""How counters and gauges change over a window."""

from __future__ import annotations

import numpy as np

from tocsin.functions.parallel import filled
from tocsin.functions.registry import MATRIX, VECTOR, function
from tocsin.functions.values import Steps, Vector, Windows
from tocsin.kernels import pairs
from tocsin.kernels.rate import extrapolated
from tocsin.kernels.threads import over_rows
from tocsin.series import Mask, Values


def _extrapolated(steps: Steps, windows: Windows, counter: bool, per_second: bool) -> Vector:
    out, present = windows.empty_values(), np.zeros(windows.shape, dtype=np.bool_)
    seconds = windows.seconds if per_second else 1.0

    def work(rows: slice) -> None:
        columns = windows.times, windows.values, windows.offsets[rows.start : rows.stop + 1]
        edges = windows.start, windows.end, windows.closed
        extrapolated(*columns, *edges, counter, steps.compat, seconds, out[rows], present[rows])

    over_rows(work, len(out), out.size)
    return windows.vector(out, present)


@function("rate", args=(MATRIX,), returns=VECTOR)
def rate(steps: Steps, windows: Windows) -> Vector:
    return _extrapolated(steps, windows, counter=True, per_second=True)


@function("increase", args=(MATRIX,), returns=VECTOR)
def increase(steps: Steps, windows: Windows) -> Vector:
    return _extrapolated(steps, windows, counter=True, per_second=False)


@function("delta", args=(MATRIX,), returns=VECTOR)
def delta(steps: Steps, windows: Windows) -> Vector:
    return _extrapolated(steps, windows, counter=False, per_second=False)


def _last_two(windows: Windows, counter: bool) -> tuple[Values, Values, Mask]:
    """The change from the last sample but one to the last, the seconds between them, and where there are two."""
    present = windows.hi - windows.lo >= 2
    last = np.where(present, windows.hi - 1, 0)
    before = np.where(present, windows.hi - 2, 0)
    if not len(windows.values):
        return windows.empty_values(), windows.empty_values(), present
    new, old = windows.values[last], windows.values[before]
    change = np.where(new < old, new, new - old) if counter else new - old
    return change, (windows.times[last] - windows.times[before]).astype(np.float64) / 1000.0, present


@function("irate", args=(MATRIX,), returns=VECTOR)
def irate(_steps: Steps, windows: Windows) -> Vector:
    change, seconds, present = _last_two(windows, counter=True)
    return windows.vector(np.divide(change, seconds, where=present, out=windows.empty_values()), present)


@function("idelta", args=(MATRIX,), returns=VECTOR)
def idelta(_steps: Steps, windows: Windows) -> Vector:
    change, _seconds_between, present = _last_two(windows, counter=False)
    return windows.vector(change, present)


def _pairs(windows: Windows, falls: bool) -> Vector:
    return filled(windows, lambda lo, hi, out: pairs.count(windows.values, lo, hi, falls, out))


@function("resets", args=(MATRIX,), returns=VECTOR)
def resets(_steps: Steps, windows: Windows) -> Vector:
    return _pairs(windows, falls=True)


@function("changes", args=(MATRIX,), returns=VECTOR)
def changes(_steps: Steps, windows: Windows) -> Vector:
    return _pairs(windows, falls=False)
