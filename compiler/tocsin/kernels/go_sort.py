"""Values to the order in which Go's `sort.Sort` leaves them: where equal ones differ in something, their order shows.

It is a pattern-defeating quicksort (Go 1.19 and later, sort/zsortinterface.go; Peters, arxiv.org/abs/2106.05123) that
sorts short ranges by insertion. Each comparison and swap has to be Go's: another algorithm leaves equal values in
another order, and most of Prometheus's comparisons have every NaN before every other.

All kernels permute a range of `rows`, indices into the values of `keys`, which come with the rule that compares them.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from tocsin.kernels.compile import kernel
from tocsin.series import Mask, Offsets, Values

Keys: TypeAlias = tuple[Values, int]

GREATEST_FIRST, SMALLEST_FIRST, PLAIN = 0, 1, 2
"""Prometheus's comparisons: of `sort`, `topk` and their opposites (`sort.Reverse` of `vectorByValueHeap`), with NaN
last; of `quantile` (`vectorByValueHeap`), with NaN first; and of the buckets of a histogram (`<`)."""

SHORT = 12
"""So many are sorted by insertion (Go `maxInsertion`)."""

LONG = 50
"""From so many on the pivot is a median of medians, and a range that is almost in order is mended."""

REVERSED = 12
"""Four medians of three make so many swaps where everything they see is in the opposite order."""

MENDED = 5
"""How many pairs that are out of order are mended before a range counts as unsorted."""


@kernel
def less(a: float, b: float) -> bool:
    """NaN counts as the smallest (Prometheus `vectorByValueHeap`)."""
    return bool(np.isnan(a) or a < b)


@kernel
def before(rows: Offsets, keys: Keys, i: int, j: int) -> bool:
    """Whether entry i belongs before entry j."""
    values, rule = keys
    a, b = values[rows[i]], values[rows[j]]
    return less(b, a) if rule == GREATEST_FIRST else less(a, b) if rule == SMALLEST_FIRST else bool(a < b)


@kernel
def swap(rows: Offsets, i: int, j: int) -> None:
    rows[i], rows[j] = rows[j], rows[i]


@kernel
def insert(rows: Offsets, keys: Keys, a: int, b: int) -> None:
    """Sort a range by insertion, which is stable."""
    for i in range(a + 1, b):
        j = i
        while j > a and before(rows, keys, j, j - 1):
            swap(rows, j, j - 1)
            j -= 1


@kernel
def settle(rows: Offsets, keys: Keys, first: int, root: int, n: int) -> None:
    """Move an entry of the heap at `first` down to its place among `n`; what belongs last is on top."""
    while True:
        child = 2 * root + 1
        if child >= n:
            return
        if child + 1 < n and before(rows, keys, first + child, first + child + 1):
            child += 1
        if not before(rows, keys, first + root, first + child):
            return
        swap(rows, first + root, first + child)
        root = child


@kernel
def heapsort(rows: Offsets, keys: Keys, a: int, b: int) -> None:
    n = b - a
    for root in range((n - 1) // 2, -1, -1):
        settle(rows, keys, a, root, n)
    for last in range(n - 1, -1, -1):
        swap(rows, a, a + last)
        settle(rows, keys, a, 0, last)


@kernel
def median(rows: Offsets, keys: Keys, i: int, j: int, k: int) -> tuple[int, int]:
    """Which of three entries is between the others, and how many swaps put them in order."""
    swaps = 0
    if before(rows, keys, j, i):
        i, j = j, i
        swaps += 1
    if before(rows, keys, k, j):
        j, k = k, j
        swaps += 1
    if before(rows, keys, j, i):
        i, j = j, i
        swaps += 1
    return j, swaps


@kernel
def choose(rows: Offsets, keys: Keys, a: int, b: int) -> tuple[int, int]:
    """The entry that is to divide the range, and how many swaps it took to find it."""
    quarter = (b - a) // 4
    i, j, k = a + quarter, a + 2 * quarter, a + 3 * quarter
    swaps = 0
    if b - a >= LONG:
        i, first = median(rows, keys, i - 1, i, i + 1)
        j, second = median(rows, keys, j - 1, j, j + 1)
        k, third = median(rows, keys, k - 1, k, k + 1)
        swaps = first + second + third
    j, last = median(rows, keys, i, j, k)
    return j, swaps + last


@kernel
def mend(rows: Offsets, keys: Keys, a: int, b: int) -> bool:
    """Insert the few entries that are out of order; whether the range is sorted then."""
    i = a + 1
    for _ in range(MENDED):
        while i < b and not before(rows, keys, i, i - 1):
            i += 1
        if i == b:
            return True
        if b - a < LONG:
            return False
        swap(rows, i, i - 1)
        j = i - 1
        while i - a >= 2 and j >= 1 and before(rows, keys, j, j - 1):  # Go goes on to 1, not to `a`
            swap(rows, j, j - 1)
            j -= 1
        j = i + 1
        while j < b and before(rows, keys, j, j - 1):
            swap(rows, j, j - 1)
            j += 1
    return False


@kernel
def scatter(rows: Offsets, a: int, b: int, compat: int) -> None:
    """Swap three entries in the middle with others, lest a pattern divides the range badly again (`breakPatterns`).

    The generator's shifts were mistaken before Go 1.24 (golang/go#70144): 2.42 is built with an older one, and current
    releases of Prometheus 3 with a newer one.
    """
    n = b - a
    right, left = (17, 5) if compat == 2 else (7, 17)
    mask = 1
    while mask <= n:
        mask *= 2
    state = np.uint64(n)
    for i in range(3):
        state ^= state << np.uint64(13)
        state ^= state >> np.uint64(right)
        state ^= state << np.uint64(left)
        other = int(np.int64(state & np.uint64(mask - 1)))  # unsigned and signed numbers make floats
        if other >= n:
            other -= n
        swap(rows, a + n // 4 * 2 - 1 + i, a + other)


@kernel
def divide(rows: Offsets, keys: Keys, a: int, b: int, pivot: int) -> tuple[int, bool]:
    """Put what belongs before the pivot before it; returns its place, and whether nothing else had to move."""
    swap(rows, a, pivot)
    i, j = a + 1, b - 1
    in_place = True
    while True:
        while i <= j and before(rows, keys, i, a):
            i += 1
        while i <= j and not before(rows, keys, j, a):
            j -= 1
        if i > j:
            break
        swap(rows, i, j)
        i, j = i + 1, j - 1
        in_place = False
    swap(rows, j, a)
    return j, in_place


@kernel
def divide_equal(rows: Offsets, keys: Keys, a: int, b: int, pivot: int) -> int:
    """Put what is equal to the pivot first, in a range in which nothing belongs before it; where the rest begins."""
    swap(rows, a, pivot)
    i, j = a + 1, b - 1
    while True:
        while i <= j and not before(rows, keys, a, i):
            i += 1
        while i <= j and before(rows, keys, a, j):
            j -= 1
        if i > j:
            return i
        swap(rows, i, j)
        i, j = i + 1, j - 1


@kernel
def reverse(rows: Offsets, a: int, b: int) -> None:
    for i in range((b - a) // 2):
        swap(rows, a + i, b - 1 - i)


@kernel
def arrange(rows: Offsets, keys: Keys, n: int, compat: int) -> None:
    """Sort `rows[:n]` in place.

    What waits is a range, how many more divisions of it may leave one side less than an eighth before it is sorted by
    heap, and whether the last one did not and found everything in place. The smaller side comes first, as Go calls
    itself for it.
    """
    bits = 0
    while n >> bits:
        bits += 1
    waiting = [(0, n, bits, True, True)]
    while waiting:
        a, b, bad, balanced, in_place = waiting.pop()
        if b - a <= SHORT:
            insert(rows, keys, a, b)
            continue
        if bad == 0:
            heapsort(rows, keys, a, b)
            continue
        if not balanced:
            scatter(rows, a, b, compat)
            bad -= 1
        pivot, swaps = choose(rows, keys, a, b)
        if swaps == REVERSED:
            reverse(rows, a, b)
            pivot = b - 1 - (pivot - a)
        if balanced and in_place and (swaps == 0 or swaps == REVERSED) and mend(rows, keys, a, b):
            continue
        if a > 0 and not before(rows, keys, a - 1, pivot):
            waiting.append((divide_equal(rows, keys, a, b, pivot), b, bad, balanced, in_place))
            continue
        middle, in_place = divide(rows, keys, a, b, pivot)
        left, right = middle - a, b - middle
        balanced = min(left, right) >= (b - a) // 8
        if left < right:
            waiting.append((middle + 1, b, bad, balanced, in_place))
            waiting.append((a, middle, bad, True, True))
        else:
            waiting.append((a, middle, bad, balanced, in_place))
            waiting.append((middle + 1, b, bad, True, True))


@kernel
def places(values: Values, present: Mask, order: Offsets, compat: int, rank: Offsets) -> None:
    """`sort_desc`: the place of each row at each step, -1 where it is absent.

    `order` int64[S, T] gives the rows of each step in the order in which they come; `rank` int64[S, T].
    """
    rank[:] = -1
    rows = np.empty(len(values), dtype=np.int64)
    for t in range(values.shape[1]):
        n = 0
        for s in order[:, t]:
            if present[s, t]:
                rows[n] = s
                n += 1
        arrange(rows, (values[:, t].copy(), GREATEST_FIRST), n, compat)
        for place in range(n):
            rank[rows[place], t] = place
