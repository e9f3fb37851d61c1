"""Windows or groups of samples, in ascending order, to a quantile: what lies between two neighbours."""

from __future__ import annotations

import math

import numpy as np

from tocsin.kernels.compile import kernel
from tocsin.kernels.go_sort import SMALLEST_FIRST, arrange
from tocsin.kernels.order import advance, has_negative_zero, place, room
from tocsin.series import Mask, Offsets, Values


@kernel
def between(q: float, ordered: Values, nans: int, n: int) -> float:
    """The `q` quantile of `n` samples: `nans` of them are NaN and count as the smallest, the rest are `ordered`.

    Prometheus `quantile` (promql/quantile.go).
    """
    if n == 0 or math.isnan(q):
        return math.nan
    if q < 0:
        return -math.inf
    if q > 1:
        return math.inf
    rank = q * float(n - 1)
    lower = max(0, math.floor(rank))
    upper = min(n - 1, lower + 1)
    weight = rank - math.floor(rank)
    low = ordered[lower - nans] if lower >= nans else math.nan
    high = ordered[upper - nans] if upper >= nans else math.nan
    return low * (1.0 - weight) + high * weight


@kernel
def of_sorted(q: float, ordered: Values, n: int) -> float:
    """The `q` quantile of `ordered[:n]`, where NaN stands last."""
    numbers = n
    while numbers > 0 and math.isnan(ordered[numbers - 1]):
        numbers -= 1
    return between(q, ordered, n - numbers, n)


@kernel
def in_order(values: Values, compat: int, ordered: Values) -> int:
    """The values without NaN in ascending order, and how many; zeros of either sign stand as Prometheus sorts them."""
    rows = np.arange(len(values))
    arrange(rows, (values, SMALLEST_FIRST), len(rows), compat)
    n = 0
    for row in rows:
        if not math.isnan(values[row]):
            ordered[n] = values[row]
            n += 1
    return n


@kernel
def over_time(values: Values, lo: Offsets, hi: Offsets, q: Values, compat: int, out: Values) -> None:
    """`quantile_over_time`, with the quantile (float64[T]) of each step."""
    ordered = room(lo, hi)
    for s in range(lo.shape[0]):
        anew = has_negative_zero(values[lo[s, 0] : hi[s, -1]])
        n, before = 0, (lo[s, 0], lo[s, 0])
        for t in range(lo.shape[1]):
            window = lo[s, t], hi[s, t]
            n = advance(ordered, n, values, before, window, anew)
            before = window
            size = window[1] - window[0]
            out[s, t] = between(q[t], ordered, size - n, size)
            if anew and out[s, t] == 0.0:
                in_order(values[window[0] : window[1]], compat, ordered)
                out[s, t] = between(q[t], ordered, size - n, size)


@kernel
def nearest(ordered: Values, n: int, centre: float, count: int, out: Values) -> None:
    """The `count` smallest distances from `centre`, in ascending order: from the centre outwards on both sides."""
    right = place(ordered, n, centre)
    left = right - 1
    for k in range(count):
        below = centre - ordered[left] if left >= 0 else math.inf
        above = abs(ordered[right] - centre) if right < n else math.inf
        if below <= above:
            out[k] = below
            left -= 1
        else:
            out[k] = above
            right += 1


@kernel
def deviation(values: Values, lo: Offsets, hi: Offsets, out: Values) -> None:
    """`mad_over_time`: the median of the distances from the median; NaN where a sample is NaN."""
    ordered, distances = room(lo, hi), room(lo, hi)
    for s in range(lo.shape[0]):
        anew = has_negative_zero(values[lo[s, 0] : hi[s, -1]])
        n, before = 0, (lo[s, 0], lo[s, 0])
        for t in range(lo.shape[1]):
            window = lo[s, t], hi[s, t]
            n = advance(ordered, n, values, before, window, anew)
            before = window
            if n < window[1] - window[0]:
                out[s, t] = math.nan
                continue
            median = between(0.5, ordered, 0, n)
            if n > 0 and math.isfinite(ordered[0]) and math.isfinite(ordered[n - 1]):
                nearest(ordered, n, median, min(n, n // 2 + 2), distances)
                out[s, t] = between(0.5, distances, 0, n)
            else:
                out[s, t] = of_sorted(0.5, np.sort(np.abs(ordered[:n] - median)), n)


@kernel
def grouped(
    values: Values,
    present: Mask,
    order: Offsets,
    group: Offsets,
    groups: int,
    q: Values,
    compat: int,
    out: Values,
) -> None:
    """`quantile by (...)`: `out` float64[G, T] from `values` float64[S, T].

    `order` int64[S, T] gives the rows of each step in the order in which they come.
    """
    members, ordered = np.empty(values.shape[0]), np.empty(values.shape[0])
    for g in range(groups):
        for t in range(values.shape[1]):
            n = 0
            for s in range(values.shape[0]):
                if group[s] == g and present[s, t]:
                    members[n] = values[s, t]
                    n += 1
            out[g, t] = of_sorted(q[t], np.sort(members[:n]), n)
            if out[g, t] == 0.0 and has_negative_zero(members[:n]):
                n = 0
                for s in order[:, t]:
                    if group[s] == g and present[s, t]:
                        members[n] = values[s, t]
                        n += 1
                out[g, t] = between(q[t], ordered, n - in_order(members[:n], compat, ordered), n)
