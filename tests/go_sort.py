"""Go's `sort.Sort` once more: a slow twin of the kernel, which calls itself as Go does."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tocsin.kernels.go_sort import GREATEST_FIRST, PLAIN, SMALLEST_FIRST


@dataclass
class Twin:
    """Sorts items in place by a comparison, and counts which ways it goes."""

    items: list[int]
    less: Callable[[int, int], bool]
    shifts: tuple[int, int]
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


RULES: dict[int, Callable[[float, float], bool]] = {
    GREATEST_FIRST: lambda a, b: math.isnan(b) or b < a,
    SMALLEST_FIRST: lambda a, b: math.isnan(a) or a < b,
    PLAIN: lambda a, b: a < b,
}
SHIFTS = {2: (17, 5), 3: (7, 17)}


def by_twin(values: Sequence[float], rule: int, compat: int) -> Twin:
    less = RULES[rule]
    twin = Twin(list(range(len(values))), lambda i, j: less(values[i], values[j]), SHIFTS[compat])
    twin.sort()
    return twin
