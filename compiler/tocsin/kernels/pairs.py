"""Windows of samples to how many neighbours in each form a pair; each edge of them moves forward once."""

from __future__ import annotations

import numpy as np

from tocsin.kernels.compile import kernel
from tocsin.series import Offsets, Values


@kernel
def is_pair(before: float, after: float, falls: bool) -> bool:
    """Whether a value falls, or else whether it changes; NaN is no change from NaN."""
    if falls:
        return after < before
    return before != after and not (np.isnan(before) and np.isnan(after))


@kernel
def count(values: Values, lo: Offsets, hi: Offsets, falls: bool, out: Values) -> None:
    """`resets` (with `falls`) and `changes` of each window; `out` float64[S, T]. Prometheus promql/functions.go."""
    for s in range(lo.shape[0]):
        left = right = lo[s, 0]
        found = 0
        for t in range(lo.shape[1]):
            a, b = lo[s, t], hi[s, t]
            if right <= a:
                left = right = a
                found = 0
            while right + 1 < b:
                found += is_pair(values[right], values[right + 1], falls)
                right += 1
            while left < a:
                found -= is_pair(values[left], values[left + 1], falls)
                left += 1
            out[s, t] = found
