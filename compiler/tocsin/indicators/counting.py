"""Counters to the events that they counted since the evaluation before: exactly, and each of them once.

`increase()` is an estimate: it extrapolates from the samples in a window to its edges, differently in every window,
and what it estimates for neighbouring windows does not add up to what the counter counted. A budget is a sum over
thousands of windows, so here the last sample of one evaluation is where the next one begins.
"""

from __future__ import annotations

from dataclasses import replace

from tocsin.promql import build
from tocsin.promql.ast import Expr, VectorSelector

TARGET = ("instance", "job")
"""The labels that name where a series was scraped."""

UNSEEN = 3_600_000
"""Milliseconds that a target may be gone, and still be known when it is back."""


def since(counter: VectorSelector, step: int, by: tuple[str, ...], known: VectorSelector | None = None) -> Expr:
    """The events of a counter in the last `step` ms, for each group of `by`.

    Three cases add up. A series that grew counts its growth since its last sample before the step, also where its
    target was gone for up to an hour. One that fell was reset: it counts what it had reached before, and all of what
    it has now. One that is new counts all that it has, if its target was there before with other series of `known`
    (the counter itself by default): the first errors of a process are counted in a series that begins with them, and
    `increase()` never sees those. Of a target that is new nothing is known, and nothing is counted.
    """
    before = _before(counter, step)
    grew = build.compare(build.binary(counter, "-", before), ">=", build.number(0))
    peak = build.call("max_over_time", build.over(counter, step))
    lost = build.call("clamp_min", build.binary(peak, "-", before), build.number(0))
    reset = build.binary(counter, "+", lost)
    others = known or counter
    new = build.binary(counter, "unless", before)
    born = build.binary(new, "and", build.binary(others, "and", _before(others, step)), on=TARGET)
    return build.aggregate("sum", build.binary(build.binary(grew, "or", reset), "or", born), by)


def _before(counter: VectorSelector, step: int) -> Expr:
    """The last sample of each series up to `step` ms ago."""
    earlier = replace(counter, offset=counter.offset + step)
    return build.call("last_over_time", build.over(earlier, UNSEEN))
