"""Windows of samples to their extremes, with a monotonic queue: every sample enters and leaves once."""

from __future__ import annotations

import numpy as np

from tocsin.kernels.compile import kernel
from tocsin.series import Offsets, Values


@kernel
def greatest(values: Values, sign: float, lo: Offsets, hi: Offsets, latest: bool, out: Offsets) -> None:
    """The position of the greatest value of each window (of the least, where `sign` is -1), of equal ones the first
    (`latest`: the last).

    NaN loses against every number; a window of NaN only gives its last position. `out` int64[S, T], -1 where empty.
    Prometheus `compareOverTime` (promql/functions.go).
    """
    longest = 0
    for s in range(lo.shape[0]):
        longest = max(longest, hi[s, -1] - lo[s, 0])
    queue = np.empty(longest, dtype=np.int64)
    for s in range(lo.shape[0]):
        front = back = 0
        read = lo[s, 0]
        for t in range(lo.shape[1]):
            a, b = lo[s, t], hi[s, t]
            read = max(read, a)
            while front < back and queue[front] < a:
                front += 1
            while read < b:
                value = sign * values[read]
                if not np.isnan(value):
                    while front < back and (
                        sign * values[queue[back - 1]] < value or (latest and sign * values[queue[back - 1]] == value)
                    ):
                        back -= 1
                    queue[back] = read
                    back += 1
                read += 1
            out[s, t] = (queue[front] if front < back else b - 1) if b > a else -1


@kernel
def is_plain(values: Values) -> bool:
    """Whether no value is NaN or -0, so that the greatest has the same bits wherever it stands."""
    odd = 0
    for value in values:
        odd += np.isnan(value) | ((value == 0.0) & (1.0 / value < 0.0))
    return odd == 0


@kernel
def from_edges(values: Values, block: int, before: Values, after: Values) -> None:
    """The greatest value of each block up to each of its values, and from each on."""
    for first in range(0, len(values), block):
        last = min(first + block, len(values)) - 1
        most = values[first]
        for i in range(first, last + 1):
            most = values[i] if values[i] > most else most
            before[i] = most
        most = values[last]
        for i in range(last, first - 1, -1):
            most = values[i] if values[i] > most else most
            after[i] = most


@kernel
def extremes(values: Values, sign: float, lo: Offsets, hi: Offsets, out: Values) -> None:
    """The value at the position that `greatest` gives, of windows that are not empty.

    A window is the end of a block of values, some blocks, and the beginning of another (van Herk, 1992), so that it
    costs a few comparisons whatever its length: a third of the time of the queue, for which series with NaN or -0 are
    left.
    """
    steps, longest, held = lo.shape[1], 0, 0
    for s in range(lo.shape[0]):
        longest = max(longest, hi[s, -1] - lo[s, 0])
        held += hi[s, steps // 2] - lo[s, steps // 2]
    block = 2
    while block * 4 * lo.shape[0] <= held:
        block *= 2
    own, before, after = np.empty(longest), np.empty(longest), np.empty(longest)
    at = np.empty((1, steps), dtype=np.int64)
    for s in range(lo.shape[0]):
        base, last = lo[s, 0], hi[s, -1]
        if not is_plain(values[base:last]):
            greatest(values, sign, lo[s : s + 1], hi[s : s + 1], False, at)
            for t in range(steps):
                out[s, t] = values[max(at[0, t], 0)]
            continue
        for i in range(last - base):
            own[i] = sign * values[base + i]
        from_edges(own[: last - base], block, before, after)
        for t in range(steps):
            a, b = lo[s, t] - base, hi[s, t] - base - 1
            if b < a:
                continue
            i, end = (a // block + 1) * block, b // block * block
            if a == end:
                most = before[b]
            elif i > end:
                most = own[a]
                for j in range(a + 1, b + 1):
                    most = own[j] if own[j] > most else most
            else:
                most = after[a] if after[a] > before[b] else before[b]
                while i < end:
                    most = after[i] if after[i] > most else most
                    i += block
            out[s, t] = sign * most
