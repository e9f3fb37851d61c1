"""Expressions and a recording to frames on a grid, tile by tile, so that memory does not grow with the history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

import tocsin.engine.aggregate
import tocsin.engine.binary
import tocsin.engine.call
import tocsin.engine.literal
import tocsin.engine.ratio
import tocsin.engine.select
import tocsin.engine.subquery  # noqa: F401  (each registers its kind of node)
from tocsin.diagnostics import ProblemError
from tocsin.engine.merge import outcome_of
from tocsin.engine.read import Reader, held, longest, needs
from tocsin.engine.semantics import Failure, Grid, Result, Semantics
from tocsin.engine.support import refusals
from tocsin.engine.tile import Outcome, Tile, unsupported
from tocsin.engine.tile_length import first_length, next_length
from tocsin.functions.values import Scalar, Vector, Windows
from tocsin.labels import Labels
from tocsin.promql.ast import Call, Expr, MatrixSelector, Subquery, VectorSelector, walk
from tocsin.promql.durations import resolve
from tocsin.series import Frame, Recording, Times

DEFAULT = Semantics()


def evaluate(
    exprs: Sequence[Expr], recording: Recording, grid: Grid, semantics: Semantics = DEFAULT, tile: int | None = None
) -> Iterator[tuple[Result, ...]]:
    """Prometheus's instant evaluation of all expressions at every time of the grid, in stretches of `tile` steps (None:
    of as many as memory should hold).

    Each distinct selector is read once per stretch, and each distinct subexpression evaluated once. A scalar gives one
    series without labels. Frames of different stretches may hold different series. Raises ProblemError
    (`promql/unsupported`) before anything is read; runtime errors are in the results.
    """
    exprs = [_resolved(expr, grid, semantics) for expr in exprs]
    if semantics.ends is not None and semantics.ends[0] < semantics.ends[1]:
        semantics = replace(semantics, step=grid.step)
    for problem in chain.from_iterable(map(refusals, exprs)):
        raise ProblemError(problem)
    times, reach = grid.times, max(map(longest, exprs), default=0)
    fixed = 1 if semantics.ends is None and any(map(_needs_single_steps, exprs)) else tile
    length, first = fixed or first_length(reach, grid.step), 0
    every = (need for expr in exprs for need in needs(expr, grid.start, grid.end, semantics))
    reader = Reader.of(recording, (), held(recording, every))
    while first < len(times):
        here = times[first : first + length]
        reader = reader.then(need for expr in exprs for need in needs(expr, int(here[0]), int(here[-1]), semantics))
        stretch = Tile(here, semantics, reader)
        yield _results(exprs, stretch)
        first += length
        length = fixed or next_length(stretch, reach, grid.step)


def evaluate_range(
    expr: Expr, recording: Recording, start: int, end: int, step: int, semantics: Semantics = DEFAULT
) -> Result:
    """One expression from `start` to `end`, both inclusive, in one frame."""
    return concatenate([result for (result,) in evaluate([expr], recording, Grid(start, end, step), semantics)])


def evaluate_instant(expr: Expr, recording: Recording, time: int, semantics: Semantics = DEFAULT) -> Result:
    """One expression at one time, the series in Prometheus's order."""
    return evaluate_range(expr, recording, time, time, 1, semantics)


def evaluate_windows(
    expr: Expr, recording: Recording, time: int, semantics: Semantics = DEFAULT
) -> tuple[Windows, tuple[Failure, ...]]:
    """A range vector at one time. Raises ProblemError (`promql/unsupported`) before anything is read."""
    expr = resolve(expr)
    for problem in refusals(expr):
        raise ProblemError(problem)
    tile = Tile(np.array([time]), semantics, Reader.of(recording, needs(expr, time, time, semantics)))
    with np.errstate(all="ignore"):
        outcome = outcome_of(expr, tile)
    assert isinstance(outcome.value, Windows)
    return outcome.value, outcome.failures


def _resolved(expr: Expr, grid: Grid, semantics: Semantics) -> Expr:
    """Without `step()` and `range()` in durations. Instant queries, whose ends are one, have neither."""
    if semantics.ends is None or semantics.ends[0] == semantics.ends[1]:
        return resolve(expr)
    return resolve(expr, grid.step, semantics.ends[1] - semantics.ends[0])


def concatenate(results: Sequence[Result]) -> Result:
    """Results of consecutive times as one; series stand in the order in which they first appear."""
    frames = [result.frame for result in results]
    rows: dict[Labels, int] = {}
    for frame in frames:
        for labels in frame.labels:
            rows.setdefault(labels, len(rows))
    times = np.concatenate([np.zeros(0, dtype=np.int64), *[frame.times for frame in frames]])
    values, present = np.zeros((len(rows), len(times))), np.zeros((len(rows), len(times)), dtype=np.bool_)
    held = any(frame.histograms is not None for frame in frames)
    histograms = np.full(values.shape, None, dtype=object) if held else None
    failures, first = [], 0
    for result in results:
        frame = result.frame
        columns = slice(first, first + len(frame.times))
        here = [rows[labels] for labels in frame.labels]
        values[here, columns] = frame.values
        present[here, columns] = frame.present
        if histograms is not None and frame.histograms is not None:
            histograms[here, columns] = frame.histograms
        for failure in result.failures:
            at = np.zeros(len(times), dtype=np.bool_)
            at[columns] = failure.at
            failures.append(Failure(at, failure.problem))
        first += len(frame.times)
    return Result(Frame(tuple(rows), times, values, present, histograms), tuple(failures))


def _needs_single_steps(expr: Expr) -> bool:
    """Whether `start()` stands in a subquery, alone or behind an `@`.

    There it means the outer step, so that no two steps share the inner ones.
    """
    inside = (inner for outer in walk(expr) if isinstance(outer, Subquery) for inner in walk(outer.expr))
    return any(map(_names_an_end, inside))


def _names_an_end(node: Expr) -> bool:
    match node:
        case VectorSelector(at=at) | Subquery(at=at):
            return isinstance(at, str)
        case Call(function=name):
            return name in ("start", "end")
    return False


def _results(exprs: Sequence[Expr], tile: Tile) -> tuple[Result, ...]:
    with np.errstate(all="ignore"):
        return tuple(_result(outcome_of(expr, tile), expr, tile.times) for expr in exprs)


def _result(outcome: Outcome, expr: Expr, times: Times) -> Result:
    value = outcome.value
    if isinstance(value, Scalar):
        value = Vector(((),), value.values[None, :], np.ones((1, len(times)), dtype=np.bool_))
    if not isinstance(value, Vector):
        kind = "range vector" if isinstance(expr, MatrixSelector | Subquery) else "string"
        raise unsupported(expr, f"a {kind} as the result")
    present = value.present
    for failure in outcome.failures:
        present = present & ~failure.at
    rows = present.any(axis=1)
    order = np.flatnonzero(rows)
    if value.rank is not None and len(times) == 1:
        order = order[np.argsort(value.rank[order, 0], kind="stable")]
    if len(order) < len(value.labels) or (np.diff(order) < 0).any():
        value, present = value.rows(order.tolist()), present[order]
    values = np.ascontiguousarray(value.values)
    return Result(Frame(value.labels, times, values, np.ascontiguousarray(present), value.histograms), outcome.failures)
