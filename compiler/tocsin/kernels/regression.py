"""Windows of samples to a least-squares line: `deriv` and `predict_linear`."""

from __future__ import annotations

import math

import numpy as np

from tocsin.kernels.compile import kernel
from tocsin.kernels.lanes import LANES, add_each, common, take
from tocsin.series import Mask, Offsets, Times, Values


@kernel
def add_terms(
    times: Times, values: Values, lo: Offsets, j: int, end: int, zeros: Times, guard: bool, terms: Values, sums: Values
) -> None:
    """Add the samples `j` to `end` of each window to its four sums: of x, of y, of x y and of x x.

    `sums` float64[8, K] are the four totals and the four errors, `terms` float64[3, K] is space to work in.
    """
    lanes = len(lo)
    x, y, product = terms[0], terms[1], terms[2]
    x_sums, y_sums, xy_sums, xx_sums = sums[0], sums[1], sums[2], sums[3]
    x_errors, y_errors, xy_errors, xx_errors = sums[4], sums[5], sums[6], sums[7]
    while j < end:
        for k in range(lanes):
            x[k] = float(times[lo[k] + j] - zeros[k])
        take(values, lo, j, y)
        for k in range(lanes):
            x[k] /= 1000.0
        add_each(x, x_sums, x_errors, lanes, guard)
        add_each(y, y_sums, y_errors, lanes, guard)
        for k in range(lanes):
            product[k] = x[k] * y[k]
        add_each(product, xy_sums, xy_errors, lanes, guard)
        for k in range(lanes):
            product[k] = x[k] * x[k]
        add_each(product, xx_sums, xx_errors, lanes, guard)
        j += 1


@kernel
def is_constant(values: Values, a: int, b: int) -> bool:
    """Whether no sample differs from the first; a first NaN differs from all that follow it."""
    i = a + 1
    while i < b and values[i] == values[a]:
        i += 1
    return i >= b


@kernel
def solved(sums: Values, n: float) -> tuple[float, float]:
    """Slope and intercept from the sums over `n` samples."""
    x, y, xy, xx = sums[0] + sums[4], sums[1] + sums[5], sums[2] + sums[6], sums[3] + sums[7]
    covariance = xy - x * y / n
    spread = xx - x * x / n
    slope = covariance / spread
    return slope, y / n - slope * x / n


@kernel
def lines(
    times: Times,
    values: Values,
    lo: Offsets,
    hi: Offsets,
    origin: Times,
    from_first: bool,
    guard: bool,
    slope: Values,
    intercept: Values,
    present: Mask,
) -> None:
    """Slope per second, and value at `origin` (int64[T]; `from_first`: at the first sample), of windows of two or more.

    Prometheus `linearRegression` (promql/functions.go).
    """
    terms, sums = np.empty((3, LANES)), np.empty((8, LANES))
    zeros = np.empty(LANES, dtype=np.int64)
    for s in range(lo.shape[0]):
        for first in range(0, lo.shape[1], LANES):
            a, b = lo[s, first : first + LANES], hi[s, first : first + LANES]
            shared = common(a, b)
            sums[:] = 0.0
            for k in range(len(a)):
                zeros[k] = times[a[k]] if from_first and b[k] > a[k] else origin[first + k]
            add_terms(times, values, a, 0, shared, zeros, guard, terms, sums)
            for k in range(len(a)):
                t = first + k
                present[s, t] = b[k] - a[k] >= 2
                if not present[s, t]:
                    continue
                if is_constant(values, a[k], b[k]):
                    infinite = math.isinf(values[a[k]])
                    slope[s, t] = math.nan if infinite else 0.0
                    intercept[s, t] = math.nan if infinite else values[a[k]]
                    continue
                own = slice(k, k + 1)
                add_terms(times, values, a[own], shared, b[k] - a[k], zeros[own], guard, terms, sums[:, own])
                slope[s, t], intercept[s, t] = solved(sums[:, k], float(b[k] - a[k]))
