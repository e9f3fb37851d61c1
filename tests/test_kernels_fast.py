"""What is done side by side, by sliding or on several cores has the bits of what is done one window after another."""

from __future__ import annotations

import functools
import math
import operator
import random
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.go_sort import by_twin
from tests.oracle_numbers import average, bits_of, kahan, old_average, quantile, regression, variance

from tocsin.kernels import aggregate, over_time
from tocsin.kernels import quantile as quantiles
from tocsin.kernels.extremes import extremes, greatest
from tocsin.kernels.go_sort import SMALLEST_FIRST
from tocsin.kernels.lanes import LANES, common
from tocsin.kernels.regression import lines
from tocsin.kernels.threads import PARTS, WORTH, cores, over_rows
from tocsin.kernels.windows import search

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

KINDS: dict[str, Callable[[random.Random], float]] = {
    "counts": lambda rng: float(rng.randint(0, 50)),
    "decimals": lambda rng: round(rng.gauss(50, 10), 2),
    "wild": lambda rng: rng.choice([math.nan, math.inf, -math.inf, 0.0, -0.0, 1e308, -1e308, 5e-324, 1.0, 3.0]),
    "huge": lambda rng: rng.choice([1e308, -1e308, 1.7e308, 1e300]),
    "signed zeros": lambda rng: rng.choice([0.0, -0.0, 1.0, -1.0]),
    "few gone": lambda rng: math.nan if rng.random() < 0.1 else rng.gauss(0, 1),
    "few infinite": lambda rng: math.inf if rng.random() < 0.02 else rng.gauss(0, 1),
    "constant": lambda rng: 7.0 * (rng.random() < 0.99),
    "tiny and large": lambda rng: rng.gauss(0, 1) * 10.0 ** rng.randint(-300, 300),
}


class Case:
    """A few series, with gaps or evenly spaced, and more windows over them than stand side by side."""

    def __init__(self, seed: int, kind: str) -> None:
        rng = random.Random(seed)
        even = rng.random() < 0.3
        width, step = rng.choice([1, 10, 60, 300]), rng.choice([1, 2, 4] if even else [1, 4, 30, 100])
        steps = [step] if even else [step, step, step, 1, 5 * step]
        self.end = np.cumsum([rng.choice(steps) for _ in range(rng.randint(1, 3 * LANES))])
        columns: list[list[float]] = []
        lo, hi, times = [], [], []
        for _ in range(rng.randint(1, 3)):
            own = np.cumsum([rng.choice([1, 1, 2, 40]) for _ in range(rng.randint(1, 400))])
            if even:
                own = np.arange(-width, rng.randint(1, 600))
                own = own[[rng.random() < 0.995 for _ in own]]
            first = sum(len(column) for column in columns)
            lo.append(first + np.searchsorted(own, self.end - width, side="right"))
            hi.append(first + np.searchsorted(own, self.end, side="right"))
            columns.append([KINDS[kind](rng) for _ in own])
            times.append(own)
        self.values = np.array([value for column in columns for value in column])
        self.times = np.concatenate(times) * 1000
        self.lo, self.hi = np.array(lo, dtype=np.int64), np.array(hi, dtype=np.int64)

    def expect(self, out: Floats, expected: Callable[[list[float]], float], atleast: int = 1) -> None:
        for s, t in np.ndindex(*self.lo.shape):
            window = self.values[self.lo[s, t] : self.hi[s, t]].tolist()
            if len(window) >= atleast:
                assert bits_of(float(out[s, t])) == bits_of(expected(window)), (s, t, window)


def cases(*kinds: str) -> st.SearchStrategy[Case]:
    return st.builds(Case, st.integers(0, 10**9), st.sampled_from(kinds or sorted(KINDS)))


@given(st.lists(st.integers(1, 5) | st.just(1) | st.integers(1, 10**6), max_size=300), st.data())
def test_a_search_finds_the_first_later_time(gaps: list[int], data: st.DataObject) -> None:
    times = np.cumsum(np.array(gaps, dtype=np.int64)) - 1000
    low = data.draw(st.integers(0, len(times)))
    high = data.draw(st.integers(low, len(times)))
    bounds = st.integers(-2000, 10**7)
    if gaps:
        bounds |= st.builds(operator.add, st.sampled_from(times.tolist()), st.integers(-1, 1))
    bound = data.draw(bounds)
    assert search(times, low, high, bound) == low + np.searchsorted(times[low:high], bound, side="right")


@given(cases(), st.sampled_from([2, 3]))
def test_sums(case: Case, compat: int) -> None:
    out = np.zeros(case.lo.shape)
    over_time.total(case.values, case.lo, case.hi, compat == 3, out)

    def expected(window: list[float]) -> float:
        total, error = kahan(window, compat)
        return total if math.isinf(total) else total + error

    case.expect(out, expected)


@given(cases(), st.sampled_from([2, 3]))
def test_means(case: Case, compat: int) -> None:
    out = np.zeros(case.lo.shape)
    (over_time.mean if compat == 3 else over_time.incremental_mean)(case.values, case.lo, case.hi, out)
    case.expect(out, average if compat == 3 else lambda window: old_average(window, compensated=True))


@given(cases(), st.sampled_from([2, 3]))
def test_variances(case: Case, compat: int) -> None:
    out = np.zeros(case.lo.shape)
    over_time.variance(case.values, case.lo, case.hi, compat == 3, out)
    case.expect(out, lambda window: variance(window, compat))


@given(cases(), st.sampled_from([2, 3]), st.booleans())
def test_lines(case: Case, compat: int, from_first: bool) -> None:
    slope, intercept, present = np.zeros(case.lo.shape), np.zeros(case.lo.shape), np.zeros(case.lo.shape, np.bool_)
    at = case.end * 1000
    lines(case.times, case.values, case.lo, case.hi, at, from_first, compat == 3, slope, intercept, present)
    assert (present == (case.hi - case.lo >= 2)).all()
    for s, t in np.argwhere(present):
        window = slice(case.lo[s, t], case.hi[s, t])
        samples = list(zip(case.times[window].tolist(), case.values[window].tolist(), strict=True))
        with np.errstate(all="ignore"):
            expected = regression(samples, samples[0][0] if from_first else int(at[t]), compat)
        assert [bits_of(slope[s, t]), bits_of(intercept[s, t])] == [bits_of(x) for x in expected]


@given(cases(*(kind for kind in KINDS if kind not in ("wild", "signed zeros"))), st.sampled_from([0.0, 0.3, 0.95, 1.0]))
def test_quantiles(case: Case, q: float) -> None:
    out = np.zeros(case.lo.shape)
    quantiles.over_time(case.values, case.lo, case.hi, np.full(len(case.end), q), 3, out)
    case.expect(out, lambda window: quantile(q, window))


@given(cases("wild", "signed zeros"), st.sampled_from([0.0, 0.3, 0.95, 1.0]), st.sampled_from([2, 3]))
def test_quantiles_where_zeros_have_signs(case: Case, q: float, compat: int) -> None:
    """Zeros of either sign are equal to a sort; it is Go's that decides which of them is found."""
    out = np.zeros(case.lo.shape)
    quantiles.over_time(case.values, case.lo, case.hi, np.full(len(case.end), q), compat, out)
    case.expect(out, lambda window: quantile(q, [window[i] for i in by_twin(window, SMALLEST_FIRST, compat).items]))


@given(cases())
def test_median_absolute_deviations(case: Case) -> None:
    out = np.zeros(case.lo.shape)
    quantiles.deviation(case.values, case.lo, case.hi, out)

    def expected(window: list[float]) -> float:
        if any(map(math.isnan, window)):
            return math.nan
        with np.errstate(all="ignore"):
            median = quantile(0.5, window)
            return quantile(0.5, [abs(value - median) for value in window])

    case.expect(out, expected)


def test_windows_stand_side_by_side_for_as_long_as_all_of_them_last() -> None:
    lo, hi = np.arange(LANES), np.arange(LANES) + 5
    assert common(lo, hi) == 5
    hi[3] -= 2
    assert common(lo, hi) == 3
    assert common(lo[:2], hi[:2]) == 0  # too few to be worth it


@pytest.mark.parametrize("rows", [0, 1, 2, 7, 1000])
@pytest.mark.parametrize("size", [0, WORTH, 1000 * WORTH])
def test_every_row_is_worked_on_once(rows: int, size: int) -> None:
    met = np.zeros(rows, dtype=np.int64)
    calls = []

    def work(part: slice) -> None:
        calls.append(part)
        met[part] += 1

    over_rows(work, rows, size)
    assert met.tolist() == [1] * rows
    assert len(calls) <= PARTS * cores()
    if size < WORTH:
        assert calls == [slice(0, rows)]


def test_what_a_thread_raises_is_raised() -> None:
    def work(part: slice) -> None:
        raise ValueError(part.start)

    with pytest.raises(ValueError, match="0"):
        over_rows(work, 100, 100 * WORTH)


@given(cases(), st.sampled_from([1.0, -1.0]))
def test_extremes(case: Case, sign: float) -> None:
    out, at = np.zeros(case.lo.shape), np.zeros(case.lo.shape, dtype=np.int64)
    extremes(case.values, sign, case.lo, case.hi, out)
    greatest(case.values, sign, case.lo, case.hi, False, at)
    some = case.hi > case.lo
    assert out[some].tobytes() == case.values[at[some]].tobytes()


def numbers(seed: int, kind: str, shape: tuple[int, int]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    rng = random.Random(seed)
    values = np.array([[KINDS[kind](rng) for _ in range(shape[1])] for _ in range(shape[0])]).reshape(shape)
    return values, np.array([[rng.random() < 0.8 for _ in range(shape[1])] for _ in range(shape[0])]).reshape(shape)


@given(
    st.integers(0, 10**9),
    st.sampled_from(sorted(KINDS)),
    st.integers(1, 40),
    st.integers(1, 6),
    st.sampled_from([2, 3]),
    st.integers(0, 40),
)
def test_sums_of_series(seed: int, kind: str, steps: int, groups: int, compat: int, cut: int) -> None:
    values, present = numbers(seed, kind, (3 * groups, steps))
    group = np.random.default_rng(seed).integers(0, groups, len(values))
    out, begun = np.zeros((groups, steps)), np.zeros((groups, steps), dtype=np.bool_)
    for part in ((0, min(cut, steps)), (min(cut, steps), steps)):
        aggregate.total(values, present, group, compat == 3, *part, begun, out)
    count = np.zeros((groups, steps), dtype=np.int64)
    aggregate.count(present, group, count)
    for g, t in np.ndindex(groups, steps):
        members = values[(group == g) & present[:, t], t].tolist()
        assert count[g, t] == len(members)
        assert bool(begun[g, t]) == (len(members) > 0)
        if members:
            assert bits_of(float(out[g, t])) == bits_of(added(members, compat)), members


def added(members: list[float], compat: int) -> float:
    """`sum`: compensated in Prometheus 3, from the first value on."""
    if compat == 2:
        return float(functools.reduce(operator.add, members))
    total, error = members[0], 0.0
    for member in members[1:]:
        result = total + member
        if math.isinf(result):
            total, error = result, 0.0
            continue
        larger, smaller = (total, member) if abs(total) >= abs(member) else (member, total)
        total, error = result, error + ((larger - result) + smaller)
    return total + error
