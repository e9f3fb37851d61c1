"""Two histograms to their sum or difference, and a histogram times a number.

Histograms of different resolutions, zero buckets or custom bounds are brought to what they have in common first.
Source: prometheus/model/histogram/float_histogram.go, `Add`, `Sub`, `KahanAdd`, `Mul`, `Div`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tocsin.histograms.model import (
    Bucket,
    Counts,
    Hint,
    Histogram,
    custom_bound,
    exponential_bound,
    negative_buckets,
    positive_buckets,
)


class MixedBucketsError(Exception):
    """An exponential histogram meets one with custom buckets."""


def quotient(a: float, b: float) -> float:
    """`a / b` as IEEE 754 has it, also by zero."""
    if b != 0:
        return a / b
    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)


def increased(total: float, error: float, by: float) -> tuple[float, float]:
    """One step of a Kahan sum (Neumaier's): the total and what rounding lost (util/kahansum)."""
    new = total + by
    if math.isinf(new):
        return new, 0.0
    if abs(total) >= abs(by):
        return new, error + ((total - new) + by)
    return new, error + ((by - new) + total)


def scaled(h: Histogram, factor: float) -> Histogram:
    return replace(
        h,
        count=h.count * factor,
        sum=h.sum * factor,
        zero_count=h.zero_count * factor,
        positive={index: count * factor for index, count in h.positive.items()},
        negative={index: count * factor for index, count in h.negative.items()},
        hint="gauge" if factor < 0 else h.hint,
    )


def divided(h: Histogram, by: float) -> Histogram:
    """Divided by zero a histogram has no buckets."""
    return replace(
        h,
        count=quotient(h.count, by),
        sum=quotient(h.sum, by),
        zero_count=quotient(h.zero_count, by),
        positive={index: count / by for index, count in h.positive.items()} if by != 0 else {},
        negative={index: count / by for index, count in h.negative.items()} if by != 0 else {},
        hint="gauge" if by < 0 else h.hint,
    )


def overflows(h: Histogram) -> bool:
    """Whether something in it is infinite."""
    return any(map(math.isinf, (h.zero_count, h.count, h.sum, *h.positive.values(), *h.negative.values(), *h.bounds)))


def added(a: Histogram, b: Histogram) -> Histogram:
    """Raises MixedBucketsError."""
    return _combined(a, b, 1.0)


def subtracted(a: Histogram, b: Histogram) -> Histogram:
    """Raises MixedBucketsError."""
    return _combined(a, b, -1.0)


def _combined(a: Histogram, b: Histogram, sign: float) -> Histogram:
    """Without the compensation: each bucket is a plain sum, for the first step of a Kahan sum is one."""
    if a.custom != b.custom:
        raise MixedBucketsError
    if a.custom:
        bounds, sums = _custom(a, b, sign)
        return replace(
            a,
            count=a.count + sign * b.count,
            sum=a.sum + sign * b.sum,
            positive=_parted(sums)[0],
            bounds=bounds,
            hint=_merged(a.hint, b.hint),
        )
    a, b_zero, _a_error, _b_error = _with_common_zero(a, b, None)
    schema = min(a.schema, b.schema)
    positive, negative = (
        _plain_sums(_reduced(own, a.schema, schema), _beyond(_reduced(other, b.schema, schema), schema, a), sign)
        for own, other in ((a.positive, b.positive), (a.negative, b.negative))
    )
    return replace(
        a,
        schema=schema,
        count=a.count + sign * b.count,
        sum=a.sum + sign * b.sum,
        zero_count=a.zero_count + sign * b_zero,
        positive=positive,
        negative=negative,
        hint=_merged(a.hint, b.hint),
    )


def _plain_sums(own: Counts, other: Iterable[tuple[int, float]], sign: float) -> Counts:
    counts = dict(own)
    for index, count in other:
        counts[index] = counts[index] + sign * count if index in counts else sign * count
    return dict(sorted(counts.items()))


def _merged(a: Hint, b: Hint) -> Hint:
    """What is known of resets in a sum."""
    if a == b:
        return a
    return "gauge" if "gauge" in (a, b) else "unknown"


def target_index(index: int, schema: int, target: int) -> int:
    """The bucket of a lower resolution that holds a bucket."""
    return ((index - 1) >> (schema - target)) + 1


def _reduced(counts: Counts, schema: int, target: int) -> Counts:
    if schema == target:
        return counts
    reduced: dict[int, float] = {}
    for index, count in counts.items():
        at = target_index(index, schema, target)
        reduced[at] = reduced[at] + count if at in reduced else count
    return reduced


def reduced(h: Histogram, schema: int) -> Histogram:
    """In a resolution that is not higher than its own."""
    if h.schema == schema:
        return h
    return replace(
        h,
        schema=schema,
        positive=_reduced(h.positive, h.schema, schema),
        negative=_reduced(h.negative, h.schema, schema),
    )


def _beyond(counts: Counts, schema: int, h: Histogram) -> Iterator[tuple[int, float]]:
    """The buckets that do not end within the zero bucket of `h`."""
    return ((i, count) for i, count in counts.items() if exponential_bound(i, schema) > h.zero_threshold)


def zero_count_within(h: Histogram, threshold: float, lost: Histogram | None = None) -> tuple[float, float, float]:
    """The count of a zero bucket that reaches at least to a threshold, where it reaches, and the Kahan error.

    A populated bucket is taken in whole, so it may reach farther. `lost` are the errors of `h`.
    """
    error = 0.0 if lost is None else lost.zero_count
    if threshold == h.zero_threshold:
        return h.zero_count, threshold, error
    while True:
        total, total_error = h.zero_count, error
        for index, bucket in positive_buckets(h):
            if bucket.lower >= threshold:
                break
            total, total_error = _taken(total, total_error, bucket, lost.positive if lost else {}, index)
            if bucket.upper > threshold:
                threshold = bucket.upper if bucket.count != 0 else threshold
                break
        # Errors of a first attempt stay, as in Prometheus.
        error = total_error
        grown = threshold
        for index, bucket in negative_buckets(h):
            if bucket.upper <= -threshold:
                break
            total, error = _taken(total, error, bucket, lost.negative if lost else {}, index)
            if bucket.lower < -threshold:
                grown = -bucket.lower if bucket.count != 0 else threshold
                break
        if grown == threshold:
            return total, threshold, error
        threshold = grown


def _taken(total: float, error: float, bucket: Bucket, lost: Counts, index: int) -> tuple[float, float]:
    total, error = increased(total, error, bucket.count)
    return increased(total, error, lost[index]) if index in lost else (total, error)


def _with_common_zero(
    a: Histogram, b: Histogram, lost: Histogram | None
) -> tuple[Histogram, float, Histogram | None, float]:
    """`a` (and its errors) with a zero bucket that fits both, and what that of `b` then holds, with its error."""
    b_count, b_threshold, b_error = b.zero_count, b.zero_threshold, 0.0
    while b_threshold != a.zero_threshold:
        if a.zero_threshold > b_threshold:
            b_count, b_threshold, b_error = zero_count_within(b, a.zero_threshold)
        if b_threshold > a.zero_threshold:
            count, threshold, error = zero_count_within(a, b_threshold, lost)
            positive, negative = (
                {i: n for i, n in own.items() if (n != 0 or errors.get(i)) and _starts(i, a.schema) >= threshold}
                for own, errors in (
                    (a.positive, lost.positive if lost else {}),
                    (a.negative, lost.negative if lost else {}),
                )
            )
            a = replace(a, zero_count=count, zero_threshold=threshold, positive=positive, negative=negative)
            if lost is not None:
                lost = replace(lost, zero_count=error)
    return a, b_count, lost, b_error


def _starts(index: int, schema: int) -> float:
    return exponential_bound(index - 1, schema)


def common_bounds(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[float, ...]:
    shared = set(b)
    return tuple(bound for bound in a if bound in shared)


Errors = dict[int, tuple[float, float]]
"""A total and its Kahan error for each bucket."""


def _custom(a: Histogram, b: Histogram, sign: float, lost: Counts | None = None) -> tuple[tuple[float, ...], Errors]:
    """The buckets of two histograms with custom bounds on the bounds that both have."""
    if a.bounds == b.bounds:
        return a.bounds, _kahan_sums(a.positive, lost or {}, ((i, sign * n, 0.0) for i, n in b.positive.items()))
    bounds = common_bounds(a.bounds, b.bounds)
    sums: Errors = {}
    for h, factor, errors in ((a, 1.0, lost or {}), (b, sign, {})):
        for index, count in h.positive.items():
            end = custom_bound(index, h.bounds)
            at = next((i for i, bound in enumerate(bounds) if bound >= end), len(bounds))
            sums[at] = increased(*sums.get(at, (0.0, 0.0)), factor * count)
            if index in errors:
                sums[at] = increased(*sums[at], errors[index])
    return bounds, {i: sums[i] for i in sorted(sums) if sums[i] != (0.0, 0.0)}


def _kahan_sums(own: Counts, lost: Counts, other: Iterable[tuple[int, float, float]]) -> Errors:
    sums = {index: (count, lost.get(index, 0.0)) for index, count in own.items()}
    for index, count, error in other:
        if index not in sums:
            sums[index] = count, error
            continue
        sums[index] = increased(*sums[index], count)
        if error != 0:
            sums[index] = increased(*sums[index], error)
    return dict(sorted(sums.items()))


@dataclass(frozen=True, slots=True)
class Total:
    """A running sum of histograms; `lost` holds what rounding took from each of its numbers, None after one summand."""

    sum: Histogram
    lost: Histogram | None = None

    def plus(self, other: Histogram) -> Total:
        """Raises MixedBucketsError."""
        a, lost = self.sum, self.lost if self.lost is not None else _nothing_of(self.sum)
        if a.custom != other.custom:
            raise MixedBucketsError
        hint = _merged(a.hint, other.hint)
        count, count_error = increased(a.count, lost.count, other.count)
        total, total_error = increased(a.sum, lost.sum, other.sum)
        a = replace(a, count=count, sum=total, hint=hint)
        lost = replace(lost, count=count_error, sum=total_error)
        return _plus_custom(a, lost, other) if a.custom else _plus_exponential(a, lost, other)

    def scaled(self, factor: float) -> Total:
        return Total(scaled(self.sum, factor), None if self.lost is None else scaled(self.lost, factor))

    def divided(self, by: float) -> Total:
        return Total(divided(self.sum, by), None if self.lost is None else divided(self.lost, by))

    def value(self) -> Histogram:
        return self.sum if self.lost is None else added(self.sum, self.lost)


def _nothing_of(h: Histogram) -> Histogram:
    """Zeros in the buckets of a histogram."""
    return Histogram(
        h.schema, 0.0, 0.0, h.zero_threshold, 0.0, dict.fromkeys(h.positive, 0.0), dict.fromkeys(h.negative, 0.0),
        h.bounds, h.hint,
    )  # fmt: skip


def _plus_custom(a: Histogram, lost: Histogram, b: Histogram) -> Total:
    bounds, sums = _custom(a, b, 1.0, lost.positive)
    totals, errors = _parted(sums)
    return Total(replace(a, bounds=bounds, positive=totals), replace(lost, bounds=bounds, positive=errors))


def _plus_exponential(a: Histogram, lost: Histogram, b: Histogram) -> Total:
    a, b_zero, errors, b_zero_error = _with_common_zero(a, b, lost)
    assert errors is not None
    zero = increased(a.zero_count, errors.zero_count, b_zero)
    zero = increased(*zero, b_zero_error)
    schema = min(a.schema, b.schema)
    sides = []
    for own, own_lost, other in ((a.positive, errors.positive, b.positive), (a.negative, errors.negative, b.negative)):
        mine = _kahan_reduced(own, own_lost, a.schema, schema)
        theirs = _kahan_reduced(other, {}, b.schema, schema)
        beyond = ((i, *theirs[i]) for i, _sum in _beyond({i: n for i, (n, _error) in theirs.items()}, schema, a))
        totals, lost_of = _parted(mine)
        sides.append(_parted(_kahan_sums(totals, lost_of, beyond)))
    (positive, positive_lost), (negative, negative_lost) = sides
    return Total(
        replace(a, schema=schema, zero_count=zero[0], positive=positive, negative=negative),
        replace(
            errors,
            schema=schema,
            zero_threshold=a.zero_threshold,
            zero_count=zero[1],
            positive=positive_lost,
            negative=negative_lost,
        ),
    )


def _kahan_reduced(counts: Counts, lost: Counts, schema: int, target: int) -> Errors:
    sums: Errors = {}
    for index, count in counts.items():
        at = index if schema == target else target_index(index, schema, target)
        error = lost.get(index, 0.0)
        if at not in sums:
            sums[at] = count, error
        else:
            sums[at] = increased(*increased(*sums[at], count), error)
    return sums


def _parted(sums: Errors) -> tuple[Counts, Counts]:
    return {i: total for i, (total, _error) in sums.items()}, {i: error for i, (_total, error) in sums.items()}
