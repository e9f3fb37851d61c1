"""The buckets of a histogram to quantiles, fractions and the variance of what was observed.

Source: prometheus/promql/quantile.go, `HistogramQuantile` and `HistogramFraction`; promql/functions.go.
"""

from __future__ import annotations

import math
from dataclasses import replace

from tocsin.histograms.arithmetic import increased, quotient
from tocsin.histograms.model import Bucket, Histogram, all_buckets
from tocsin.kernels.gomath import LN2_HIGH, LN2_LOW, log2

MINIMAX = (
    1.66666666666666657415e-01,
    -2.77777777770155933842e-03,
    6.61375632143793436117e-05,
    -1.65339022054652515390e-06,
    4.13813679705723846039e-08,
)


def exp2(x: float) -> float:
    """Go's `math.Exp2` on amd64 (src/math/exp.go, `exp2` and `expmulti`).

    >>> exp2(0.5), exp2(-1.0), exp2(2000.0)
    (1.414213562373095, 0.5, inf)
    """
    if math.isnan(x) or x == math.inf:
        return x
    if x > 1.0239999999999999e03:
        return math.inf
    if x < -1.0740e03:
        return 0.0
    exponent = int(x + 0.5) if x > 0 else int(x - 0.5) if x < 0 else 0
    rest = x - exponent
    high, low = rest * LN2_HIGH, -rest * LN2_LOW
    r = high - low
    t = r * r
    p1, p2, p3, p4, p5 = MINIMAX
    c = r - t * (p1 + t * (p2 + t * (p3 + t * (p4 + t * p5))))
    return math.ldexp(1 - ((low - (r * c) / (2 - c)) - high), exponent)


def _one_sided(h: Histogram, bucket: Bucket) -> Bucket:
    """The zero bucket of a histogram whose other buckets are all on one side lies on that side too."""
    if not h.negative and h.positive:
        return replace(bucket, lower=0.0)
    if not h.positive and h.negative:
        return replace(bucket, upper=0.0)
    return bucket


def quantile(q: float, h: Histogram) -> float:
    """Exponential interpolation within an exponential bucket, linear within a custom one or the zero bucket."""
    if q < 0 or q > 1:
        return math.copysign(math.inf, q)
    if h.count == 0 or math.isnan(q):
        return math.nan
    # What was observed as NaN counts, but lies in no bucket: then only the way from below is right.
    forward = math.isnan(h.sum) or q < 0.5
    buckets = all_buckets(h)
    rank = (q if forward else 1 - q) * h.count
    bucket, count = _at_rank(rank, buckets if forward else buckets[::-1])
    if not h.custom and bucket.lower < 0 < bucket.upper:
        bucket = _one_sided(h, bucket)
    elif h.custom and bucket.lower == -math.inf:
        if bucket.upper <= 0:
            return bucket.upper
        bucket = replace(bucket, lower=0.0)
    elif h.custom and bucket.upper == math.inf:
        return bucket.lower
    count = h.count if count > h.count else count
    if count < rank:
        return math.nan if math.isnan(h.sum) else bucket.upper
    rank = rank - (count - bucket.count) if forward else count - rank
    return _interpolated(bucket, quotient(rank, bucket.count), linear=h.custom)


def _at_rank(rank: float, buckets: list[Bucket]) -> tuple[Bucket, float]:
    """The bucket in which a running count reaches a rank, and that count; else the last bucket."""
    count, bucket = 0.0, Bucket(0.0, 0.0, 0.0)
    for bucket in buckets:
        if bucket.count == 0:
            continue
        count += bucket.count
        if count >= rank:
            break
    return bucket, count


def _interpolated(bucket: Bucket, fraction: float, *, linear: bool) -> float:
    lower, upper = bucket.lower, bucket.upper
    if linear or lower <= 0 <= upper:
        return lower + (upper - lower) * fraction
    low, high = log2(abs(lower)), log2(abs(upper))
    if lower > 0:
        return exp2(low + (high - low) * fraction)
    return -exp2(high + (low - high) * (1 - fraction))


def fraction_between(lower: float, upper: float, h: Histogram) -> float:
    """The part of all observations that lies between two numbers."""
    if h.count == 0 or math.isnan(lower) or math.isnan(upper):
        return math.nan
    if lower >= upper:
        return 0.0
    total = h.count
    if math.isnan(h.sum):
        total = sum((bucket.count for bucket in all_buckets(h)), 0.0)
    return quotient(_rank_of(upper, h, total) - _rank_of(lower, h, total), h.count)


def _rank_of(value: float, h: Histogram, total: float) -> float:
    """How many observations lie below a number."""
    rank = 0.0
    for bucket in all_buckets(h):
        around_zero = bucket.lower <= 0 <= bucket.upper
        if around_zero:
            bucket = _one_sided(h, bucket)
        if bucket.lower >= value:
            return min(rank, total)
        if bucket.upper > value:
            linear = h.custom or around_zero
            return min(_linear_rank(rank, bucket, value) if linear else _exponential_rank(rank, bucket, value), total)
        rank += bucket.count
    return total


def _linear_rank(rank: float, bucket: Bucket, value: float) -> float:
    if bucket.lower == -math.inf:
        return bucket.count
    return rank + quotient(bucket.count * (value - bucket.lower), bucket.upper - bucket.lower)


def _exponential_rank(rank: float, bucket: Bucket, value: float) -> float:
    return rank + bucket.count * log_fraction(bucket, value, upwards=value > 0)


def log_fraction(bucket: Bucket, value: float, *, upwards: bool) -> float:
    """How far into an exponential bucket a number lies."""
    low, high, at = log2(abs(bucket.lower)), log2(abs(bucket.upper)), log2(abs(value))
    return quotient(at - low, high - low) if upwards else 1 - quotient(at - high, low - high)


def variance(h: Histogram) -> float:
    """Every bucket counts at its geometric middle, a custom one at its arithmetic middle."""
    mean, total, error = quotient(h.sum, h.count), 0.0, 0.0
    for bucket in all_buckets(h):
        if bucket.count != 0:
            away = _middle(h, bucket) - mean
            total, error = increased(total, error, bucket.count * away * away)
    return quotient(total + error, h.count)


def _middle(h: Histogram, bucket: Bucket) -> float:
    if h.custom:
        return (bucket.upper + bucket.lower) / 2.0
    if bucket.lower <= 0 <= bucket.upper:
        return 0.0
    return math.copysign(math.sqrt(bucket.upper * bucket.lower), bucket.upper)
