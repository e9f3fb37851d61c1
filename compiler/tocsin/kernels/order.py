"""Sliding windows to their samples in ascending order: what enters and leaves moves, the rest stays in order."""

from __future__ import annotations

import math

import numpy as np

from tocsin.kernels.compile import kernel
from tocsin.series import Offsets, Values


@kernel
def place(ordered: Values, n: int, value: float) -> int:
    """The first position of `ordered[:n]` whose entry is not below the value."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def exchange(ordered: Values, n: int, old: float, new: float) -> None:
    """Put `new` into the place where `old` leaves a gap, and move what lies between."""
    i, j = place(ordered, n, old), place(ordered, n, new)
    while i + 1 < j:
        ordered[i] = ordered[i + 1]
        i += 1
    while i > j:
        ordered[i] = ordered[i - 1]
        i -= 1
    ordered[i] = new


@kernel
def fill(ordered: Values, values: Values, a: int, b: int) -> int:
    """The samples `a` to `b` in order, without NaN; returns how many."""
    n = 0
    for i in range(a, b):
        if not math.isnan(values[i]):
            ordered[n] = values[i]
            n += 1
    ordered[:n].sort()
    return n


@kernel
def slide(ordered: Values, n: int, values: Values, leave: int, stay: int, known: int, b: int) -> int:
    """From the window `leave` to `known` to the window `stay` to `b`; returns how many numbers it holds."""
    i, j = leave, known
    while True:
        while i < stay and math.isnan(values[i]):
            i += 1
        while j < b and math.isnan(values[j]):
            j += 1
        if i == stay and j == b:
            return n
        if i < stay and j < b:
            exchange(ordered, n, values[i], values[j])
        elif i < stay:
            exchange(ordered, n, values[i], math.inf)
            n -= 1
        else:
            ordered[n] = math.inf
            n += 1
            exchange(ordered, n, math.inf, values[j])
        i, j = min(i + 1, stay), min(j + 1, b)


@kernel
def has_negative_zero(values: Values) -> bool:
    """Whether zeros may differ in their sign: then an order does not say which of them leaves."""
    found = 0
    for value in values:
        found += value == 0.0 and math.copysign(1.0, value) < 0.0
    return found > 0


@kernel
def widest(lo: Offsets, hi: Offsets) -> int:
    """The number of samples of the largest window."""
    most = 0
    for s in range(lo.shape[0]):
        for t in range(lo.shape[1]):
            most = max(most, hi[s, t] - lo[s, t])
    return most


@kernel
def advance(
    ordered: Values, n: int, values: Values, before: tuple[int, int], window: tuple[int, int], anew: bool
) -> int:
    """From the window `before` to the next one, by sliding where that moves less than sorting does."""
    known, (a, b) = before[1], window
    moved = (a - before[0]) + (b - known)
    if anew or a >= known or moved > (b - a) // 4 + 8:
        return fill(ordered, values, a, b)
    return slide(ordered, n, values, before[0], a, known, b)


@kernel
def room(lo: Offsets, hi: Offsets) -> Values:
    """An array for the largest window."""
    return np.empty(widest(lo, hi) + 1)
