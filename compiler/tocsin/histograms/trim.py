"""A histogram and a number to what of the histogram lies on one side of it: the operators `</` and `>/`.

Source: prometheus/model/histogram/float_histogram.go, `TrimBuckets`.
"""

from __future__ import annotations

import math
from dataclasses import replace

from tocsin.histograms.estimates import log_fraction
from tocsin.histograms.model import Bucket, Histogram, negative_buckets, positive_buckets, zero_bucket

Kept = tuple[float, float]
"""How many observations of a bucket stay, and around which value they lie."""


def trimmed(h: Histogram, at: float, *, below: bool) -> Histogram:
    """The observations below `at`, else those above; the sum is estimated anew where something was cut."""
    positive = {i: _kept(b, at, below, upwards=True, custom=h.custom) for i, b in positive_buckets(h) if b.count != 0}
    negative = {i: _kept(b, at, below, upwards=False, custom=h.custom) for i, b in negative_buckets(h) if b.count != 0}
    zero = (h.zero_count, 0.0)
    if h.zero_count > 0:
        zero = _kept_of_zero(zero_bucket(h), at, below, has_negative=bool(negative), has_positive=bool(positive))
    counts = [
        {i: kept[i][0] if i in kept else count for i, count in own.items()}
        for own, kept in ((h.positive, positive), (h.negative, negative))
    ]
    if counts == [h.positive, h.negative] and zero[0] == h.zero_count:
        return h
    count = total = 0.0
    for kept, middle in (*positive.values(), *negative.values(), *([zero] if h.zero_count > 0 else [])):
        if kept != 0:
            count += kept
            total += middle * kept
    cut = replace(h, count=count, sum=total, zero_count=zero[0], positive=counts[0], negative=counts[1])
    return cut.compacted()


def _kept(bucket: Bucket, at: float, below: bool, *, upwards: bool, custom: bool) -> Kept:
    lower, upper, count = bucket.lower, bucket.upper, bucket.count
    if (upper <= at) if below else (lower >= at):
        return count, _middle(lower, upper, upwards, custom)
    if not (lower < at if below else upper > at):
        return 0.0, 0.0
    if math.isinf(lower) or math.isinf(upper):
        return _kept_of_infinite(bucket, at, below)
    fraction = (at - lower) / (upper - lower) if custom else log_fraction(bucket, at, upwards=upwards)
    if below:
        return count * fraction, _middle(lower, at, upwards, custom)
    return count - count * fraction, _middle(at, upper, upwards, custom)


def _middle(lower: float, upper: float, upwards: bool, custom: bool) -> float:
    """The value around which the observations of a bucket lie; near its finite end where it has but one."""
    if math.isinf(lower):
        if math.isinf(upper):
            return 0.0
        return upper / 2 if upper > 0 else upper
    if math.isinf(upper):
        return lower
    if custom:
        return (lower + upper) / 2
    return math.sqrt(abs(lower * upper)) if upwards else -math.sqrt(abs(lower * upper))


def _kept_of_infinite(bucket: Bucket, at: float, below: bool) -> Kept:
    """How observations lie in an infinite bucket nobody knows; only one that ends above zero is taken to start there.

    The number lies strictly within the bucket.
    """
    lower, upper, count = bucket.lower, bucket.upper, bucket.count
    if lower == -math.inf:
        if upper == math.inf:
            return 0.0, 0.0
        if below:
            if at > 0:
                return count * at / upper, at / 2
            return (count, at) if upper <= 0 else (0.0, 0.0)
        return (count * (1 - at / upper), (at + upper) / 2) if at >= 0 else (0.0, 0.0)
    return (0.0, 0.0) if below else (count, at)


def _kept_of_zero(bucket: Bucket, at: float, below: bool, *, has_negative: bool, has_positive: bool) -> Kept:
    lower = 0.0 if has_positive and not has_negative else bucket.lower
    upper = 0.0 if has_negative and not has_positive else bucket.upper
    if (at >= upper) if below else (at <= lower):
        return bucket.count, (lower + upper) / 2
    if (at <= lower) if below else (at >= upper):
        return 0.0, 0.0
    part, middle = (at - lower, (lower + at) / 2) if below else (upper - at, (at + upper) / 2)
    return bucket.count * (part / (upper - lower)), middle
