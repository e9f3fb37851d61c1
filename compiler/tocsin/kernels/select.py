"""Series to the greatest few of each group and step: Go's `container/heap`, because ties depend on its layout."""

from __future__ import annotations

import numpy as np

from tocsin.kernels.compile import kernel
from tocsin.kernels.go_sort import GREATEST_FIRST, arrange, less
from tocsin.series import Mask, Offsets, Values


@kernel
def rise(heap: Offsets, keys: Values, j: int) -> None:
    """Move the last entry up to its place (Go `heap.Push`)."""
    while True:
        i = (j - 1) // 2
        if j == 0 or i == j or not less(keys[heap[j]], keys[heap[i]]):
            return
        heap[i], heap[j] = heap[j], heap[i]
        j = i


@kernel
def sink(heap: Offsets, keys: Values, n: int) -> None:
    """Move the first entry down to its place among `n` (Go `heap.Pop`)."""
    i = 0
    while True:
        child = 2 * i + 1
        if child >= n:
            return
        if child + 1 < n and less(keys[heap[child + 1]], keys[heap[child]]):
            child += 1
        if not less(keys[heap[child]], keys[heap[i]]):
            return
        heap[i], heap[child] = heap[child], heap[i]
        i = child


@kernel
def offer(heap: Offsets, keys: Values, size: int, limit: int, row: int, compat: int) -> int:
    """Add a row to a heap of at most `limit`; returns the new size.

    A full heap loses its smallest: Prometheus 3 puts the new one in its place, 2.42 takes it out first.
    """
    if size == limit:
        smallest = keys[heap[0]]
        if not (smallest < keys[row] or (np.isnan(smallest) and (compat == 2 or not np.isnan(keys[row])))):
            return size
        if limit == 1 or compat == 3:
            heap[0] = row
            sink(heap, keys, size)
            return size
        heap[0], heap[size - 1] = heap[size - 1], heap[0]
        sink(heap, keys, size - 1)
        size -= 1
    heap[size] = row
    rise(heap, keys, size)
    return size + 1


@kernel
def greatest(
    values: Values,
    present: Mask,
    order: Offsets,
    group: Offsets,
    groups: int,
    limit: Offsets,
    compat: int,
    rank: Offsets,
) -> None:
    """`topk`: the place in the result of each row that is kept, -1 for the others.

    `order` int64[S, T] gives the rows of each step in the order in which they are offered, `limit` int64[T],
    `rank` int64[S, T].
    """
    rank[:] = -1
    rows = values.shape[0]
    for t in range(values.shape[1]):
        if limit[t] < 1:
            continue
        heap = np.empty((groups, min(rows, limit[t])), dtype=np.int64)
        size = np.zeros(groups, dtype=np.int64)
        seen = np.empty(groups, dtype=np.int64)
        met = 0
        keys = values[:, t].copy()
        for i in range(rows):
            s = order[i, t]
            if present[s, t]:
                g = group[s]
                if size[g] == 0:
                    seen[met] = g
                    met += 1
                size[g] = offer(heap[g], keys, size[g], limit[t], s, compat)
        place = 0
        for m in range(met):
            g = seen[m]
            arrange(heap[g], (keys, GREATEST_FIRST), size[g], compat)
            for i in range(size[g]):
                rank[heap[g, i], t] = place
                place += 1


@kernel
def foremost(
    keys: Values,
    present: Mask,
    chosen: Mask,
    order: Offsets,
    group: Offsets,
    groups: int,
    limit: Offsets,
    rank: Offsets,
) -> None:
    """`limitk`: the place in the result of each row that is among the first `chosen` ones of its group, else -1.

    They stand as a heap of their keys holds them, for nothing sorts them in the end; the groups in the order of their
    first present rows. The other arguments are those of `greatest`.
    """
    rank[:] = -1
    rows = keys.shape[0]
    for t in range(keys.shape[1]):
        heap = np.empty((groups, max(0, min(rows, limit[t]))), dtype=np.int64)
        size = np.zeros(groups, dtype=np.int64)
        seen = np.empty(groups, dtype=np.int64)
        met, known = 0, np.zeros(groups, dtype=np.bool_)
        column = keys[:, t].copy()
        for i in range(rows):
            s = order[i, t]
            g = group[s]
            if present[s, t] and not known[g]:
                seen[met], known[g] = g, True
                met += 1
            if chosen[s, t] and size[g] < limit[t]:
                heap[g, size[g]] = s
                rise(heap[g], column, size[g])
                size[g] += 1
        place = 0
        for g in seen[:met]:
            for i in range(size[g]):
                rank[heap[g, i], t] = place
                place += 1
