"""Series to one series per group, step by step: a series is added to all steps at once, so that no step is hashed.

`values` float64[S, T], `present` bool[S, T], `group` int64[S]; outputs are [G, T] and start as zeros.
"""

from __future__ import annotations

import math

import numpy as np

from tocsin.kernels.compile import kernel
from tocsin.kernels.kahan import neumaier
from tocsin.series import Mask, Offsets, Values


@kernel
def count(present: Mask, group: Offsets, out: Offsets) -> None:
    """How many series of each group are present."""
    for s in range(present.shape[0]):
        here, counts = present[s], out[group[s]]
        for t in range(len(here)):
            counts[t] += here[t]


@kernel
def first(present: Mask, group: Offsets, out: Offsets) -> None:
    """The row of the first present series of each group, S where there is none."""
    out[:] = present.shape[0]
    for s in range(present.shape[0]):
        for t in range(present.shape[1]):
            if present[s, t]:
                out[group[s], t] = min(out[group[s], t], s)


@kernel
def total(
    values: Values, present: Mask, group: Offsets, kahan: bool, first: int, last: int, begun: Mask, out: Values
) -> None:
    """`sum`: the first value, then additions in the order of the rows, compensated in Prometheus 3.

    Of the steps from `first` to `last`, exclusive; `begun` bool[G, T] starts as False.
    """
    error = np.zeros((out.shape[0], last - first))
    for s in range(values.shape[0]):
        g = group[s]
        add_row(
            values[s, first:last], present[s, first:last], kahan, begun[g, first:last], error[g], out[g, first:last]
        )
    if kahan:
        for g in range(out.shape[0]):
            for t in range(first, last):
                out[g, t] += error[g, t - first]


@kernel
def add_row(values: Values, present: Mask, kahan: bool, begun: Mask, errors: Values, totals: Values) -> None:
    """One series to the sum of its group; `neumaier` without branches, so that steps are added side by side."""
    for t in range(len(values)):
        total, addend, error = totals[t], values[t], errors[t]
        result = total + addend
        if kahan:
            larger = total if abs(total) >= abs(addend) else addend
            smaller = addend if abs(total) >= abs(addend) else total
            error = error + ((larger - result) + smaller)
            error = 0.0 if abs(result) == math.inf else error
        errors[t] = error if present[t] & begun[t] else errors[t]
        totals[t] = (result if begun[t] else addend) if present[t] else total
        begun[t] |= present[t]


@kernel
def mean(
    values: Values, present: Mask, group: Offsets, n: Offsets, overflowed: Mask, error: Values, out: Values
) -> None:
    """`avg` of Prometheus 3: a compensated sum, and an incremental mean from where that would overflow."""
    for s in range(values.shape[0]):
        g = group[s]
        for t in range(values.shape[1]):
            if not present[s, t]:
                continue
            n[g, t] += 1
            members = float(n[g, t])
            if n[g, t] == 1:
                out[g, t] = values[s, t]
                continue
            if not overflowed[g, t]:
                following, following_error = neumaier(values[s, t], out[g, t], error[g, t], True)
                if not math.isinf(following):
                    out[g, t], error[g, t] = following, following_error
                    continue
                overflowed[g, t] = True
                out[g, t] /= members - 1.0
                error[g, t] /= members - 1.0
            q = (members - 1.0) / members
            out[g, t], error[g, t] = neumaier(values[s, t] / members, q * out[g, t], q * error[g, t], True)
    for g in range(out.shape[0]):
        for t in range(out.shape[1]):
            members = float(n[g, t])
            if overflowed[g, t]:
                out[g, t] += error[g, t]
            else:
                out[g, t] = out[g, t] / members + error[g, t] / members


@kernel
def incremental_mean(values: Values, present: Mask, group: Offsets, n: Offsets, out: Values) -> None:
    """`avg` of Prometheus 2.42: an incremental mean that stays at an infinity."""
    for s in range(values.shape[0]):
        g = group[s]
        for t in range(values.shape[1]):
            if not present[s, t]:
                continue
            n[g, t] += 1
            members = float(n[g, t])
            value = values[s, t]
            if n[g, t] == 1:
                out[g, t] = value
            elif not math.isinf(out[g, t]) or (
                math.isnan(value) or (math.isinf(value) and (out[g, t] > 0) != (value > 0))
            ):
                out[g, t] += value / members - out[g, t] / members


@kernel
def variance(
    values: Values, present: Mask, group: Offsets, strict: bool, n: Offsets, centre: Values, out: Values
) -> None:
    """`stdvar`: Welford's algorithm, not compensated; `strict` (Prometheus 3): one NaN or infinity alone gives NaN."""
    for s in range(values.shape[0]):
        g = group[s]
        for t in range(values.shape[1]):
            if not present[s, t]:
                continue
            n[g, t] += 1
            value = values[s, t]
            if n[g, t] == 1:
                centre[g, t] = value
                out[g, t] = math.nan if strict and not math.isfinite(value) else 0.0
                continue
            delta = value - centre[g, t]
            centre[g, t] += delta / float(n[g, t])
            out[g, t] += delta * (value - centre[g, t])
    for g in range(out.shape[0]):
        for t in range(out.shape[1]):
            out[g, t] /= float(n[g, t])


@kernel
def greatest(values: Values, present: Mask, group: Offsets, n: Offsets, out: Values) -> None:
    """`max`: a strictly greater value replaces, and anything replaces NaN."""
    for s in range(values.shape[0]):
        g = group[s]
        for t in range(values.shape[1]):
            if present[s, t]:
                if n[g, t] == 0 or values[s, t] > out[g, t] or math.isnan(out[g, t]):
                    out[g, t] = values[s, t]
                n[g, t] += 1
