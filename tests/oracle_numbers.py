"""The arithmetic of the oracle: numbers to a number, one window or group at a time."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import TypeAlias

import numpy as np

Samples: TypeAlias = list[tuple[int, float]]


def bits_of(value: float) -> bytes:
    """What two evaluators must agree on: the bits, but one NaN is as good as another."""
    return b"NaN" if math.isnan(value) else struct.pack(">d", value)


def increment(addend: float, total: float, error: float, compat: int) -> tuple[float, float]:
    """One addition of Neumaier's sum; Prometheus 3 forgets the error when the sum overflows."""
    new = total + addend
    if compat == 3 and math.isinf(new):
        return new, 0.0
    if abs(total) >= abs(addend):
        return new, error + ((total - new) + addend)
    return new, error + ((addend - new) + total)


def kahan(values: Sequence[float], compat: int, total: float = 0.0) -> tuple[float, float]:
    error = 0.0
    for value in values:
        total, error = increment(value, total, error, compat)
    return total, error


def divide(a: float, b: float) -> float:
    with np.errstate(all="ignore"):
        return float(np.divide(np.float64(a), np.float64(b)))


def average(values: Sequence[float]) -> float:
    """Prometheus 3, over samples and over series: a sum, or an incremental mean from where the sum overflows."""
    total, error = values[0], 0.0
    for count in range(2, len(values) + 1):
        new, new_error = increment(values[count - 1], total, error, 3)
        if math.isinf(new):
            return incremental(values, count, total / (count - 1), error / (count - 1))
        total, error = new, new_error
    return total / len(values) + error / len(values)


def incremental(values: Sequence[float], start: int, mean: float, error: float) -> float:
    for count in range(start, len(values) + 1):
        q = (count - 1) / count
        mean, error = increment(values[count - 1] / count, q * mean, q * error, 3)
    return mean + error


def old_average(values: Sequence[float], compensated: bool) -> float:
    """Prometheus 2.42: an incremental mean that stays infinite."""
    mean, error = (0.0, 0.0) if compensated else (values[0], 0.0)
    for count, value in list(enumerate(values, 1))[0 if compensated else 1 :]:
        if math.isinf(mean) and not math.isnan(value) and (not math.isinf(value) or (mean > 0) == (value > 0)):
            continue
        addend = value / count - mean / count
        if not compensated:
            mean += addend
            continue
        mean, error = increment(addend, mean, error, 2)
    return mean + error if compensated and not math.isinf(mean) else mean


def quantile(q: float, values: Sequence[float]) -> float:
    if math.isnan(q) or q < 0 or q > 1:
        return q if math.isnan(q) else math.copysign(math.inf, q - 0.5)
    ordered = [v for v in values if math.isnan(v)] + sorted(v for v in values if not math.isnan(v))
    rank = q * (len(ordered) - 1)
    lower = max(0, math.floor(rank))
    upper = min(len(ordered) - 1, lower + 1)
    weight = rank - math.floor(rank)
    return ordered[lower] * (1 - weight) + ordered[upper] * weight


def extreme(values: Sequence[float], better: Callable[[float, float], bool]) -> float:
    best = values[0]
    for value in values:
        if better(value, best) or math.isnan(best):
            best = value
    return best


def rate(window: Samples, start: int, end: int, compat: int, counter: bool, seconds: float | None) -> float | None:
    if len(window) < 2:
        return None
    change = window[-1][1] - window[0][1]
    if counter:
        for (_t, before), (_u, after) in pairwise(window):
            if after < before:
                change += before
    to_start, to_end = (window[0][0] - start) / 1000, (end - window[-1][0]) / 1000
    sampled = (window[-1][0] - window[0][0]) / 1000
    average_gap = sampled / (len(window) - 1)
    limit = average_gap * 1.1
    zero = sampled * (window[0][1] / change) if counter and change > 0 and window[0][1] >= 0 else math.inf
    if compat == 2:
        to_start = min(zero, to_start)
        to_start = to_start if to_start < limit else average_gap / 2
    else:
        to_start = to_start if to_start < limit else average_gap / 2
        to_start = min(zero, to_start)
    to_end = to_end if to_end < limit else average_gap / 2
    factor = (sampled + to_start + to_end) / sampled
    return change * (factor if seconds is None else factor / seconds)


def regression(window: Samples, origin: int, compat: int) -> tuple[float, float]:
    ys = [value for _time, value in window]
    if all(y == ys[0] for y in ys[1:]):
        return (math.nan, math.nan) if math.isinf(ys[0]) else (0.0, ys[0])
    xs = [(time - origin) / 1000 for time, _value in window]
    sums = [
        total + error
        for total, error in (
            kahan(terms, compat)
            for terms in (xs, ys, [x * y for x, y in zip(xs, ys, strict=True)], [x * x for x in xs])
        )
    ]
    x, y, xy, xx = sums
    n = float(len(window))
    slope = divide(xy - x * y / n, xx - x * x / n)
    return slope, y / n - slope * x / n


def variance(values: Sequence[float], compat: int) -> float:
    mean = mean_error = spread = spread_error = 0.0
    for count, value in enumerate(values, 1):
        delta = value - (mean + mean_error)
        mean, mean_error = increment(delta / count, mean, mean_error, compat)
        spread, spread_error = increment(delta * (value - (mean + mean_error)), spread, spread_error, compat)
    return (spread + spread_error) / len(values)


def over_range(
    name: str, samples: Samples, edges: tuple[int, int], now: int, compat: int, args: list[float]
) -> float | None:
    values = [value for _time, value in samples]
    pairs = list(pairwise(values))
    seconds = (edges[1] - edges[0]) / 1000
    match name:
        case "rate" | "increase" | "delta":
            counter = name != "delta"
            return rate(samples, *edges, compat, counter, seconds if name == "rate" else None)
        case "irate" | "idelta":
            if len(values) < 2:
                return None
            before, after = pairs[-1]
            change = after if name == "irate" and after < before else after - before
            return change / ((samples[-1][0] - samples[-2][0]) / 1000) if name == "irate" else change
        case "resets":
            return float(sum(b < a for a, b in pairs))
        case "changes":
            return float(sum(a != b and not (math.isnan(a) and math.isnan(b)) for a, b in pairs))
        case "deriv":
            return regression(samples, samples[0][0], compat)[0] if len(values) > 1 else None
        case "predict_linear":
            if len(values) < 2:
                return None
            slope, intercept = regression(samples, now, compat)
            return slope * args[0] + intercept
        case "sum_over_time":
            total, error = kahan(values, compat)
            return total if math.isinf(total) else total + error
        case "avg_over_time":
            return average(values) if compat == 3 else old_average(values, compensated=True)
        case "stdvar_over_time" | "stddev_over_time":
            spread = variance(values, compat)
            return spread if name == "stdvar_over_time" else float(np.sqrt(spread))
        case "quantile_over_time":
            return quantile(args[0], values)
        case "mad_over_time":
            if any(map(math.isnan, values)):
                return math.nan
            median = quantile(0.5, values)
            return quantile(0.5, [abs(value - median) for value in values])
    return {
        "count_over_time": lambda: float(len(values)),
        "present_over_time": lambda: 1.0,
        "last_over_time": lambda: values[-1],
        "first_over_time": lambda: values[0],
        "max_over_time": lambda: extreme(values, float.__gt__),
        "min_over_time": lambda: extreme(values, float.__lt__),
    }[name]()


def bucket_quantile(q: float, buckets: list[tuple[float, float]], compat: int) -> float:
    if math.isnan(q) or q < 0 or q > 1:
        return quantile(q, [0.0])
    merged: list[list[float]] = []
    for bound, count in sorted(buckets, key=lambda bucket: bucket[0]):
        if merged and merged[-1][0] == bound:
            merged[-1][1] += count
        else:
            merged.append([bound, count])
    if merged[-1][0] != math.inf:
        return math.nan
    for low, high in pairwise(merged):
        close = compat == 3 and low[1] and high[1] and abs(low[1] - high[1]) / (abs(low[1]) + abs(high[1])) < 1e-12
        if close or high[1] < low[1]:
            high[1] = low[1]
    total = merged[-1][1]
    if len(merged) < 2 or total == 0:
        return math.nan
    rank = q * total
    b = next((i for i, (_bound, count) in enumerate(merged[:-1]) if count >= rank), len(merged) - 1)
    if b == len(merged) - 1:
        return merged[-2][0]
    if b == 0 and merged[0][0] <= 0:
        return merged[0][0]
    start, before = merged[b - 1] if b else (0.0, 0.0)
    return start + (merged[b][0] - start) * divide(rank - before, merged[b][1] - before)


def date(seconds: float) -> datetime:
    """In UTC; NaN and what no integer holds is a Sunday in December of the last year that Go knows, 15:30:08."""
    known = abs(seconds) < 2**63
    return datetime.fromtimestamp(int(seconds), UTC) if known else datetime(2022, 12, 4, 15, 30, 8, tzinfo=UTC)


EACH: dict[str, Callable[[float], float]] = {
    "abs": abs,
    "ceil": lambda v: float(np.ceil(v)),
    "floor": lambda v: float(np.floor(v)),
    "sqrt": lambda v: float(np.sqrt(v)),
    "sgn": lambda v: v if math.isnan(v) or v == 0 else math.copysign(1.0, v),
    "hour": lambda v: float(date(v).hour),
    "day_of_week": lambda v: float(date(v).isoweekday() % 7),
    "month": lambda v: float(date(v).month),
}
