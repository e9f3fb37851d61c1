"""Windows of a counter or gauge to its extrapolated change: `rate`, `increase` and `delta`."""

from __future__ import annotations

from numpy import int64

from tocsin.kernels.compile import kernel
from tocsin.series import Mask, Offsets, Times, Values

BLOCK = 256
"""Values that are compared without a branch, many at once, before any of them is looked at."""


@kernel
def drops(values: Values, lo: Offsets, hi: Offsets, out: Offsets) -> int:
    """The positions in the windows of each series whose value is below the one before it; returns how many.

    Positions that no window holds may be among them.
    """
    n = 0
    for s in range(lo.shape[0]):
        for first in range(lo[s, 0], hi[s, -1] - 1, BLOCK):
            last = min(first + BLOCK, hi[s, -1] - 1)
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
    return average / 2.0 if gap >= average * 1.1 else gap


@kernel
def covered(
    before: float, after: float, sampled: float, average: float, first: float, change: float, compat: int
) -> float:
    """The seconds that a change is taken to span; a counter is not extrapolated below zero.

    Prometheus since 2.51 cuts at zero after the test of the gap (#13725), 2.42 before it. `first` is -1 for a gauge.
    """
    if compat == 2:
        to_zero = sampled * (first / change) if change > 0 and first >= 0 else before
        return sampled + to_edge(min(to_zero, before), average) + to_edge(after, average)
    start = to_edge(before, average)
    if change > 0 and 0 <= first < 2.0 * change:  # else zero is farther away than any edge: a division less
        to_zero = sampled * (first / change)
        start = min(to_zero, start)
    return sampled + start + to_edge(after, average)


@kernel
def extrapolated(
    times: Times,
    values: Values,
    lo: Offsets,
    hi: Offsets,
    dropped: Offsets,
    start: Times,
    end: Times,
    seconds: float,
    counter: bool,
    compat: int,
    out: Values,
    present: Mask,
) -> None:
    """The change over each window of two samples or more, divided by `seconds` where that is not 0.

    `dropped` are the positions of `drops`: only these are visited, in the order of time, so that the sum has the bits
    of the full scan. Prometheus `extrapolatedRate` (promql/functions.go). Where scrapes are regular one window's times
    are the next one's, and not divided again: divisions are most of the work.
    """
    p = 0
    span, pairs, early, late = int64(0), int64(0), int64(0), int64(0)
    sampled = average = before = after = 0.0
    for s in range(lo.shape[0]):
        for t in range(lo.shape[1]):
            a, b = lo[s, t], hi[s, t] - 1
            present[s, t] = b > a
            if b <= a:
                continue
            change = values[b] - values[a]
            if counter:
                while p < len(dropped) and dropped[p] <= a:
                    p += 1
                q = p
                while q < len(dropped) and dropped[q] <= b:
                    change += values[dropped[q] - 1]
                    q += 1
            if times[b] - times[a] != span or b - a != pairs:
                span, pairs = times[b] - times[a], b - a
                sampled = float(span) / 1000.0
                average = sampled / pairs
            if times[a] - start[t] != early:
                early = times[a] - start[t]
                before = float(early) / 1000.0
            if end[t] - times[b] != late:
                late = end[t] - times[b]
                after = float(late) / 1000.0
            factor = covered(before, after, sampled, average, values[a] if counter else -1.0, change, compat) / sampled
            if seconds != 0.0:
                factor /= seconds
            out[s, t] = change * factor
