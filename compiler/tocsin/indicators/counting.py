"""Counters to the events that they counted since the evaluation before: exactly, and each of them once.

`increase()` is an estimate: it extrapolates from the samples in a window to its edges, differently in every window,
and what it estimates for neighbouring windows does not add up to what the counter counted. A budget is a sum over
thousands of windows, so here the last sample of one evaluation is where the next one begins.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

from tocsin.promql import build
from tocsin.promql.ast import Expr, VectorSelector

TARGET = ("instance", "job")
"""The labels that name where a series was scraped."""

UNSEEN = 3_600_000
"""Milliseconds that a target may be gone, and still be known when it is back."""

LOOKBACK = 300_000
"""Milliseconds that a series is still there after its last sample, as in any query: it has grown by nothing."""

FINE = 60_000
"""The longest time in ms in which a counter is compared with itself: in a longer one it may have been reset twice, or
have outgrown what it was before."""


def since(
    counter: VectorSelector, step: int, tiled: int, by: tuple[str, ...], known: VectorSelector | None = None
) -> Expr:
    """The events of a counter in the last `step` ms, for each group of `by`; `tiled` ms hold each moment of it once."""
    parts = -(-step // FINE)
    if parts == 1 or step % parts:
        return _in_step(counter, step, by, known or counter)
    fine = _in_step(counter, step // parts, by, known or counter)
    return build.call("sum_over_time", build.over(fine, tiled, step // parts))


def _in_step(counter: VectorSelector, step: int, by: tuple[str, ...], known: VectorSelector) -> Expr:
    """The events of a counter in the last `step` ms.

    Four cases, the first that fits. A series that grew counts its growth since its last sample before the step, also
    where its target was gone for up to an hour. One that fell was reset: it counts what it had reached before, and all
    of what it has now. One that is new counts all that it has, if its target was there before with other series of
    `known`: the first errors of a process are counted in a series that begins with them, and `increase()` never sees
    those. Of a target that is new nothing is known, and what it brings was counted before it came: its growth in the
    step is all.
    """
    now, before = _last(counter, step), _before(counter, step)
    grew = build.compare(build.binary(now, "-", before), ">=", build.number(0))
    peak, first = (build.call(function, build.over(counter, step)) for function in ("max_over_time", "min_over_time"))
    lost = build.call("clamp_min", build.binary(peak, "-", before), build.number(0))
    born = build.binary(now, "and", build.binary(_last(known, step), "and", _before(known, step)), on=TARGET)
    cases = (grew, build.binary(now, "+", lost), born, build.binary(now, "-", first))
    return build.aggregate("sum", reduce(lambda a, b: build.binary(a, "or", b), cases), by)


def _last(counter: VectorSelector, step: int) -> Expr:
    """The last sample of each series; also of a target that has just gone, whose last step counts like any other."""
    return build.call("last_over_time", build.over(counter, max(step, LOOKBACK)))


def _before(counter: VectorSelector, step: int) -> Expr:
    """The last sample of each series up to `step` ms ago."""
    earlier = replace(counter, offset=counter.offset + step)
    return build.call("last_over_time", build.over(earlier, UNSEEN))
