"""A block to the time of its first or last sample, from as few chunks as can tell."""

from __future__ import annotations

import numpy as np

from tocsin.sources.tsdb.block import Block
from tocsin.sources.tsdb.samples import Oddities, Part, decoded, not_deleted, table

_BATCH = 1024


def first_time(block: Block, sign: int, odd: Oddities) -> int | None:
    """The time of the first sample, or with `sign` -1 that of the last, negated; None where there are no samples."""
    found = block.everything()
    part = Part(block, found, np.arange(len(found.refs)))
    chunks = table(0, part)
    bounds = chunks.low if sign > 0 else -chunks.high
    order = np.argsort(bounds, kind="stable")
    best: int | None = None
    for start in range(0, len(order), _BATCH):
        batch = order[start : start + _BATCH]
        if best is not None and bounds[batch[0]] >= best:
            break
        some = chunks.only(batch)
        to, times, _ = decoded([block], some, odd)
        kept = not_deleted([part], some, to, times)
        times = sign * (times if kept is None else times[kept])
        if len(times):
            best = int(times.min()) if best is None else min(best, int(times.min()))
    return best
