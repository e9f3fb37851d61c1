"""Windows of samples to one number each, where the order of the additions matters."""

from __future__ import annotations

import math

import numpy as np

from tocsin.kernels.compile import kernel
from tocsin.kernels.kahan import neumaier
from tocsin.kernels.lanes import LANES, add_each, add_shared, common, take
from tocsin.series import Offsets, Values


@kernel
def total(values: Values, lo: Offsets, hi: Offsets, guard: bool, out: Values) -> None:
    """`sum_over_time`; an infinite sum is not corrected."""
    hands, sums, errors = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    for s in range(lo.shape[0]):
        for first in range(0, lo.shape[1], LANES):
            a, b = lo[s, first : first + LANES], hi[s, first : first + LANES]
            at = a.copy()
            sums[:] = 0.0
            errors[:] = 0.0
            hands = add_shared(values, at, b, hands, sums, errors)
            for k in range(len(a)):
                finite = math.isfinite(sums[k])
                start, result, error = (at[k], sums[k], errors[k]) if finite else (a[k], 0.0, 0.0)
                for i in range(start, b[k]):
                    result, error = neumaier(values[i], result, error, guard)
                out[s, first + k] = result if math.isinf(result) else result + error


@kernel
def mean_from(values: Values, a: int, i: int, b: int, result: float, error: float) -> float:
    """The mean of the samples `a` to `b`, when those before `i` are already in the sum."""
    overflowed = False
    while i < b:
        count = float(i - a + 1)
        if not overflowed:
            next_result, next_error = neumaier(values[i], result, error, True)
            if math.isinf(next_result):
                overflowed = True
                result /= count - 1.0
                error /= count - 1.0
            else:
                result, error = next_result, next_error
        if overflowed:
            q = (count - 1.0) / count
            result, error = neumaier(values[i] / count, q * result, q * error, True)
        i += 1
    n = float(b - a)
    return result + error if overflowed else result / n + error / n


@kernel
def mean(values: Values, lo: Offsets, hi: Offsets, out: Values) -> None:
    """`avg_over_time` of Prometheus 3: a compensated sum, and an incremental mean from where that would overflow."""
    hands, sums, errors = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    for s in range(lo.shape[0]):
        for first in range(0, lo.shape[1], LANES):
            a, b = lo[s, first : first + LANES], hi[s, first : first + LANES]
            at = a + 1
            errors[:] = 0.0
            for k in range(len(a)):
                sums[k] = values[a[k]] if b[k] > a[k] else 0.0
            hands = add_shared(values, at, b, hands, sums, errors)
            for k in range(len(a)):
                if b[k] <= a[k]:
                    continue
                if math.isfinite(sums[k]):
                    out[s, first + k] = mean_from(values, a[k], at[k], b[k], sums[k], errors[k])
                else:
                    out[s, first + k] = mean_from(values, a[k], a[k] + 1, b[k], values[a[k]], 0.0)


@kernel
def incremental_from(values: Values, a: int, i: int, b: int, result: float, error: float) -> float:
    """The incremental mean of the samples `a` to `b`, when those before `i` are already in it."""
    while i < b:
        count = float(i - a + 1)
        same = math.isinf(values[i]) and (result > 0) == (values[i] > 0)
        if not (math.isinf(result) and (same or math.isfinite(values[i]))):
            result, error = neumaier(values[i] / count - result / count, result, error, False)
        i += 1
    return result if math.isinf(result) else result + error


@kernel
def incremental_mean(values: Values, lo: Offsets, hi: Offsets, out: Values) -> None:
    """`avg_over_time` of Prometheus 2.42: a compensated incremental mean that stays at an infinity."""
    sample, means, errors = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    for s in range(lo.shape[0]):
        for first in range(0, lo.shape[1], LANES):
            a, b = lo[s, first : first + LANES], hi[s, first : first + LANES]
            shared = common(a, b)
            means[:] = 0.0
            errors[:] = 0.0
            for j in range(shared):
                take(values, a, j, sample)
                count = float(j + 1)
                for k in range(len(a)):
                    sample[k] = sample[k] / count - means[k] / count
                add_each(sample, means, errors, len(a), False)
            for k in range(len(a)):
                # What is not finite now was so from some sample on, which the steps side by side do not look at.
                start = shared if math.isfinite(means[k]) else 0
                mean, error = (means[k], errors[k]) if start else (0.0, 0.0)
                out[s, first + k] = incremental_from(values, a[k], a[k] + start, b[k], mean, error)


@kernel
def variance(values: Values, lo: Offsets, hi: Offsets, guard: bool, out: Values) -> None:
    """`stdvar_over_time`: Welford's algorithm with both accumulators compensated."""
    sample, delta, addend = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    centres, centre_errors = np.empty(LANES), np.empty(LANES)
    spreads, spread_errors = np.empty(LANES), np.empty(LANES)
    for s in range(lo.shape[0]):
        for first in range(0, lo.shape[1], LANES):
            a, b = lo[s, first : first + LANES], hi[s, first : first + LANES]
            shared = common(a, b)
            for state in (centres, centre_errors, spreads, spread_errors):
                state[:] = 0.0
            for j in range(shared):
                take(values, a, j, sample)
                count = float(j + 1)
                for k in range(len(a)):
                    delta[k] = sample[k] - (centres[k] + centre_errors[k])
                    addend[k] = delta[k] / count
                add_each(addend, centres, centre_errors, len(a), guard)
                for k in range(len(a)):
                    addend[k] = delta[k] * (sample[k] - (centres[k] + centre_errors[k]))
                add_each(addend, spreads, spread_errors, len(a), guard)
            for k in range(len(a)):
                centre, centre_error, spread, spread_error = centres[k], centre_errors[k], spreads[k], spread_errors[k]
                for i in range(a[k] + shared, b[k]):
                    change = values[i] - (centre + centre_error)
                    centre, centre_error = neumaier(change / float(i - a[k] + 1), centre, centre_error, guard)
                    residual = values[i] - (centre + centre_error)
                    spread, spread_error = neumaier(change * residual, spread, spread_error, guard)
                out[s, first + k] = (spread + spread_error) / float(b[k] - a[k])


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
