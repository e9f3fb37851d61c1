"""Windows and the samples around them to values at their edges: `anchored` and `smoothed` (Prometheus `extendedRate`).

The samples `lo` to `hi`, exclusive, reach beyond the window by the lookback: an anchored window starts with the last
sample before it, a smoothed one with a point on the line across each edge.
"""

from __future__ import annotations

from tocsin.kernels.compile import kernel
from tocsin.series import Mask, Offsets, Times, Values


@kernel
def first_after(times: Times, low: int, high: int, time: int) -> int:
    """The first position from `low` whose time is after `time`, else `high`."""
    while low < high:
        middle = (low + high) // 2
        if times[middle] > time:
            high = middle
        else:
            low = middle + 1
    return low


@kernel
def between(times: Times, values: Values, i: int, time: int, counter: bool) -> float:
    """The value at `time` on the line from sample `i` to the next; a counter that fell rises from zero."""
    before, after = float(values[i]), float(values[i + 1])
    if counter and after < before:
        before = 0.0
    return before + (after - before) * float(time - times[i]) / float(times[i + 1] - times[i])


@kernel
def edges(
    times: Times, values: Values, lo: int, hi: int, start: int, end: int, smoothed: bool, counter: bool
) -> tuple[bool, int, int, float, float]:
    """Whether the window has a value, the samples strictly inside it (first, and one past the last), and the values at
    its start and end."""
    if hi <= lo:
        return False, 0, 0, 0.0, 0.0
    last = hi - 1
    first = max(lo, first_after(times, lo, last, start) - 1)
    if smoothed:
        last = first_after(times, lo, last, end - 1)
    if times[last] <= start or (smoothed and times[first] > end):
        return False, 0, 0, 0.0, 0.0
    left, right = values[first], values[last]
    if smoothed and times[first] < start:
        left = between(times, values, first, start, counter)
    if smoothed and last > lo and times[last] > end:
        right = between(times, values, last - 1, end, counter)
    if times[first] <= start:
        first += 1
    if times[last] >= end:
        last -= 1
    return True, first, last + 1, left, right


@kernel
def extended_change(
    times: Times,
    values: Values,
    lo: Offsets,
    hi: Offsets,
    start: Times,
    end: Times,
    smoothed: bool,
    counter: bool,
    seconds: float,
    out: Values,
    present: Mask,
) -> None:
    """The change from edge to edge and what a counter lost at resets, divided by `seconds` where that is not 0."""
    for s in range(lo.shape[0]):
        for t in range(lo.shape[1]):
            found, first, last, left, right = edges(
                times, values, lo[s, t], hi[s, t], start[t], end[t], smoothed, counter
            )
            present[s, t] = found
            change = right - left
            if counter:
                lost, previous = 0.0, left
                for i in range(first, last):
                    if values[i] < previous:
                        lost += previous
                    previous = values[i]
                if right < previous:
                    lost += previous
                change += lost
            out[s, t] = change / seconds if seconds != 0.0 else change


@kernel
def smoothed_at(times: Times, values: Values, lo: Offsets, hi: Offsets, at: Times, out: Values, present: Mask) -> None:
    """The value on the line between the samples before and after each time, the last one where none comes after."""
    for s in range(lo.shape[0]):
        for t in range(lo.shape[1]):
            i = first_after(times, lo[s, t], hi[s, t], at[t] - 1)
            exact = i < hi[s, t] and times[i] == at[t]
            present[s, t] = exact or i > lo[s, t]
            if exact:
                out[s, t] = values[i]
            elif present[s, t]:
                out[s, t] = between(times, values, i - 1, at[t], False) if i < hi[s, t] else values[i - 1]
