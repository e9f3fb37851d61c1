"""Sample times and evaluation times to positions: two pointers per series, so that all windows cost one pass.

Evaluation times never fall. Positions index the columns of all series.
"""

from __future__ import annotations

from tocsin.kernels.compile import kernel
from tocsin.series import Offsets, Times


@kernel
def latest(times: Times, offsets: Offsets, at: Times, lookback: int, closed: bool, out: Offsets) -> None:
    """The newest sample at or before each time, -1 where it is `lookback` old (`closed`: older than that) or none is.

    `out` int64[S, T]. Prometheus `vectorSelectorSingle` (promql/engine.go).
    """
    for s in range(len(offsets) - 1):
        first, last = offsets[s], offsets[s + 1]
        nearest = first
        for t in range(len(at)):
            while nearest < last and times[nearest] <= at[t]:
                nearest += 1
            i = nearest - 1
            oldest = at[t] - lookback
            found = i >= first and (times[i] > oldest or (closed and times[i] == oldest))
            out[s, t] = i if found else -1


@kernel
def windows(times: Times, offsets: Offsets, start: Times, end: Times, closed: bool, lo: Offsets, hi: Offsets) -> None:
    """The samples in `(start, end]` (`closed`: `[start, end]`) as `lo` to `hi`, exclusive; both int64[S, T]."""
    for s in range(len(offsets) - 1):
        last = offsets[s + 1]
        low = high = offsets[s]
        for t in range(len(start)):
            while low < last and (times[low] < start[t] or (times[low] == start[t] and not closed)):
                low += 1
            high = max(high, low)
            while high < last and times[high] <= end[t]:
                high += 1
            lo[s, t] = low
            hi[s, t] = high
