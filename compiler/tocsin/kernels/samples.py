"""Columns of samples to what has to be known of them before they are evaluated where they lie."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tocsin.kernels.compile import kernel
from tocsin.series import Offsets, Times

BLOCK = 1 << 12
"""Samples that are compared without a branch before it is asked whether one was found."""

Words = npt.NDArray[np.uint64]


@kernel
def falls(times: Times, offsets: Offsets, rows: Offsets, out: Offsets) -> None:
    """Where in series `rows[i]` the first sample stands that is not later than the one before it, or -1."""
    for i in range(len(rows)):
        low, last = offsets[rows[i]], offsets[rows[i] + 1]
        out[i] = -1
        for first in range(low, last - 1, BLOCK):
            before, after = times[first : min(first + BLOCK, last - 1)], times[first + 1 : min(first + BLOCK + 1, last)]
            found = 0
            for k in range(len(before)):
                found += after[k] <= before[k]
            if found > 0:
                k = 0
                while after[k] > before[k]:
                    k += 1
                out[i] = first + 1 + k - low
                break


@kernel
def holds(words: Words, word: np.uint64) -> bool:
    """Whether one of the words is `word`."""
    for first in range(0, len(words), BLOCK):
        found = 0
        for one in words[first : first + BLOCK]:
            found += one == word
        if found > 0:
            return True
    return False
