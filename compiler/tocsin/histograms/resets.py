"""Two samples of a histogram to whether its counters were reset between them.

Source: prometheus/model/histogram/float_histogram.go, `DetectReset`.
"""

from __future__ import annotations

import math

from tocsin.histograms.arithmetic import common_bounds, reduced, zero_count_within
from tocsin.histograms.model import Counts, Histogram, custom_bound, exponential_bound


def is_reset(current: Histogram, previous: Histogram) -> bool:
    """Whether a bucket or the count fell, unless the current sample says itself whether there was a reset."""
    if current.hint in ("reset", "not_reset"):
        return current.hint == "reset"
    if current.count < previous.count or current.custom != previous.custom:
        return True
    if current.custom:
        if current.bounds == previous.bounds:
            return _fell(current.positive, previous.positive)
        return _rolled_up_fell(current, previous)
    if current.schema > previous.schema or current.zero_threshold < previous.zero_threshold:
        return True
    zero_count, threshold, _error = zero_count_within(previous, current.zero_threshold)
    if threshold != current.zero_threshold or current.zero_count < zero_count:
        return True
    coarse, schema = reduced(previous, current.schema), current.schema
    return any(
        _fell(_beyond(own, schema, threshold), _beyond(before, schema, threshold))
        for own, before in ((current.positive, coarse.positive), (current.negative, coarse.negative))
    )


def _beyond(counts: Counts, schema: int, threshold: float) -> Counts:
    return {i: count for i, count in counts.items() if exponential_bound(i, schema) > threshold}


def _fell(current: Counts, previous: Counts) -> bool:
    """Whether a bucket lost something. Past the last current bucket only the first previous one is looked at."""
    last = max(current, default=None)
    for index, count in previous.items():
        if last is None or index > last:
            return count != 0
        if index not in current:
            if count != 0:
                return True
        elif current[index] < count:
            return True
    return False


def _rolled_up_fell(current: Histogram, previous: Histogram) -> bool:
    """Whether a bucket lost something, on the bounds that both have."""
    low = -math.inf
    for high in (*common_bounds(current.bounds, previous.bounds), math.inf):
        if _between(current, low, high) < _between(previous, low, high):
            return True
        low = high
    return False


def _between(h: Histogram, low: float, high: float) -> float:
    return sum((n for i, n in h.positive.items() if low < custom_bound(i, h.bounds) <= high), 0.0)
