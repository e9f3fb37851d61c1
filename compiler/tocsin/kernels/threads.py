"""Rows to stretches of rows that are worked on at the same time: kernels hold no interpreter lock."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

WORTH = 1 << 14
"""Cells or samples that cost about as much as waking a thread, some 50 microseconds."""

PARTS = 4
"""Stretches per core: series differ in length, and a core that is done takes the next."""


def over_rows(work: Callable[[slice], None], rows: int, size: int) -> None:
    """Call `work` with slices that together are `rows` rows, on all cores where `size` cells are worth that.

    The slices do not overlap, so that calls may write to the rows that they are given. What one raises is raised.
    """
    parts = min(rows, size // WORTH, PARTS * cores()) if cores() > 1 else 1
    if parts < 2:
        work(slice(0, rows))
        return
    edges = [rows * part // parts for part in range(parts + 1)]
    waiting = deque(map(slice, edges[:-1], edges[1:]))

    def take() -> None:
        while waiting:
            try:
                part = waiting.popleft()
            except IndexError:  # another thread was faster
                return
            work(part)

    others = [_pool().submit(take) for _ in range(min(cores(), parts) - 1)]
    try:
        take()
    finally:
        waiting.clear()
        for other in others:
            if not other.cancel():  # one that has not begun finds nothing left
                other.result()


@cache
def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, cores() - 1), thread_name_prefix="kernels")
