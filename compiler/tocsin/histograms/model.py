"""A native histogram with float counts, and its buckets with their bounds.

Source: prometheus/model/histogram, `FloatHistogram` and `getBoundExponential`.
"""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Context, Decimal
from functools import lru_cache
from typing import Literal, TypeAlias

Counts: TypeAlias = Mapping[int, float]
"""The count of each bucket by its index, indices rising; a bucket that is not there holds nothing."""

Hint: TypeAlias = Literal["unknown", "reset", "not_reset", "gauge"]
"""What a sample says of a counter reset before it."""

CUSTOM = -53
"""The schema of buckets with bounds of their own."""


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Observations counted in buckets. With an exponential `schema` n, bucket i ends at `2 ** (i * 2 ** -n)`.

    Bucket i of `negative` mirrors bucket i of `positive`; `zero_count` lie within `zero_threshold` of zero. With the
    schema `CUSTOM`, bucket i of `positive` ends at `bounds[i]`, the last one at infinity, and there are no others.
    """

    schema: int = 0
    count: float = 0.0
    sum: float = 0.0
    zero_threshold: float = 0.0
    zero_count: float = 0.0
    positive: Counts = field(default_factory=dict)
    negative: Counts = field(default_factory=dict)
    bounds: tuple[float, ...] = ()
    hint: Hint = "unknown"

    @property
    def custom(self) -> bool:
        return self.schema == CUSTOM

    def compacted(self) -> Histogram:
        """Without buckets that hold nothing."""
        return replace(self, positive=populated(self.positive), negative=populated(self.negative))

    def hinted(self, hint: Hint) -> Histogram:
        return replace(self, hint=hint)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket and whether its bounds belong to it."""

    lower: float
    upper: float
    count: float
    lower_inclusive: bool = False
    upper_inclusive: bool = True


def populated(counts: Counts) -> Counts:
    return {index: count for index, count in counts.items() if count != 0}


def same(a: Histogram, b: Histogram) -> bool:
    """Prometheus's `FloatHistogram.Equals`: bit for bit and bucket for bucket; hints do not count."""
    return (
        a.schema == b.schema
        and a.bounds == b.bounds
        and (a.custom or a.zero_threshold == b.zero_threshold)
        and _bits(a.count, a.sum, a.zero_count) == _bits(b.count, b.sum, b.zero_count)
        and _same_counts(a.positive, b.positive)
        and _same_counts(a.negative, b.negative)
    )


def _same_counts(a: Counts, b: Counts) -> bool:
    return list(a) == list(b) and _bits(*a.values()) == _bits(*b.values())


def _bits(*values: float) -> bytes:
    return struct.pack(f"{len(values)}d", *values)


OFF_BY = (
    "11111121112111111123112222222222112111211222112211221022112211221111112222332132112111"
    "21111211111112101121331122122211212133222221212233223221222222223232333233112211212233"
    "213322332122323322322243223233433343333333444455435422322333324422333243223333543344"
)
"""One more than the units in the last place by which each bound of schema 8 in [0.5, 1) lies below the nearest float:
Prometheus reads them from a table, and so bit for bit must we (model/histogram/generic.go, `exponentialBounds`)."""


@lru_cache
def _fractions() -> tuple[float, ...]:
    exact = Context(prec=40)
    bounds = (float(exact.power(Decimal(2), Decimal(i) / 256 - 1)) for i in range(256))
    return tuple(bound - (int(off) - 1) * 2.0**-53 for bound, off in zip(bounds, OFF_BY, strict=True))


@lru_cache(maxsize=65536)
def exponential_bound(index: int, schema: int) -> float:
    """Where bucket `index` of an exponential schema ends, as Prometheus's `getBoundExponential` says.

    >>> [exponential_bound(i, 0) for i in (-1, 0, 1)], exponential_bound(1, -1), exponential_bound(1, 1)
    ([0.5, 1.0, 2.0], 4.0, 1.414213562373095)
    """
    if schema < 0:
        fraction, exponent = 0.5, (index << -schema) + 1
    else:
        part = index & ((1 << schema) - 1)
        fraction, exponent = _fractions()[part << (8 - schema)], (index >> schema) + 1
    if fraction == 0.5 and exponent == 1025:
        return sys.float_info.max
    return math.ldexp(fraction, exponent) if exponent <= 1024 else math.inf


def custom_bound(index: int, bounds: tuple[float, ...]) -> float:
    if index < 0:
        return -math.inf
    return bounds[index] if index < len(bounds) else math.inf


def positive_buckets(h: Histogram) -> Iterator[tuple[int, Bucket]]:
    """Index and bucket, from zero upwards."""
    for index, count in h.positive.items():
        if h.custom:
            ends = custom_bound(index - 1, h.bounds), custom_bound(index, h.bounds)
            yield index, Bucket(*ends, count, lower_inclusive=index == 0)
        else:
            yield index, Bucket(exponential_bound(index - 1, h.schema), exponential_bound(index, h.schema), count)


def negative_buckets(h: Histogram) -> Iterator[tuple[int, Bucket]]:
    """Index and bucket, from zero downwards."""
    for index, count in h.negative.items():
        lower, upper = -exponential_bound(index, h.schema), -exponential_bound(index - 1, h.schema)
        yield index, Bucket(lower, upper, count, lower_inclusive=True, upper_inclusive=False)


def zero_bucket(h: Histogram) -> Bucket:
    return Bucket(-h.zero_threshold, h.zero_threshold, h.zero_count, lower_inclusive=True)


def all_buckets(h: Histogram) -> list[Bucket]:
    """Every bucket, upwards; what reaches into the zero bucket is cut off there."""
    threshold = h.zero_threshold
    below = [
        replace(b, upper=-threshold) if -threshold < b.upper < 0 else b
        for _index, b in reversed([*negative_buckets(h)])
    ]
    zero = [zero_bucket(h)] if h.zero_count > 0 else []
    above = [replace(b, lower=threshold) if 0 < b.lower < threshold else b for _index, b in positive_buckets(h)]
    return [*below, *zero, *above]
