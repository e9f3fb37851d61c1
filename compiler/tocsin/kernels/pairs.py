"""Windows of samples to how many neighbours in each differ: two running counts, so that every sample is seen once."""

from __future__ import annotations

import numpy as np

from tocsin.kernels.compile import kernel
from tocsin.series import Offsets, Values


@kernel
def resets(values: Values, lo: Offsets, hi: Offsets, out: Values) -> None:
    """How often a value is below the one before it; `out` float64[S, T]. Prometheus `funcResets`."""
    for s in range(lo.shape[0]):
        left = right = lo[s, 0]
        count = 0
        for t in range(lo.shape[1]):
            a, b = lo[s, t], hi[s, t]
            if right <= a:
                left = right = a
                count = 0
            while right + 1 < b:
                count += values[right + 1] < values[right]
                right += 1
            while left < a:
                count -= values[left + 1] < values[left]
                left += 1
            out[s, t] = count


@kernel
def differ(before: float, after: float) -> bool:
    """NaN is no change from NaN."""
    return before != after and not (np.isnan(before) and np.isnan(after))


@kernel
def changes(values: Values, lo: Offsets, hi: Offsets, out: Values) -> None:
    """How often a value is not the one before it; `out` float64[S, T]. Prometheus `funcChanges`."""
    for s in range(lo.shape[0]):
        left = right = lo[s, 0]
        count = 0
        for t in range(lo.shape[1]):
            a, b = lo[s, t], hi[s, t]
            if right <= a:
                left = right = a
                count = 0
            while right + 1 < b:
                count += differ(values[right], values[right + 1])
                right += 1
            while left < a:
                count -= differ(values[left], values[left + 1])
                left += 1
            out[s, t] = count
