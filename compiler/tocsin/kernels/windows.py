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
        span = float(last) - float(first)  # of floats, for times of any size: a difference of integers could overflow
        near, far = low + int((float(bound) - float(first)) * (float(high - 1 - low) / span)), NEAR
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
def follow(times: Times, first: int, last: int, bounds: Times, out: Offsets) -> None:
    """Of each bound the first of the positions from `first` whose time is after it, or `last`.

    It is mostly as far from the one before as that one was, or a sample more or less: one that lies on the edge.
    """
    i, stride = search(times, first, last, bounds[0]), 0
    for t in range(len(bounds)):
        bound, j = bounds[t], i + stride
        if not (j <= last and (j == i or times[j - 1] <= bound) and (j == last or times[j] > bound)):
            guess, j = j, min(j, last)
            while j > i and times[j - 1] > bound:
                j -= 1
            while j < last and times[j] <= bound:
                j += 1
            if abs(j - guess) > 1:
                stride = j - i
        i = j
        out[t] = i


@kernel
def latest(times: Times, offsets: Offsets, at: Times, lookback: int, closed: bool, out: Offsets) -> None:
    """The newest sample at or before each time, -1 where it is `lookback` old (`closed`: older than that) or none is.

    `out` int64[S, T]. Prometheus `vectorSelectorSingle` (promql/engine.go).
    """
    for s in range(len(offsets) - 1):
        first = offsets[s]
        follow(times, first, offsets[s + 1], at, out[s])
        for t in range(len(at)):
            i, oldest = out[s, t] - 1, at[t] - lookback
            found = i >= first and (times[i] > oldest or (closed and times[i] == oldest))
            out[s, t] = i if found else -1


@kernel
def windows(times: Times, offsets: Offsets, start: Times, end: Times, closed: bool, lo: Offsets, hi: Offsets) -> None:
    """The samples in `(start, end]` (`closed`: `[start, end]`) as `lo` to `hi`, exclusive; both int64[S, T]."""
    before = start - 1 if closed else start
    lag = shift(before, end)
    for s in range(len(offsets) - 1):
        between(times, offsets[s], offsets[s + 1], before, end, lag, lo[s], hi[s])


@kernel
def shift(start: Times, end: Times) -> int:
    """After how many steps windows begin where earlier ones have ended; the number of steps, if they do not."""
    lag = 0
    while lag < len(start) and start[lag] < end[0]:
        lag += 1
    later, differ = start[lag:], 0
    for t in range(len(later)):
        differ += later[t] != end[t]
    return len(start) if differ > 0 else lag


@kernel
def between(times: Times, first: int, last: int, start: Times, end: Times, lag: int, lo: Offsets, hi: Offsets) -> None:
    """The samples of one series in `(start, end]`. Where windows begin `lag` steps after others end, it is known."""
    follow(times, first, last, end, hi)
    if lag > 0:
        follow(times, first, last, start[:lag], lo[:lag])
    later = lo[lag:]
    for t in range(len(later)):
        later[t] = hi[t]
