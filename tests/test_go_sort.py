"""Go's order of equal values: the kernel against a twin that calls itself as Go does, and both against Prometheus."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.run import recording_of
from tests.oracle_numbers import Samples
from tests.prometheus import written

from tocsin.engine.evaluate import evaluate_range
from tocsin.engine.semantics import Semantics
from tocsin.kernels.go_sort import descend
from tocsin.labels import Labels, from_mapping
from tocsin.promql.parse import parse
from tocsin.series import Recording

START = 1_700_000_040_000


@dataclass
class Twin:
    """Sorts items in place by a comparison, and counts which ways it goes."""

    items: list[int]
    less: Callable[[int, int], bool]
    shifts: tuple[int, int] = (17, 5)
    ways: Counter[str] = field(default_factory=Counter)

    def sort(self) -> list[int]:
        self._sort(0, len(self.items), len(self.items).bit_length())
        return self.items

    def _before(self, i: int, j: int) -> bool:
        return self.less(self.items[i], self.items[j])

    def _swap(self, i: int, j: int) -> None:
        self.items[i], self.items[j] = self.items[j], self.items[i]

    def _sort(self, a: int, b: int, bad: int) -> None:
        fair = tidy = True
        while b - a > 12:
            n = b - a
            if not bad:
                self.ways["heap"] += 1
                return self._heap(a, n)
            if not fair:
                self.ways["scattered"] += 1
                self._scatter(a, n)
                bad -= 1
            pivot, swaps = self._pivot(a, n)
            if swaps == 12:
                self.ways["reversed"] += 1
                self.items[a:b] = self.items[a:b][::-1]
                pivot = a + b - 1 - pivot
            if fair and tidy and swaps in (0, 12) and self._mend(a, b):
                self.ways["mended"] += 1
                return None
            if a and not self._before(a - 1, pivot):
                self.ways["equal"] += 1
                a = self._equal(a, b, pivot)
                continue
            middle, tidy = self._divide(a, b, pivot)
            fair = min(middle - a, b - middle) >= n // 8
            if middle - a < b - middle:
                self._sort(a, middle, bad)
                a = middle + 1
            else:
                self._sort(middle + 1, b, bad)
                b = middle
        for i in range(a + 1, b):
            while i > a and self._before(i, i - 1):
                self._swap(i, i - 1)
                i -= 1
        return None

    def _heap(self, a: int, n: int) -> None:
        def sink(i: int, size: int) -> None:
            while (child := 2 * i + 1) < size:
                child += child + 1 < size and self._before(a + child, a + child + 1)
                if not self._before(a + i, a + child):
                    return
                self._swap(a + i, a + child)
                i = child

        for i in reversed(range((n + 1) // 2)):
            sink(i, n)
        for i in reversed(range(n)):
            self._swap(a, a + i)
            sink(0, i)

    def _scatter(self, a: int, n: int) -> None:
        state = n
        for i in (-1, 0, 1):
            state ^= state << 13 & 2**64 - 1
            state ^= state >> self.shifts[0]
            state ^= state << self.shifts[1] & 2**64 - 1
            other = state % 2 ** n.bit_length()
            self._swap(a + n // 4 * 2 + i, a + other - n * (other >= n))

    def _pivot(self, a: int, n: int) -> tuple[int, int]:
        swaps = 0

        def median(*three: int) -> int:
            nonlocal swaps
            order = list(three)
            for i in (0, 1, 0):
                if self._before(order[i + 1], order[i]):
                    order[i : i + 2] = order[i + 1], order[i]
                    swaps += 1
            return order[1]

        three = [a + n // 4 * i for i in (1, 2, 3)]
        if n >= 50:
            three = [median(i - 1, i, i + 1) for i in three]
        return median(*three), swaps

    def _mend(self, a: int, b: int) -> bool:
        i = a + 1
        for _ in range(5):
            while i < b and not self._before(i, i - 1):
                i += 1
            if i == b or b - a < 50:
                return i == b
            self._swap(i, i - 1)
            for j in range(i - 1, 0, -1) if i - a >= 2 else ():
                if not self._before(j, j - 1):
                    break
                self._swap(j, j - 1)
            for j in range(i + 1, b):
                if not self._before(j, j - 1):
                    break
                self._swap(j, j - 1)
        return False

    def _divide(self, a: int, b: int, pivot: int) -> tuple[int, bool]:
        self._swap(a, pivot)
        i, j, swaps = a + 1, b - 1, 0
        while True:
            while i <= j and self._before(i, a):
                i += 1
            while i <= j and not self._before(j, a):
                j -= 1
            if i > j:
                self._swap(j, a)
                return j, not swaps
            self._swap(i, j)
            i, j, swaps = i + 1, j - 1, swaps + 1

    def _equal(self, a: int, b: int, pivot: int) -> int:
        self._swap(a, pivot)
        i, j = a + 1, b - 1
        while True:
            while i <= j and not self._before(a, i):
                i += 1
            while i <= j and self._before(a, j):
                j -= 1
            if i > j:
                return i
            self._swap(i, j)
            i, j = i + 1, j - 1


def by_twin(values: list[float], compat: int) -> Twin:
    """As `sort_desc` compares: what is greater comes first, and everything before a NaN."""
    twin = Twin(
        list(range(len(values))),
        lambda i, j: math.isnan(values[j]) or values[j] < values[i],
        (17, 5) if compat == 2 else (7, 17),
    )
    twin.sort()
    return twin


def by_kernel(values: list[float], compat: int) -> list[int]:
    rows = np.arange(len(values), dtype=np.int64)
    descend(rows, np.array(values, dtype=np.float64), len(values), compat)
    return rows.tolist()


def killer(n: int) -> list[float]:
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

    Twin(list(range(n)), less).sort()
    return [-float(fixed.get(i, n)) for i in range(n)]


def shapes(n: int, rng: random.Random) -> dict[str, list[float]]:
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
        "killer": killer(n),
    }


LENGTHS = (12, 13, 30, 49, 50, 70, 128, 300, 1000)


@pytest.mark.parametrize("compat", [2, 3])
def test_the_kernel_takes_every_way_as_its_twin_does(compat: int) -> None:
    ways: Counter[str] = Counter()
    for n in LENGTHS:
        for name, values in shapes(n, random.Random(n)).items():
            for own in (values, [-value for value in values]):
                twin = by_twin(own, compat)
                assert by_kernel(own, compat) == twin.items, f"{n} values, {name}"
                ways += twin.ways
    assert set(ways) == {"heap", "scattered", "reversed", "mended", "equal"}


@given(st.lists(st.sampled_from([math.nan, *map(float, range(9))]), max_size=120), st.sampled_from([2, 3]))
def test_the_kernel_agrees_with_its_twin(values: list[float], compat: int) -> None:
    assert by_kernel(values, compat) == by_twin(values, compat).items


@given(st.lists(st.integers(0, 20), max_size=400), st.sampled_from([2, 3]))
def test_every_entry_stays_and_the_greatest_come_first(values: list[int], compat: int) -> None:
    rows = by_kernel(list(map(float, values)), compat)
    assert sorted(rows) == list(range(len(values)))
    assert [values[row] for row in rows] == sorted(values, reverse=True)


@given(st.lists(st.sampled_from([math.nan, 0.0, -0.0, 1.0, 2.0]), max_size=12), st.sampled_from([2, 3]))
def test_equal_values_of_a_short_vector_stay_in_their_order_and_nans_turn_theirs(
    values: list[float], compat: int
) -> None:
    numbers = sorted((i for i, value in enumerate(values) if value == value), key=lambda i: -values[i])
    assert by_kernel(values, compat) == numbers + [i for i in reversed(range(len(values))) if values[i] != values[i]]


def in_order(text: str, recording: Recording) -> list[Labels]:
    return list(evaluate_range(parse(text), recording, START, START, 1, Semantics(compat=2)).frame.labels)


@pytest.mark.live("prometheus")
def test_prometheus_leaves_equal_values_in_the_same_order() -> None:
    data: dict[Labels, Samples] = {}
    for n in LENGTHS:
        for kind, values in shapes(n, random.Random(n)).items():
            for i, value in enumerate(values):
                data[from_mapping({"__name__": "g", "n": str(n), "kind": kind, "i": f"{i:04}"})] = [(START, value)]
    recording = recording_of(data)
    with written(data) as server:
        for n in LENGTHS:
            for kind in shapes(13, random.Random(0)):
                g = f'g{{n="{n}",kind="{kind}"}}'
                for text in (f"sort({g})", f"sort_desc({g})", f"topk(13, sort({g}))", f"bottomk({n // 2}, {g})"):
                    expected = [labels for labels, _points in server.instant(text, START)]
                    assert in_order(text, recording) == expected, text
