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
