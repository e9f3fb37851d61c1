"""Samples of a counter or gauge to its extrapolated change over each window: `rate`, `increase` and `delta`.

The windows are found on the way, so that each sample is fetched from memory once, and what is done to a window is done
to `LANES` of them side by side: a division of many numbers takes as long as one, and there are six to a window.
"""

from __future__ import annotations

import numpy as np

from tocsin.kernels.compile import kernel
from tocsin.kernels.lanes import LANES
from tocsin.kernels.windows import between, shift
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
def fetch(times: Times, values: Values, lo: Offsets, hi: Offsets, edges: Times, first: Values, change: Values) -> None:
    """Of each window the times of the first and of the last sample, the first value, and the last less the first.

    `edges` int64[2, LANES]. Where a window has less than two samples it is nothing in particular.
    """
    early, late = edges[0], edges[1]
    for k in range(len(lo)):
        some = hi[k] - lo[k] >= 2
        a, b = np.uint64(lo[k] if some else 0), np.uint64(hi[k] - 1 if some else 0)  # which are not negative
        early[k], late[k] = times[a], times[b]
        first[k], change[k] = values[a], values[b] - values[a]


@kernel
def add_drops(values: Values, dropped: Offsets, p: int, lo: Offsets, hi: Offsets, change: Values) -> int:
    """To each change what the counter had reached before it fell; those of `dropped` before `p` lie behind."""
    for k in range(len(lo)):
        while p < len(dropped) and dropped[p] <= lo[k]:
            p += 1
        q = p
        while q < len(dropped) and dropped[q] < hi[k]:
            change[k] += values[dropped[q] - 1]
            q += 1
    return p


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
def extrapolate(
    pairs: Offsets,
    edges: Times,
    first: Values,
    change: Values,
    start: Times,
    end: Times,
    compat: int,
    seconds: float,
    out: Values,
) -> None:
    """Windows side by side to their change, divided by `seconds`. Prometheus `extrapolatedRate` (promql/functions.go).

    `pairs` are as many as each window has samples, but one; for the others see `fetch` and `covered`.
    """
    early, late = edges[0], edges[1]
    for k in range(len(out)):
        sampled = float(late[k] - early[k]) / 1000.0
        before, after = float(early[k] - start[k]) / 1000.0, float(end[k] - late[k]) / 1000.0
        span = covered(before, after, sampled, sampled / float(pairs[k]), first[k], change[k], compat)
        out[k] = change[k] * (span / sampled / seconds)


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
    longest, steps = 0, len(end)
    if len(times) == 0:
        present[:] = False
        return
    for s in range(len(offsets) - 1):
        longest = max(longest, offsets[s + 1] - offsets[s])
    dropped, edges = np.empty(longest if counter else 0, dtype=np.int64), np.empty((2, LANES), dtype=np.int64)
    first, change = np.empty(LANES), np.empty(LANES)
    lo, hi, pairs = np.empty(steps, dtype=np.int64), np.empty(steps, dtype=np.int64), np.empty(steps, dtype=np.int64)
    before = start - 1 if closed else start
    lag = shift(before, end)
    for s in range(len(offsets) - 1):
        between(times, offsets[s], offsets[s + 1], before, end, lag, lo, hi)
        found, p = drops(values, lo[0], hi[-1], dropped) if counter else 0, 0
        for t in range(steps):
            pairs[t] = hi[t] - lo[t] - 1
            present[s, t] = pairs[t] > 0
        for t in range(0, steps, LANES):
            own = slice(t, min(t + LANES, steps))
            fetch(times, values, lo[own], hi[own], edges, first, change)
            if found > 0:
                p = add_drops(values, dropped[:found], p, lo[own], hi[own], change)
            if not counter:
                first[:] = -1.0
            extrapolate(pairs[own], edges, first, change, start[own], end[own], compat, seconds, out[s, own])
