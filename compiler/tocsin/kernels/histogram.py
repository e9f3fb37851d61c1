"""Cumulative buckets of classic histograms to quantiles, and to shares of the observations, step by step."""

from __future__ import annotations

import math

import numpy as np

from tocsin.kernels.compile import kernel
from tocsin.kernels.go_sort import PLAIN, arrange
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
def sort_by_bound(bounds: Values, counts: Values, n: int, compat: int) -> None:
    """In place, as Go sorts: equal bounds change their order where there are many buckets (kernels/go_sort.py)."""
    i = 1
    while i < n and bounds[i - 1] <= bounds[i]:
        i += 1
    if i == n:
        return
    rows = np.arange(n)
    arrange(rows, (bounds[:n], PLAIN), n, compat)
    bounds[:n], counts[:n] = bounds[rows], counts[rows]


@kernel
def coalesce(bounds: Values, counts: Values, n: int) -> int:
    """Add up the counts of equal bounds, and say how many bounds are left."""
    last = 0
    for i in range(1, n):
        if bounds[i] == bounds[last]:
            counts[last] += counts[i]
        else:
            last += 1
            bounds[last], counts[last] = bounds[i], counts[i]
    return last + 1


@kernel
def bucket_quantile(q: float, bounds: Values, counts: Values, n: int, compat: int) -> float:
    """The quantile of `n` buckets; changes both arrays.

    Prometheus `BucketQuantile` (promql/quantile.go).
    """
    if math.isnan(q):
        return math.nan
    if q < 0:
        return -math.inf
    if q > 1:
        return math.inf
    sort_by_bound(bounds, counts, n, compat)
    if bounds[n - 1] != math.inf:
        return math.nan
    n = coalesce(bounds, counts, n)
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
def bucket_fraction(low: float, high: float, bounds: Values, counts: Values, n: int) -> float:
    """The share from `low` to `high` of `n` buckets; changes both arrays.

    Prometheus `BucketFraction` (promql/quantile.go): observations are spread evenly over a bucket, and the first one
    begins at 0, unless its bound is not above it.
    """
    sort_by_bound(bounds, counts, n, 3)
    if bounds[n - 1] != math.inf:
        return math.nan
    n = coalesce(bounds, counts, n)
    total = counts[n - 1]
    if total == 0.0 or math.isnan(low) or math.isnan(high):
        return math.nan
    if low >= high:
        return 0.0
    below_low = rank_of(low, bounds, counts, n)
    below_high = rank_of(high, bounds, counts, n)
    if below_low > total:
        below_low = total
    if below_high > total:
        below_high = total
    return float((below_high - below_low) / total)


@kernel
def rank_of(edge: float, bounds: Values, counts: Values, n: int) -> float:
    """How many observations lie below an edge."""
    below, start = 0.0, -math.inf if bounds[0] <= 0.0 else 0.0
    for i in range(n):
        if start >= edge:
            return float(below)
        if bounds[i] > edge:
            if start == -math.inf:
                return float(counts[i])
            return float(below + (counts[i] - below) * (edge - start) / (bounds[i] - start))
        below, start = counts[i], bounds[i]
    return float(counts[n - 1])


@kernel
def by_rank(bound: Values, row: Offsets, rank: Offsets, t: int) -> tuple[Values, Offsets]:
    """The buckets in the order that they have at a step."""
    order = np.argsort(rank[row, t])
    return bound[order], row[order]


@kernel
def gather(values: Values, present: Mask, t: int, bound: Values, row: Offsets, bounds: Values, counts: Values) -> int:
    """The buckets that are present at a step, and how many."""
    n = 0
    for i in range(len(row)):
        if present[row[i], t]:
            bounds[n] = bound[i]
            counts[n] = values[row[i], t]
            n += 1
    return n


@kernel
def quantiles(
    values: Values,
    present: Mask,
    bound: Values,
    row: Offsets,
    first: Offsets,
    rank: Offsets,
    q: Values,
    compat: int,
    start: int,
    stop: int,
    out: Values,
    found: Mask,
) -> None:
    """`histogram_quantiles`: `q` is [Q, T], `out` [Q, H, T] and `found` [H, T], from step `start` to `stop`.

    Histogram h has the buckets `row[first[h]:first[h + 1]]` with the upper bounds `bound`, which come in this order, or
    in that of `rank` ([S, T]) unless it is empty. As in Prometheus, a quantile finds the buckets as the one before it
    has left them.
    """
    bounds = np.empty(len(row))
    counts = np.empty(len(row))
    for h in range(len(first) - 1):
        members = slice(first[h], first[h + 1])
        edges, own = bound[members], row[members]
        for t in range(start, stop):
            if len(rank) > 0:
                edges, own = by_rank(bound[members], row[members], rank, t)
            n = gather(values, present, t, edges, own, bounds, counts)
            found[h, t] = n > 0
            if n > 0:
                for k in range(len(q)):
                    out[k, h, t] = bucket_quantile(q[k, t], bounds, counts, n, compat)


@kernel
def fractions(
    values: Values,
    present: Mask,
    bound: Values,
    row: Offsets,
    first: Offsets,
    rank: Offsets,
    low: Values,
    high: Values,
    out: Values,
    found: Mask,
) -> None:
    """`histogram_fraction`: `low` and `high` are [T], `out` and `found` [H, T], the rest as for `quantiles`."""
    bounds = np.empty(len(row))
    counts = np.empty(len(row))
    for h in range(len(first) - 1):
        members = slice(first[h], first[h + 1])
        edges, own = bound[members], row[members]
        for t in range(values.shape[1]):
            if len(rank) > 0:
                edges, own = by_rank(bound[members], row[members], rank, t)
            n = gather(values, present, t, edges, own, bounds, counts)
            found[h, t] = n > 0
            if n > 0:
                out[h, t] = bucket_fraction(low[t], high[t], bounds, counts, n)
