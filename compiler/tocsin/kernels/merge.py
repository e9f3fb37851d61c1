"""Samples of series, whose parts may overlap, to strictly rising times, in place."""

from __future__ import annotations

import numpy as np

from tocsin.kernels.compile import kernel
from tocsin.kernels.xor import Bits
from tocsin.series import Mask, Offsets, Times


@kernel
def unordered(times: Times, offsets: Offsets, out: Mask) -> None:
    """The series in which a time does not rise, `out` bool[S]; the others keep what they have."""
    for s in range(offsets.size - 1):
        for i in range(offsets[s] + 1, offsets[s + 1]):
            if times[i] <= times[i - 1]:
                out[s] = True
                break


@kernel
def merge_runs(times: Times, bits: Bits, to_times: Times, to_bits: Bits) -> tuple[int, int]:
    """Rising runs, one after the other, to one; returns its length, and how many samples it contradicts.

    Of samples at the same time one is kept, by the rule of Prometheus's `chainSampleIterator` (storage/merge.go): the
    run being read gives way to another that is not behind it, and what repeats the last time is passed over.
    """
    runs = 1
    for i in range(1, times.size):
        runs += times[i] <= times[i - 1]
    at, end = np.zeros(runs, dtype=np.int64), np.full(runs, times.size, dtype=np.int64)
    run = 0
    for i in range(1, times.size):
        if times[i] <= times[i - 1]:
            end[run] = i
            run += 1
            at[run] = i
    current, length, conflicts = 0, 0, 0
    while True:
        while at[current] < end[current] and length > 0 and times[at[current]] == to_times[length - 1]:
            conflicts += bits[at[current]] != to_bits[length - 1]
            at[current] += 1
        best = -1
        for r in range(runs):
            if r != current and at[r] < end[r] and (best < 0 or times[at[r]] < times[at[best]]):
                best = r
        if at[current] == end[current]:
            if best < 0:
                return length, conflicts
            current = best
        elif best >= 0 and times[at[best]] <= times[at[current]]:
            current = best
        if length > 0 and times[at[current]] == to_times[length - 1]:
            continue
        to_times[length], to_bits[length] = times[at[current]], bits[at[current]]
        length += 1
        at[current] += 1


@kernel
def clip(times: Times, bits: Bits, offsets: Offsets, start: int, end: int, out: Offsets) -> None:
    """Only the samples from `start` to `end`, moved to the front; `out` int64[S + 1] are the new offsets."""
    out[0] = to = 0
    for s in range(offsets.size - 1):
        first, last = offsets[s], offsets[s + 1]
        first += np.searchsorted(times[first:last], start)
        last = first + np.searchsorted(times[first:last], end, side="right")
        if to == first:
            to = last
        else:
            for i in range(first, last):
                times[to], bits[to] = times[i], bits[i]
                to += 1
        out[s + 1] = to
