"""Expressions at the times of evaluations to their results, whole columns at once, where there may be any."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from tocsin.alerts.clock import Clock
from tocsin.alerts.reach import in_reach
from tocsin.engine.evaluate import concatenate, evaluate
from tocsin.engine.semantics import Grid, Result, Semantics
from tocsin.promql.ast import Expr
from tocsin.series import Frame, Recording, Times

_WORTH_SKIPPING = 100
"""Steps without data that cost more than starting the engine once more, which takes about a millisecond."""

_CHUNK = 2048
"""Evaluations of which each sees other samples that are computed before any is told."""


def columns(
    exprs: Sequence[Expr],
    source: Recording,
    evaluations: Times,
    clock: Clock,
    samples: Times,
    longest: int | None,
    semantics: Semantics,
) -> Iterator[tuple[Result, ...]]:
    """The results at all evaluations, by the engine only where it may find samples: at most `longest` after any of the
    times `samples` (None: anywhere).
    """
    times = evaluations - clock.shift
    for first, last, worth in _stretches(times, samples, longest):
        if worth:
            grid = Grid(int(times[first]), int(times[last - 1]), clock.interval)
            yield from evaluate(exprs, source, grid, semantics)
        else:
            yield (_nothing(times[first:last]),) * len(exprs)


def strided(
    expr: Expr,
    view: Callable[[Times], Recording],
    evaluations: Times,
    clock: Clock,
    stride: int,
    semantics: Semantics,
) -> Iterator[Result]:
    """The results where each evaluation sees other samples, but those that are a `stride` apart do not touch.

    `view` gives what some evaluations see that are so far apart.
    """
    for first in range(0, len(evaluations), max(_CHUNK, stride)):
        chunk = evaluations[first : first + max(_CHUNK, stride)]
        found: list[Result] = []
        for begin in range(min(stride, len(chunk))):
            apart = chunk[begin::stride]
            times = apart - clock.shift
            grid = Grid(int(times[0]), int(times[-1]), stride * clock.interval)
            found += (result for (result,) in evaluate([expr], view(apart), grid, semantics))
        yield _in_order(concatenate(found))


def _in_order(result: Result) -> Result:
    """A result with its steps in the order of time."""
    order = np.argsort(result.frame.times)
    frame = result.frame
    histograms = None if frame.histograms is None else frame.histograms[:, order]
    return Result(
        Frame(frame.labels, frame.times[order], frame.values[:, order], frame.present[:, order], histograms),
        tuple(replace(failure, at=failure.at[order]) for failure in result.failures),
    )


def _stretches(times: Times, samples: Times, longest: int | None) -> Iterator[tuple[int, int, bool]]:
    """The times in stretches, as indices from and to: with samples in reach, or long ones without any."""
    if longest is None or not len(times):
        yield from [(0, len(times), True)] if len(times) else []
        return
    near = in_reach(samples, times, longest)
    edges = [0, *(np.flatnonzero(near[1:] != near[:-1]) + 1).tolist(), len(times)]
    pending = 0
    for first, last in pairwise(edges):
        if not near[first] and last - first >= _WORTH_SKIPPING:
            if pending < first:
                yield pending, first, True
            yield first, last, False
            pending = last
    if pending < len(times):
        yield pending, len(times), True


def _nothing(times: Times) -> Result:
    shape = (0, len(times))
    return Result(Frame((), times, np.zeros(shape), np.zeros(shape, dtype=np.bool_)))
