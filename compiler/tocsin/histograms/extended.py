"""Native histograms around a window to values at its edges and the change between them: `anchored` and `smoothed`.

Source: prometheus/promql/functions.go, `extendedHistogramRate` and what it calls; promql/engine.go, `smoothSeries`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

from tocsin.histograms.arithmetic import MixedBucketsError, added, scaled, subtracted
from tocsin.histograms.model import Histogram
from tocsin.histograms.resets import is_reset

Times = Sequence[int]
Samples = Sequence[Histogram]


def at_time(times: Times, samples: Samples, time: int) -> Histogram | None:
    """The histogram at `time` between two samples; after the last sample that one, before the first None."""
    i = bisect_left(times, time)
    if i < len(times) and times[i] == time:
        return samples[i]
    if i == 0:
        return None
    if i == len(times):
        return samples[-1].hinted("unknown")
    counter = samples[i - 1].hint != "gauge" or samples[i].hint != "gauge"
    try:
        return _between(times, samples, i - 1, time, counter)
    except MixedBucketsError:
        return None


def change(times: Times, samples: Samples, start: int, end: int, smoothed: bool, counter: bool) -> Histogram | None:
    """From one edge of a window to the other, and for a counter plus what resets took.

    The samples reach beyond the window. None where none is inside, or exponential and custom buckets meet.
    """
    last = len(times) - 1
    first = max(0, bisect_right(times, start, hi=last) - 1)
    if smoothed:
        last = bisect_left(times, end, hi=last)
    if times[last] <= start or (smoothed and times[first] > end):
        return None
    if len({h.custom for h in samples[first : last + 1]}) > 1:
        return None
    left, right = samples[first], samples[last]
    if smoothed and times[first] < start:
        left = _between(times, samples, first, start, counter)
    if smoothed and last > 0 and times[last] > end:
        right = _between(times, samples, last - 1, end, counter)
    result = subtracted(right, left)
    begin, anchor = first + 1, left
    if smoothed and times[first] < start and is_reset(samples[first + 1], samples[first]):
        begin, anchor = first + 2, samples[first + 1]  # what that reset took is not in `left`
    if counter and begin <= last and (lost := _lost([anchor, *samples[begin:last], right])) is not None:
        result = added(result, lost)
    return result.hinted("gauge").compacted()


def _between(times: Times, samples: Samples, i: int, time: int, counter: bool) -> Histogram:
    """On the line from sample `i` to the next; a counter that was reset rises from zero. Raises MixedBucketsError."""
    before, after = samples[i], samples[i + 1]
    if before.custom != after.custom:
        raise MixedBucketsError
    if time in (times[i], times[i + 1]):
        return before if time == times[i] else after
    share = float(time - times[i]) / float(times[i + 1] - times[i])
    if counter and is_reset(after, before):
        return scaled(after, share)
    return added(scaled(subtracted(after, before), share), before)


def _lost(samples: Samples) -> Histogram | None:
    """The sum of what the samples before resets held; None where there is no reset."""
    total: Histogram | None = None
    for before, current in pairwise(samples):
        if is_reset(current, before):
            total = before if total is None else added(total, before)
    return total
