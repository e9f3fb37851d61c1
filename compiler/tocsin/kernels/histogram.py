"""Cumulative buckets of classic histograms to a quantile, step by step."""

from __future__ import annotations

import math

import numpy as np

from tocsin.kernels.compile import kernel
from tocsin.series import Mask, Offsets, Values

SMALLEST_NORMAL = float(np.finfo(np.float64).tiny)
LARGEST = float(np.finfo(np.float64).max)
TOLERANCE = 1e-12


@kernel
def almost_equal(a: float, b: float) -> bool:
    """Prometheus `almost.Equal` (util/almost) with the tolerance of `histogram_quantile`."""
    if a == b or (math.isnan(a) and math.isnan(b)):
        return True
    size = abs(a) + abs(b)
    distance = abs(a - b)
    if a == 0.0 or b == 0.0 or size < SMALLEST_NORMAL:
        return distance < TOLERANCE * SMALLEST_NORMAL
    return distance / min(size, LARGEST) < TOLERANCE


@kernel
def make_monotonic(counts: Values, n: int, compat: int) -> None:
    """No bucket counts less than the one below it; Prometheus 3 also levels differences within the tolerance."""
    previous = counts[0]
    for i in range(1, n):
        current = counts[i]
        if compat == 2:
            if current > previous:
                previous = current
            elif current < previous:
                counts[i] = previous
        elif current == previous:
            continue
        elif almost_equal(previous, current) or current < previous:
            counts[i] = previous
        else:
            previous = current


@kernel
def bucket_quantile(q: float, bounds: Values, counts: Values, n: int, compat: int) -> float:
    """The quantile of `n` buckets in the order of their bounds; changes both arrays.

    Prometheus `bucketQuantile` (promql/quantile.go): the counts of equal bounds are added up.
    """
    if math.isnan(q):
        return math.nan
    if q < 0:
        return -math.inf
    if q > 1:
        return math.inf
    if bounds[n - 1] != math.inf:
        return math.nan
    last = 0
    for i in range(1, n):
        if bounds[i] == bounds[last]:
            counts[last] += counts[i]
        else:
            last += 1
            bounds[last], counts[last] = bounds[i], counts[i]
    n = last + 1
    make_monotonic(counts, n, compat)
    if n < 2 or counts[n - 1] == 0.0:
        return math.nan
    rank = q * counts[n - 1]
    low, high = 0, n - 1
    while low < high:
        middle = (low + high) // 2
        if counts[middle] >= rank:
            high = middle
        else:
            low = middle + 1
    if low == n - 1:
        return float(bounds[n - 2])
    if low == 0 and bounds[0] <= 0.0:
        return float(bounds[0])
    if low == 0:
        return float(0.0 + bounds[0] * (rank / counts[0]))
    start, inside = bounds[low - 1], counts[low] - counts[low - 1]
    return float(start + (bounds[low] - start) * ((rank - counts[low - 1]) / inside))


@kernel
def quantiles(
    values: Values,
    present: Mask,
    bound: Values,
    row: Offsets,
    first: Offsets,
    q: Values,
    compat: int,
    out: Values,
    found: Mask,
) -> None:
    """`histogram_quantile`: `out` and `found` are [H, T].

    Histogram h has the buckets `row[first[h]:first[h + 1]]`, in the order of their upper bounds `bound`.
    """
    bounds = np.empty(len(row))
    counts = np.empty(len(row))
    for h in range(len(first) - 1):
        for t in range(values.shape[1]):
            n = 0
            for i in range(first[h], first[h + 1]):
                if present[row[i], t]:
                    bounds[n] = bound[i]
                    counts[n] = values[row[i], t]
                    n += 1
            found[h, t] = n > 0
            if n > 0:
                out[h, t] = bucket_quantile(q[t], bounds, counts, n, compat)
