"""The samples of a window to one number."""

from __future__ import annotations

import numpy as np

from tocsin.functions.parallel import filled, over_series
from tocsin.functions.registry import MATRIX, SCALAR, VECTOR, function
from tocsin.functions.values import ExecutionError, Scalar, Steps, Vector, Windows, one_series
from tocsin.functions.vectors import labels_of_absent
from tocsin.kernels import over_time, quantile
from tocsin.kernels.extremes import extremes, greatest
from tocsin.series import Offsets


@function("sum_over_time", args=(MATRIX,), returns=VECTOR)
def sum_over_time(steps: Steps, windows: Windows) -> Vector:
    guard = steps.compat == 3
    return filled(windows, lambda lo, hi, out: over_time.total(windows.values, lo, hi, guard, out))


@function("avg_over_time", args=(MATRIX,), returns=VECTOR)
def avg_over_time(steps: Steps, windows: Windows) -> Vector:
    mean = over_time.mean if steps.compat == 3 else over_time.incremental_mean
    return filled(windows, lambda lo, hi, out: mean(windows.values, lo, hi, out))


@function("stdvar_over_time", args=(MATRIX,), returns=VECTOR, histograms="ignored")
def stdvar_over_time(steps: Steps, windows: Windows) -> Vector:
    guard = steps.compat == 3
    return filled(windows, lambda lo, hi, out: over_time.variance(windows.values, lo, hi, guard, out))


@function("stddev_over_time", args=(MATRIX,), returns=VECTOR, histograms="ignored")
def stddev_over_time(steps: Steps, windows: Windows) -> Vector:
    variance = stdvar_over_time(steps, windows)
    return windows.vector(np.sqrt(variance.values), variance.present)


@function("count_over_time", args=(MATRIX,), returns=VECTOR, histograms="understood")
def count_over_time(_steps: Steps, windows: Windows) -> Vector:
    return windows.vector((windows.hi - windows.lo).astype(np.float64), windows.filled)


@function("present_over_time", args=(MATRIX,), returns=VECTOR, histograms="understood")
def present_over_time(_steps: Steps, windows: Windows) -> Vector:
    return windows.vector(np.ones(windows.lo.shape), windows.filled)


@function("absent_over_time", args=(MATRIX,), returns=VECTOR, histograms="understood")
def absent_over_time(steps: Steps, windows: Windows) -> Vector:
    one = one_series(np.ones(len(steps.times)), labels_of_absent(steps))
    return Vector(one.labels, one.values, ~np.any(windows.filled, axis=0)[None, :])


def _values(windows: Windows, at: Offsets, keep_name: bool) -> Vector:
    """The values at one position per window."""
    some = windows.filled
    values = windows.values[np.where(some, at, 0)] if len(windows.values) else windows.empty_values()
    return windows.vector(values, some, keep_name)


def _times(windows: Windows, at: Offsets) -> Vector:
    """The times, in seconds, at one position per window."""
    some = windows.filled
    times = windows.times[np.where(some, at, 0)] / 1000.0 if len(windows.times) else windows.empty_values()
    return windows.vector(times, some)


@function("last_over_time", args=(MATRIX,), returns=VECTOR)
def last_over_time(_steps: Steps, windows: Windows) -> Vector:
    return _values(windows, windows.hi - 1, keep_name=True)


@function("first_over_time", args=(MATRIX,), returns=VECTOR)
def first_over_time(_steps: Steps, windows: Windows) -> Vector:
    return _values(windows, windows.lo, keep_name=True)


@function("ts_of_last_over_time", args=(MATRIX,), returns=VECTOR, histograms="understood")
def ts_of_last_over_time(_steps: Steps, windows: Windows) -> Vector:
    return _times(windows, windows.hi - 1)


@function("ts_of_first_over_time", args=(MATRIX,), returns=VECTOR, histograms="understood")
def ts_of_first_over_time(_steps: Steps, windows: Windows) -> Vector:
    return _times(windows, windows.lo)


def _latest_extreme(windows: Windows, sign: float) -> Offsets:
    """The last position of the greatest value of each window, of the least one with a sign of -1."""
    at = np.zeros(windows.shape, dtype=np.int64)

    def work(rows: slice) -> None:
        greatest(windows.values, sign, *windows.positions.of_rows(rows), True, at[rows])

    over_series(windows, work)
    return at


@function("max_over_time", args=(MATRIX,), returns=VECTOR, histograms="ignored")
def max_over_time(_steps: Steps, windows: Windows) -> Vector:
    return filled(windows, lambda lo, hi, out: extremes(windows.values, 1.0, lo, hi, out))


@function("min_over_time", args=(MATRIX,), returns=VECTOR, histograms="ignored")
def min_over_time(_steps: Steps, windows: Windows) -> Vector:
    return filled(windows, lambda lo, hi, out: extremes(windows.values, -1.0, lo, hi, out))


@function("ts_of_max_over_time", args=(MATRIX,), returns=VECTOR, histograms="ignored")
def ts_of_max_over_time(_steps: Steps, windows: Windows) -> Vector:
    return _times(windows, _latest_extreme(windows, 1.0))


@function("ts_of_min_over_time", args=(MATRIX,), returns=VECTOR, histograms="ignored")
def ts_of_min_over_time(_steps: Steps, windows: Windows) -> Vector:
    return _times(windows, _latest_extreme(windows, -1.0))


@function("quantile_over_time", args=(SCALAR, MATRIX), returns=VECTOR, histograms="ignored")
def quantile_over_time(steps: Steps, q: Scalar, windows: Windows) -> Vector:
    return filled(windows, lambda lo, hi, out: quantile.over_time(windows.values, lo, hi, q.values, steps.compat, out))


@function("mad_over_time", args=(MATRIX,), returns=VECTOR, histograms="ignored")
def mad_over_time(_steps: Steps, windows: Windows) -> Vector:
    return filled(windows, lambda lo, hi, out: quantile.deviation(windows.values, lo, hi, out))


@function("double_exponential_smoothing", args=(MATRIX, SCALAR, SCALAR), returns=VECTOR, histograms="ignored")
def double_exponential_smoothing(_steps: Steps, windows: Windows, level: Scalar, trend: Scalar) -> Vector:
    """Prometheus looks at the factors once it has a sample to smooth."""
    smoothed = filled(
        windows, lambda lo, hi, out: over_time.smoothed(windows.values, lo, hi, level.values, trend.values, out)
    )
    vector = windows.vector(smoothed.values, windows.hi - windows.lo >= 2)
    some = np.any(windows.filled, axis=0)
    wrong = [some & ((factor.values <= 0) | (factor.values >= 1)) for factor in (level, trend)]
    for factor, bad, name in ((level, wrong[0], "smoothing"), (trend, wrong[1], "trend")):
        if bad.any():
            got = f"{factor.values[bad][0]:f}".replace("-inf", "-Inf").replace("inf", "+Inf")
            message = f"invalid {name} factor. Expected: 0 < {name[0]}f < 1, got: {got}"
            raise ExecutionError(message, wrong[0] | wrong[1], vector)
    return vector
