"""Histograms as Prometheus prints those of a result.

Source: prometheus/model/histogram/float_histogram.go, `String`.
"""

from __future__ import annotations

import math
from decimal import Decimal

from tocsin.histograms.model import Bucket, Histogram, all_buckets


def describe(h: Histogram) -> str:
    """A histogram as Prometheus prints a result: the count, the sum, and every bucket that holds something.

    >>> describe(Histogram(count=3.0, sum=2.5, zero_count=1.0, zero_threshold=0.5, positive={1: 2.0}))
    '{count:3, sum:2.5, [-0.5,0.5]:1, (1,2]:2}'
    """
    filled = [_interval(bucket) for bucket in all_buckets(h) if bucket.count != 0]
    return "{" + ", ".join([f"count:{format_g(h.count)}", f"sum:{format_g(h.sum)}", *filled]) + "}"


def _interval(bucket: Bucket) -> str:
    left, right = "[" if bucket.lower_inclusive else "(", "]" if bucket.upper_inclusive else ")"
    return f"{left}{format_g(bucket.lower)},{format_g(bucket.upper)}{right}:{format_g(bucket.count)}"


def format_g(value: float) -> str:
    """A number as Go's `%g` writes it.

    >>> [format_g(value) for value in (4.0, 1e6, 0.00001, 123456.75, float("-inf"))]
    ['4', '1e+06', '1e-05', '123456.75', '-Inf']
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1.0, value) < 0 else "0"
    number = Decimal(repr(value)).normalize()
    exponent = number.adjusted()
    if -4 <= exponent < 6:
        return f"{number:f}"
    return f"{number.scaleb(-exponent):f}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
