"""Windows or groups of samples to a quantile: sort, then interpolate between two neighbours."""

from __future__ import annotations

import math

import numpy as np

from tocsin.kernels.compile import kernel
from tocsin.series import Mask, Offsets, Values


@kernel
def of_sorted(q: float, ordered: Values, n: int) -> float:
    """The `q` quantile of `ordered[:n]`, where NaN stands last but counts as the smallest.

    Prometheus `quantile` (promql/quantile.go).
    """
    if n == 0 or math.isnan(q):
        return math.nan
    if q < 0:
        return -math.inf
    if q > 1:
        return math.inf
    numbers = n
    while numbers > 0 and math.isnan(ordered[numbers - 1]):
        numbers -= 1
    nans = n - numbers
    rank = q * float(n - 1)
    lower = max(0, math.floor(rank))
    upper = min(n - 1, lower + 1)
    weight = rank - math.floor(rank)
    low = ordered[lower - nans] if lower >= nans else math.nan
    high = ordered[upper - nans] if upper >= nans else math.nan
    return low * (1.0 - weight) + high * weight


@kernel
def over_time(values: Values, lo: Offsets, hi: Offsets, q: Values, out: Values) -> None:
    """`quantile_over_time`, with the quantile (float64[T]) of each step."""
    for s in range(lo.shape[0]):
        for t in range(lo.shape[1]):
            ordered = np.sort(values[lo[s, t] : hi[s, t]])
            out[s, t] = of_sorted(q[t], ordered, len(ordered))


@kernel
def deviation(values: Values, lo: Offsets, hi: Offsets, out: Values) -> None:
    """`mad_over_time`: the median of the distances from the median; NaN where a sample is NaN."""
    for s in range(lo.shape[0]):
        for t in range(lo.shape[1]):
            ordered = np.sort(values[lo[s, t] : hi[s, t]])
            n = len(ordered)
            if n > 0 and math.isnan(ordered[n - 1]):
                out[s, t] = math.nan
                continue
            median = of_sorted(0.5, ordered, n)
            distances = np.sort(np.abs(ordered - median))
            out[s, t] = of_sorted(0.5, distances, n)


@kernel
def grouped(values: Values, present: Mask, group: Offsets, groups: int, q: Values, out: Values) -> None:
    """`quantile by (...)`: `out` float64[G, T] from `values` float64[S, T]."""
    members = np.empty(values.shape[0])
    for g in range(groups):
        for t in range(values.shape[1]):
            n = 0
            for s in range(values.shape[0]):
                if group[s] == g and present[s, t]:
                    members[n] = values[s, t]
                    n += 1
            out[g, t] = of_sorted(q[t], np.sort(members[:n]), n)
