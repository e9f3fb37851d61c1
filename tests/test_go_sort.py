"""Go's order of equal values: the kernel against its twin, and Prometheus's answers that it shows in."""

from __future__ import annotations

import math
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evaluations import recording
from tests.go_sort import RULES, SHIFTS, Twin, by_twin
from tests.oracle_numbers import Samples, bits_of
from tests.prometheus import Prometheus, written

from tocsin.engine.evaluate import evaluate_range
from tocsin.engine.semantics import Semantics
from tocsin.kernels.compile import kernel
from tocsin.kernels.go_sort import GREATEST_FIRST, arrange
from tocsin.labels import Labels, from_mapping
from tocsin.promql.parse import parse
from tocsin.series import Offsets, Recording, Values

START = 1_700_000_040_000

rules, compats = st.sampled_from(list(RULES)), st.sampled_from([2, 3])


@kernel
def arranged(rows: Offsets, values: Values, rule: int, compat: int) -> None:
    arrange(rows, (values, rule), len(rows), compat)


def by_kernel(values: list[float], rule: int, compat: int) -> list[int]:
    rows = np.arange(len(values), dtype=np.int64)
    arranged(rows, np.array(values, dtype=np.float64), rule, compat)
    return rows.tolist()


def killer(n: int, compat: int) -> list[float]:
    """Values of which many are equal and that divide badly until the heap is asked (McIlroy, "A Killer Adversary")."""
    fixed: dict[int, int] = {}
    candidate = 0

    def less(x: int, y: int) -> bool:
        nonlocal candidate
        if x not in fixed and y not in fixed:
            fixed[x if x == candidate else y] = len(fixed) // 2
        if x not in fixed:
            candidate = x
        elif y not in fixed:
            candidate = y
        return fixed.get(x, n) < fixed.get(y, n)

    Twin(list(range(n)), less, SHIFTS[compat]).sort()
    return [-float(fixed.get(i, n)) for i in range(n)]


def shapes(n: int, rng: random.Random, compat: int = 2) -> dict[str, list[float]]:
    """Values of every kind that the algorithm tells apart, with many equal ones."""
    nearly = [float(i // 2) for i in range(n)]
    for _ in range(4):
        nearly[rng.randrange(n)] = float(rng.randrange(n))
    return {
        "few": [float(rng.randrange(3)) for _ in range(n)],
        "many": [float(rng.randrange(n // 3)) for _ in range(n)],
        "special": [rng.choice([math.nan, 1.0, 2.0, math.inf, -math.inf, 0.0, -0.0]) for _ in range(n)],
        "mostly NaN": [math.nan if rng.random() < 0.7 else 1.0 for _ in range(n)],
        "rising": [float(i // 3) for i in range(n)],
        "falling": [float(-(i // 3)) for i in range(n)],
        "hill": [float(min(i, n - i) // 2) for i in range(n)],
        "nearly rising": nearly,
        "falling to the same": [float(-min(i, n - 4)) for i in range(n)],
        "killer": killer(n, compat),
    }


LENGTHS = (12, 13, 30, 49, 50, 70, 128, 300, 1000)


@pytest.mark.parametrize("compat", [2, 3])
@pytest.mark.parametrize("rule", RULES)
def test_the_kernel_takes_every_way_as_its_twin_does(rule: int, compat: int) -> None:
    ways: Counter[str] = Counter()
    for n in LENGTHS:
        for name, values in shapes(n, random.Random(n), compat).items():
            for own in (values, [-value for value in values]):
                twin = by_twin(own, rule, compat)
                assert by_kernel(own, rule, compat) == twin.items, f"{n} values, {name}"
                ways += twin.ways
    assert set(ways) == {"heap", "scattered", "reversed", "mended", "equal"}


@given(st.lists(st.sampled_from([math.nan, *map(float, range(9))]), max_size=120), rules, compats)
def test_the_kernel_agrees_with_its_twin(values: list[float], rule: int, compat: int) -> None:
    assert by_kernel(values, rule, compat) == by_twin(values, rule, compat).items


@given(st.lists(st.sampled_from([math.nan, *map(float, range(20))]), max_size=400), compats)
def test_every_entry_stays_and_the_greatest_come_first(values: list[float], compat: int) -> None:
    rows = by_kernel(values, GREATEST_FIRST, compat)
    assert sorted(rows) == list(range(len(values)))
    numbers = sorted((value for value in values if value == value), reverse=True)
    assert [values[row] for row in rows[: len(numbers)]] == numbers


@given(st.lists(st.sampled_from([math.nan, 0.0, -0.0, 1.0, 2.0]), max_size=12), compats)
def test_equal_values_of_a_short_vector_stay_in_their_order_and_nans_turn_theirs(
    values: list[float], compat: int
) -> None:
    numbers = sorted((i for i, value in enumerate(values) if value == value), key=lambda i: -values[i])
    nans = [i for i in reversed(range(len(values))) if values[i] != values[i]]
    assert by_kernel(values, GREATEST_FIRST, compat) == numbers + nans


def answer(text: str, source: Recording) -> list[tuple[Labels, bytes]]:
    frame = evaluate_range(parse(text), source, START, START, 1, Semantics(compat=2)).frame
    return [(labels, bits_of(float(values[0]))) for labels, values in zip(frame.labels, frame.values, strict=True)]


def expected(text: str, server: Prometheus) -> list[tuple[Labels, bytes]]:
    return [(labels, bits_of(points[START])) for labels, points in server.instant(text, START)]


@pytest.mark.live("prometheus")
def test_prometheus_leaves_equal_values_in_the_same_order() -> None:
    data: dict[Labels, Samples] = {}
    for n in LENGTHS:
        for kind, values in shapes(n, random.Random(n)).items():
            for i, value in enumerate(values):
                data[from_mapping({"__name__": "g", "n": str(n), "kind": kind, "i": f"{i:04}"})] = [(START, value)]
    source = recording(data)
    with written(data) as server:
        for n in LENGTHS:
            for kind in shapes(13, random.Random(0)):
                g = f'g{{n="{n}",kind="{kind}"}}'
                for text in (f"sort({g})", f"sort_desc({g})", f"topk(13, sort({g}))", f"bottomk({n // 2}, {g})"):
                    assert answer(text, source) == expected(text, server), text


@pytest.mark.live("prometheus")
def test_prometheus_finds_the_same_zero_in_the_middle() -> None:
    rng = random.Random(5)
    data: dict[Labels, Samples] = {}
    for n in LENGTHS:
        for kind, others in {"zeros": [1.0], "NaNs": [math.nan, -1.0]}.items():
            values = [rng.choice([0.0, -0.0, *others]) for _ in range(n)]
            own = {"n": str(n), "kind": kind}
            data[from_mapping({"__name__": "w", **own})] = [(START - 100 * (n - i), v) for i, v in enumerate(values)]
            for i, value in enumerate(values):
                data[from_mapping({"__name__": "g", **own, "i": f"{i:04}"})] = [(START, value)]
    source = recording(data)
    with written(data) as server:
        for q in (0.1, 0.3, 0.45, 0.5, 0.6, 0.75):
            for text in (f"quantile by (n, kind) ({q}, g)", f"quantile_over_time({q}, w[5m])"):
                assert answer(text, source) == expected(text, server), text
            sorted_first = f'quantile({q}, sort(g{{n="50",kind="zeros"}}))'
            assert answer(sorted_first, source) == expected(sorted_first, server), q


@pytest.mark.live("prometheus")
def test_prometheus_adds_up_the_buckets_of_one_bound_in_the_same_order() -> None:
    rng = random.Random(3)
    bounds = [f"{sign}{bound}{zeros}" for bound in range(1, 5) for sign in ("", "+", "0") for zeros in ("", ".0", "e0")]
    data: dict[Labels, Samples] = {}
    for own in range(40):
        infinite = rng.sample(["+Inf", "Inf", "inf", "+inf", "INF"], 3)
        for le in [*rng.sample(bounds, rng.randrange(3, len(bounds))), *infinite, *["NaN"] * (own > 30)]:
            data[from_mapping({"__name__": "b", "own": f"{own:02}", "le": le})] = [(START, rng.uniform(1, 99))]
    source = recording(data)
    with written(data) as server:
        for b in ("b", "sum by (le, own) (b)", "sort(b)", "sort_desc(b)"):
            for q in (0.01, 0.1, 0.2):
                text = f"histogram_quantile({q}, {b})"
                assert sorted(answer(text, source)) == sorted(expected(text, server)), text
