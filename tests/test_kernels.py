"""The loops, one at a time, against what they stand for."""

from __future__ import annotations

import math
import random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.oracle_numbers import average, bits_of, extreme, increment, old_average, quantile

from tocsin.kernels import aggregate, gomath, over_time
from tocsin.kernels.extremes import greatest as greatest_in_windows
from tocsin.kernels.kahan import neumaier
from tocsin.kernels.quantile import of_sorted
from tocsin.kernels.rate import drops
from tocsin.kernels.select import greatest as greatest_of_groups
from tocsin.kernels.windows import latest, windows

Integers = npt.NDArray[np.int64]

odd_floats = st.one_of(
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 1e308, -1e308]), st.integers(-3, 3).map(float)
)
floats = st.one_of(odd_floats, st.floats(allow_subnormal=True))
columns = st.lists(floats, min_size=1, max_size=12)
ragged = st.lists(st.lists(st.integers(0, 40), max_size=12, unique=True).map(sorted), max_size=4)
rising = st.lists(st.integers(-5, 50), min_size=1, max_size=8).map(sorted)


def flat(series: list[list[int]]) -> tuple[Integers, Integers]:
    offsets = np.cumsum([0, *map(len, series)], dtype=np.int64)
    return np.array([time for times in series for time in times], dtype=np.int64), offsets


@given(ragged, rising, st.integers(0, 12), st.booleans())
def test_windows_hold_what_lies_between_their_edges(
    series: list[list[int]], end: list[int], width: int, closed: bool
) -> None:
    times, offsets = flat(series)
    lo = np.empty((len(series), len(end)), dtype=np.int64)
    hi = np.empty_like(lo)
    ends = np.array(end, dtype=np.int64)
    windows(times, offsets, ends - width, ends, closed, lo, hi)
    for s, own in enumerate(series):
        for t, last in enumerate(end):
            first = last - width + (not closed)
            expected = [time for time in own if first <= time <= last]
            assert times[lo[s, t] : hi[s, t]].tolist() == expected


@given(ragged, rising, st.integers(1, 12), st.booleans())
def test_the_latest_sample_is_the_newest_that_is_young_enough(
    series: list[list[int]], at: list[int], lookback: int, closed: bool
) -> None:
    times, offsets = flat(series)
    out = np.empty((len(series), len(at)), dtype=np.int64)
    latest(times, offsets, np.array(at, dtype=np.int64), lookback, closed, out)
    for s, own in enumerate(series):
        for t, now in enumerate(at):
            newest = max((time for time in own if time <= now), default=None)
            young = newest is not None and now - newest < lookback + closed
            assert (times[out[s, t]] if out[s, t] >= 0 else None) == (newest if young else None)


@given(floats, floats, floats, st.sampled_from([2, 3]))
def test_one_compensated_addition(addend: float, total: float, error: float, compat: int) -> None:
    expected = increment(addend, total, error, compat)
    assert [bits_of(x) for x in neumaier(addend, total, error, compat == 3)] == [bits_of(x) for x in expected]


def test_the_error_of_a_sum_is_kept() -> None:
    assert neumaier(1.0, 1e100, 0.0, True) == (1e100, 1.0)
    assert neumaier(1e308, 1e308, 5.0, True) == (math.inf, 0.0)
    assert math.isnan(neumaier(1e308, math.inf, 5.0, False)[1])


@given(columns)
def test_means_over_samples_and_over_series_agree(values: list[float]) -> None:
    column = np.array(values)
    lo, hi = np.zeros((1, 1), dtype=np.int64), np.full((1, 1), len(values))
    out = np.zeros((1, 1))
    over_time.mean(column, lo, hi, out)
    assert bits_of(out[0, 0]) == bits_of(average(values))
    over_time.incremental_mean(column, lo, hi, out)
    assert bits_of(out[0, 0]) == bits_of(old_average(values, compensated=True))

    rows, present, group = column[:, None], np.ones((len(values), 1), dtype=np.bool_), np.zeros(len(values), np.int64)
    count, overflowed, error, out = np.zeros((1, 1), np.int64), np.zeros((1, 1), np.bool_), np.zeros((1, 1)), out * 0
    aggregate.mean(rows, present, group, count, overflowed, error, out)
    assert bits_of(out[0, 0]) == bits_of(average(values))
    out = np.zeros((1, 1))
    aggregate.incremental_mean(rows, present, group, np.zeros((1, 1), np.int64), out)
    assert bits_of(out[0, 0]) == bits_of(old_average(values, compensated=False))


@given(columns, st.integers(1, 5), st.integers(1, 3))
def test_extremes_of_sliding_windows_are_those_of_a_scan(values: list[float], width: int, step: int) -> None:
    hi = np.arange(0, len(values) + width, step)[None, :]
    lo = np.clip(hi - width, 0, len(values))
    hi = np.clip(hi, 0, len(values))
    first, last = np.empty_like(lo), np.empty_like(lo)
    column = np.array(values)
    greatest_in_windows(column, 1.0, lo, hi, False, first)
    greatest_in_windows(column, 1.0, lo, hi, True, last)
    for t in range(lo.shape[1]):
        window = values[lo[0, t] : hi[0, t]]
        if not window:
            assert first[0, t] == last[0, t] == -1
            continue
        assert bits_of(values[first[0, t]]) == bits_of(extreme(window, float.__gt__))
        assert bits_of(values[last[0, t]]) == bits_of(extreme(window, float.__ge__))


@given(columns, st.integers(0, 3), st.integers(0, 3))
def test_a_drop_is_a_value_below_the_one_before_it(own: list[float], before: int, after: int) -> None:
    values = np.array([9.0] * before + own + [-9.0] * after, dtype=np.float64)
    out = np.empty(len(values), dtype=np.int64)
    found = drops(values, before, before + len(own), out)
    assert out[:found].tolist() == [before + i for i in range(1, len(own)) if own[i] < own[i - 1]]


@given(columns, st.floats(-0.5, 1.5) | st.just(math.nan))
def test_a_quantile_lies_between_two_neighbours(values: list[float], q: float) -> None:
    # Zeros of either sign are equal to a sort, so their order is open.
    values = [value or 0.0 for value in values]
    assert bits_of(of_sorted(q, np.sort(np.array(values)), len(values))) == bits_of(quantile(q, values))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.integers(0, 6), st.sampled_from([2, 3]))
def test_topk_keeps_the_greatest_in_descending_order(values: list[int], limit: int, compat: int) -> None:
    rows = np.array(values, dtype=np.float64)[:, None]
    order = np.arange(len(values), dtype=np.int64)[:, None]
    rank = np.empty_like(order)
    group, present = np.zeros(len(values), np.int64), np.ones(rows.shape, np.bool_)
    greatest_of_groups(rows, present, order, group, 1, np.array([limit]), compat, rank)
    kept = sorted((int(place), value) for place, value in zip(rank[:, 0], values, strict=True) if place >= 0)
    assert [place for place, _value in kept] == list(range(min(limit, len(values))))
    assert [value for _place, value in kept] == sorted(values, reverse=True)[:limit]


def test_topk_replaces_only_what_is_smaller() -> None:
    rows = np.array([1.0, math.nan, 1.0, 2.0])[:, None]
    order = np.arange(4, dtype=np.int64)[:, None]
    rank = np.empty_like(order)
    group, present = np.zeros(4, np.int64), np.ones(rows.shape, np.bool_)
    greatest_of_groups(rows, present, order, group, 1, np.array([2]), 3, rank)
    assert rank[:, 0].tolist() == [1, -1, -1, 0]


@pytest.mark.parametrize(
    ("function", "exact", "low", "high"),
    [
        (gomath.each_exp, math.exp, -700.0, 700.0),
        (gomath.each_ln, math.log, 1e-300, 1e300),
        (gomath.each_log2, math.log2, 1e-300, 1e300),
        (gomath.each_log10, math.log10, 1e-300, 1e300),
    ],
)
def test_gos_functions_are_within_three_units_of_the_c_librarys(function, exact, low, high) -> None:  # type: ignore[no-untyped-def]
    rng = random.Random(3)
    values = np.array([rng.uniform(low, high) for _ in range(1000)] + [1.0, 2.0, 0.5, 10.0])
    out = np.empty_like(values)
    function(values, out)
    expected = np.array([exact(value) for value in values])
    assert np.all(np.abs(out - expected) <= 3 * np.spacing(np.abs(expected)))


@given(floats, floats)
def test_powers_have_the_special_cases_of_ieee_754(base: float, exponent: float) -> None:
    out = np.empty(1)
    gomath.each_power(np.array([base]), np.array([exponent]), out)
    with np.errstate(all="ignore"):
        expected = float(np.power(base, exponent))
    same = bits_of(out[0]) == bits_of(expected)
    # Go multiplies by squaring, so large exponents lose more than the last bit, and near the smallest numbers too.
    assert same or math.isclose(out[0], expected, rel_tol=1e-10, abs_tol=1e-300) or abs(exponent) > 1e4
