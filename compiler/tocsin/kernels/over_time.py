"""Windows of samples to one number each, where the order of the additions matters."""

from __future__ import annotations

import math

from tocsin.kernels.compile import kernel
from tocsin.kernels.kahan import neumaier
from tocsin.series import Offsets, Values


@kernel
def total(values: Values, lo: Offsets, hi: Offsets, guard: bool, out: Values) -> None:
    """`sum_over_time`; an infinite sum is not corrected."""
    for s in range(lo.shape[0]):
        for t in range(lo.shape[1]):
            result, error = 0.0, 0.0
            for i in range(lo[s, t], hi[s, t]):
                result, error = neumaier(values[i], result, error, guard)
            out[s, t] = result if math.isinf(result) else result + error


@kernel
def mean(values: Values, lo: Offsets, hi: Offsets, out: Values) -> None:
    """`avg_over_time` of Prometheus 3: a compensated sum, and an incremental mean from where that would overflow."""
    for s in range(lo.shape[0]):
        for t in range(lo.shape[1]):
            if hi[s, t] <= lo[s, t]:
                continue
            result, error, overflowed = values[lo[s, t]], 0.0, False
            for i in range(lo[s, t] + 1, hi[s, t]):
                count = float(i - lo[s, t] + 1)
                if not overflowed:
                    next_result, next_error = neumaier(values[i], result, error, True)
                    if not math.isinf(next_result):
                        result, error = next_result, next_error
                        continue
                    overflowed = True
                    result /= count - 1.0
                    error /= count - 1.0
                q = (count - 1.0) / count
                result, error = neumaier(values[i] / count, q * result, q * error, True)
            n = float(hi[s, t] - lo[s, t])
            out[s, t] = result + error if overflowed else result / n + error / n


@kernel
def incremental_mean(values: Values, lo: Offsets, hi: Offsets, out: Values) -> None:
    """`avg_over_time` of Prometheus 2.42: a compensated incremental mean that stays at an infinity."""
    for s in range(lo.shape[0]):
        for t in range(lo.shape[1]):
            result, error = 0.0, 0.0
            for i in range(lo[s, t], hi[s, t]):
                count = float(i - lo[s, t] + 1)
                if math.isinf(result) and (
                    (math.isinf(values[i]) and (result > 0) == (values[i] > 0))
                    or (not math.isinf(values[i]) and not math.isnan(values[i]))
                ):
                    continue
                result, error = neumaier(values[i] / count - result / count, result, error, False)
            out[s, t] = result if math.isinf(result) else result + error


@kernel
def variance(values: Values, lo: Offsets, hi: Offsets, guard: bool, out: Values) -> None:
    """`stdvar_over_time`: Welford's algorithm with both accumulators compensated."""
    for s in range(lo.shape[0]):
        for t in range(lo.shape[1]):
            centre, centre_error, spread, spread_error = 0.0, 0.0, 0.0, 0.0
            for i in range(lo[s, t], hi[s, t]):
                count = float(i - lo[s, t] + 1)
                delta = values[i] - (centre + centre_error)
                centre, centre_error = neumaier(delta / count, centre, centre_error, guard)
                residual = values[i] - (centre + centre_error)
                spread, spread_error = neumaier(delta * residual, spread, spread_error, guard)
            out[s, t] = (spread + spread_error) / float(hi[s, t] - lo[s, t])


@kernel
def smoothed(values: Values, lo: Offsets, hi: Offsets, level: Values, trend: Values, out: Values) -> None:
    """`double_exponential_smoothing`, with the two factors (float64[T]) of each step."""
    for s in range(lo.shape[0]):
        for t in range(lo.shape[1]):
            a, b = lo[s, t], hi[s, t]
            if b - a < 2:
                continue
            previous, current, slope = 0.0, values[a], values[a + 1] - values[a]
            for i in range(a + 1, b):
                if i > a + 1:
                    slope = trend[t] * (current - previous) + (1.0 - trend[t]) * slope
                following = level[t] * values[i] + (1.0 - level[t]) * (current + slope)
                previous, current = current, following
            out[s, t] = current
