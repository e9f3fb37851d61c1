"""Sample times and evaluation times to positions: two pointers per series, so that all windows cost one pass.

Evaluation times never fall. Positions index the columns of all series.
"""

from __future__ import annotations

from tocsin.kernels.compile import kernel
from tocsin.series import Offsets, Times

NEAR = 16
"""Times that lie in two or three cache lines."""


@kernel
def search(times: Times, low: int, high: int, bound: int) -> int:
    """The first of the positions from `low` whose time is after `bound`, or `high`.

    It is looked for where it is among evenly spaced samples, and from there ever farther away: halving alone would
    fetch a dozen places from memory, which took as long as to go through a thousand windows.
    """
    if high - low > NEAR:
        first, last = times[low], times[high - 1]
        if not first <= bound < last:
            return low if bound < first else high
        near, far = low + int((bound - first) * (float(high - 1 - low) / float(last - first))), NEAR
        if times[near] <= bound:
            low = near + 1
            while low + far < high and times[low + far] <= bound:
                low, far = low + far + 1, 2 * far
            high = min(high, low + far)
        else:
            high = near
            while high - far > low and times[high - far] > bound:
                high, far = high - far, 2 * far
            low = max(low, high - far)
    while low < high:
        middle = (low + high) // 2
        if times[middle] <= bound:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def follow(times: Times, i: int, stride: int, last: int, bound: int) -> int:
    """As `search` from `i`, where the answer is near, and mostly `stride` away: as far as the last time."""
    j = i + stride
    if j <= last and (j == i or times[j - 1] <= bound) and (j == last or times[j] > bound):
        return j
    while i < last and times[i] <= bound:
        i += 1
    return i


@kernel
def latest(times: Times, offsets: Offsets, at: Times, lookback: int, closed: bool, out: Offsets) -> None:
    """The newest sample at or before each time, -1 where it is `lookback` old (`closed`: older than that) or none is.

    `out` int64[S, T]. Prometheus `vectorSelectorSingle` (promql/engine.go).
    """
    for s in range(len(offsets) - 1):
        first, last = offsets[s], offsets[s + 1]
        nearest, stride = search(times, first, last, at[0]), 0
        for t in range(len(at)):
            following = follow(times, nearest, stride, last, at[t])
            nearest, stride = following, following - nearest
            i = nearest - 1
            oldest = at[t] - lookback
            found = i >= first and (times[i] > oldest or (closed and times[i] == oldest))
            out[s, t] = i if found else -1


@kernel
def windows(times: Times, offsets: Offsets, start: Times, end: Times, closed: bool, lo: Offsets, hi: Offsets) -> None:
    """The samples in `(start, end]` (`closed`: `[start, end]`) as `lo` to `hi`, exclusive; both int64[S, T]."""
    before = 1 if closed else 0
    for s in range(len(offsets) - 1):
        first, last = offsets[s], offsets[s + 1]
        low, low_stride = search(times, first, last, start[0] - before), 0
        high, high_stride = search(times, low, last, end[0]), 0
        for t in range(len(start)):
            following = follow(times, low, low_stride, last, start[t] - before)
            low, low_stride = following, following - low
            following = follow(times, max(high, low), high_stride, last, end[t])
            high, high_stride = following, following - high
            lo[s, t] = low
            hi[s, t] = high
