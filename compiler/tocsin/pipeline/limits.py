"""Times and subqueries to a refusal where they would not fit in memory: a slip in a unit must not end the machine."""

from __future__ import annotations

from collections.abc import Iterable

from tocsin.diagnostics import Problem, ProblemError, Text
from tocsin.engine.semantics import Semantics
from tocsin.engine.tile import span_of
from tocsin.promql.ast import Expr, Subquery, walk

MAX_STEPS = 50_000_000
"""Evaluations of one run; a year has 31.5 million seconds."""

MAX_INNER = 10_000_000
"""Steps of one subquery. Prometheus gives up at 50 million samples, which are as many steps of one series."""


def check_times(start: int, end: int, step: int, most: int = MAX_STEPS) -> None:
    """Raises ProblemError where a grid (Unix milliseconds) ends before it starts, or has more than `most` steps."""
    if end < start:
        raise _refuse("the end is before the start", f"{start / 1000:.3f} to {end / 1000:.3f}")
    if (steps := (end - start) // step + 1) > most:
        raise _refuse(
            f"{steps:,} evaluations from {start / 1000:.3f} to {end / 1000:.3f} are too many: at most {most:,}",
            f"every {step / 1000:g}s",
        )


def _refuse(message: str, given: str) -> ProblemError:
    return ProblemError(Problem("input/time", message, Text.of(given, "<times>").span))


def check_subqueries(exprs: Iterable[Expr], semantics: Semantics) -> None:
    """Raises ProblemError where a subquery has more than `MAX_INNER` steps in its range."""
    for node in (node for expr in exprs for node in walk(expr) if isinstance(node, Subquery)):
        steps = node.range // (node.step or semantics.evaluation_interval)
        if steps > MAX_INNER:
            message = f"the subquery has {steps:,} steps, at most {MAX_INNER:,} are evaluated"
            raise ProblemError(Problem("promql/too-large", message, span_of(node), help="widen its step"))
