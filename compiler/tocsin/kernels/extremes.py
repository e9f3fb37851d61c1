"""Windows of samples to their extremes: by a monotonic queue, or by runs that double, in vectors."""

from __future__ import annotations

import numpy as np

from tocsin.kernels.compile import kernel
from tocsin.series import Offsets, Values

NEGATIVE_ZERO = np.uint64(1 << 63)
"""The bits of it."""


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
    odd, words = 0, values.view(np.uint64)
    for i in range(len(values)):
        odd += np.isnan(values[i]) | (words[i] == NEGATIVE_ZERO)
    return odd == 0


@kernel
def doubled(runs: Values, run: int, out: Values) -> None:
    """From the greatest of the `run` values from each on to that of twice as many."""
    later = runs[run:]
    for i in range(len(later)):
        out[i] = later[i] if later[i] > runs[i] else runs[i]


@kernel
def extremes(values: Values, sign: float, lo: Offsets, hi: Offsets, out: Values) -> None:
    """The value at the position that `greatest` gives, of windows that are not empty.

    The greatest of each run of as many values as most windows have more than half of is found for all runs by doubling
    them, in vectors; a window is covered by two. That takes a sixth of the time of the queue, for which series with NaN
    or -0 are left.
    """
    steps, longest, held = lo.shape[1], 0, 0
    for s in range(lo.shape[0]):
        longest = max(longest, hi[s, -1] - lo[s, 0])
        held += hi[s, steps // 2] - lo[s, steps // 2]
    one, other, at = np.empty(longest), np.empty(longest), np.empty((1, steps), dtype=np.int64)
    for s in range(lo.shape[0]):
        base, last = lo[s, 0], hi[s, -1]
        if not is_plain(values[base:last]):
            greatest(values, sign, lo[s : s + 1], hi[s : s + 1], False, at)
            for t in range(steps):
                out[s, t] = values[max(at[0, t], 0)]
            continue
        own, twice, run = one[: last - base], other[: last - base], 1
        for i in range(last - base):
            own[i] = sign * values[base + i]
        while 2 * run * lo.shape[0] <= held:
            doubled(own, run, twice)
            own, twice, run = twice, own, 2 * run
        for t in range(steps):
            a, b = lo[s, t], hi[s, t]
            if b - a >= run:
                most = own[b - run - base]
                for i in range(a - base, b - run - base, run):
                    most = own[i] if own[i] > most else most
                out[s, t] = sign * most
            elif b > a:
                most = sign * values[a]
                for i in range(a + 1, b):
                    most = sign * values[i] if sign * values[i] > most else most
                out[s, t] = sign * most
