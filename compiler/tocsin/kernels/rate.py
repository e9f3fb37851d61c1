"""Samples of a counter or gauge to its extrapolated change over each window: `rate`, `increase` and `delta`.

The windows are found on the way, so that each sample is fetched from memory once, and what is done to a window is done
to `LANES` of them side by side: a division of many numbers takes as long as one, and there are six to a window.
"""

from __future__ import annotations

import numpy as np

from tocsin.kernels.compile import kernel
from tocsin.kernels.lanes import LANES
from tocsin.kernels.windows import follow, search
from tocsin.series import Mask, Offsets, Times, Values

BLOCK = 256
"""Values that are compared without a branch, many at once, before any of them is looked at."""


@kernel
def drops(values: Values, low: int, high: int, out: Offsets) -> int:
    """The positions after `low` and before `high` whose value is below the one before it; returns how many."""
    n = 0
    for first in range(low, high - 1, BLOCK):
        last = min(first + BLOCK, high - 1)
        before, after = values[first:last], values[first + 1 : last + 1]
        found = 0
        for k in range(last - first):
            found += after[k] < before[k]
        if found > 0:
            for k in range(last - first):
                if after[k] < before[k]:
                    out[n] = first + 1 + k
                    n += 1
    return n


@kernel
def to_edge(gap: float, average: float) -> float:
    """How far to extrapolate beyond the outermost sample, which is `gap` seconds from the edge of the window."""
    half = average / 2.0
    return half if gap >= average * 1.1 else gap


@kernel
def covered(
    before: float, after: float, sampled: float, average: float, first: float, change: float, compat: int
) -> float:
    """The seconds that a change is taken to span; a counter is not extrapolated below zero.

    Prometheus since 2.51 cuts at zero after the test of the gap (#13725), 2.42 before it. `first` is -1 for a gauge.
    Without branches, so that it is compiled to vector instructions.
    """
    to_zero = sampled * (first / change)
    rises = (change > 0.0) & (first >= 0.0)
    if compat == 2:
        start = to_edge(to_zero if rises & (to_zero < before) else before, average)
        return sampled + start + to_edge(after, average)
    start = to_edge(before, average)
    start = to_zero if rises & (to_zero < start) else start
    return sampled + start + to_edge(after, average)


@kernel
def extrapolate(lanes: Values, counter: bool, compat: int, seconds: float, n: int, out: Values) -> None:
    """Windows side by side to their change, divided by `seconds`. Prometheus `extrapolatedRate` (promql/functions.go).

    `lanes` float64[6, LANES]: of each window the milliseconds from its first sample to its last, from its start to its
    first and from its last to its end, how many pairs of samples it has, its first value, and its change.
    """
    for k in range(n):
        sampled, first, change = lanes[0, k] / 1000.0, lanes[4, k] if counter else -1.0, lanes[5, k]
        before, after = lanes[1, k] / 1000.0, lanes[2, k] / 1000.0
        span = covered(before, after, sampled, sampled / lanes[3, k], first, change, compat)
        out[k] = change * (span / sampled / seconds)


@kernel
def extrapolated(
    times: Times,
    values: Values,
    offsets: Offsets,
    start: Times,
    end: Times,
    closed: bool,
    counter: bool,
    compat: int,
    seconds: float,
    out: Values,
    present: Mask,
) -> None:
    """The change over each window `(start, end]` (`closed`: `[start, end]`) of two samples or more, by `seconds`.

    Only where a counter falls its values are visited, in the order of time, so that the sum has the bits of the full
    scan. `out` float64[S, T] and `present` bool[S, T]; the edges of the windows never move back.
    """
    earlier, longest = 1 if closed else 0, 0
    for s in range(len(offsets) - 1):
        longest = max(longest, offsets[s + 1] - offsets[s])
    dropped, lanes = np.empty(longest if counter else 0, dtype=np.int64), np.empty((6, LANES))
    for s in range(len(offsets) - 1):
        last = offsets[s + 1]
        low, low_stride = search(times, offsets[s], last, start[0] - earlier), 0
        high, high_stride = search(times, low, last, end[0]), 0
        found, p = drops(values, low, search(times, high, last, end[-1]), dropped) if counter else 0, 0
        for t in range(len(end)):
            k = t % LANES
            following = follow(times, low, low_stride, last, start[t] - earlier)
            low, low_stride = following, following - low
            following = follow(times, max(high, low), high_stride, last, end[t])
            high, high_stride = following, following - high
            a, b = low, high - 1
            present[s, t] = b > a
            if b > a:
                change = values[b] - values[a]
                while p < found and dropped[p] <= a:
                    p += 1
                q = p
                while q < found and dropped[q] <= b:
                    change += values[dropped[q] - 1]
                    q += 1
                lanes[0, k] = times[b] - times[a]
                lanes[1, k] = times[a] - start[t]
                lanes[2, k] = end[t] - times[b]
                lanes[3, k] = b - a
                lanes[4, k] = values[a]
                lanes[5, k] = change
            else:
                lanes[:, k] = 1.0
            if k == LANES - 1 or t == len(end) - 1:
                extrapolate(lanes, counter, compat, seconds, k + 1, out[s, t - k :])
