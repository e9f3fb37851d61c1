"""A query to the two answers to it, in one form: Prometheus's and the engine's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from tests.oracle_numbers import bits_of
from tests.prometheus import QueryFailed, Rows

from tocsin.diagnostics import ProblemError
from tocsin.engine.evaluate import evaluate_range
from tocsin.engine.semantics import Result, Semantics
from tocsin.labels import Labels
from tocsin.promql.parse import parse
from tocsin.series import Recording

Answer: TypeAlias = dict[tuple[Labels, int], bytes] | str
"""The bits of each value by labels and time, or the message of an error."""

CRASH = "crash: "


class Refused(Exception):  # noqa: N818
    """The engine says that it does not support the expression."""


@dataclass(frozen=True)
class Case:
    """An expression, a range query's grid, and the times of it that are asked for as instant queries too."""

    text: str
    start: int
    end: int
    step: int
    instants: tuple[int, ...]


def agree(expected: Answer, got: Answer) -> bool:
    if isinstance(got, str) and got.startswith(CRASH):
        return False
    return isinstance(got, str) if isinstance(expected, str) else expected == got


def asked(ask: Callable[[], Rows]) -> Answer:
    try:
        rows = ask()
    except QueryFailed as failed:
        return f"error: {failed}"
    found = {(labels, time): bits_of(value) for labels, points in rows for time, value in points.items()}
    twice = sum(len(points) for _, points in rows) - len(found)
    assert not twice, f"Prometheus gives {twice} samples of the same series and time twice"
    return found


def engine(case: Case, recording: Recording, ends: tuple[int, int] | None) -> Result | str:
    """The engine's result; the message of an error that no step escapes."""
    try:
        expr = parse(of_prometheus_3(case.text))
        return evaluate_range(expr, recording, case.start, case.end, case.step, Semantics(compat=2, ends=ends))
    except ProblemError as error:
        if error.problem.code == "promql/unsupported":
            raise Refused(error.problem.message) from error
        return f"error: {error.problem.message}"
    except Exception as crash:
        # A crash is a difference too, and is no reason to lose the rest of the run.
        return f"{CRASH}{crash!r}"


def of_prometheus_3(text: str) -> str:
    """The engine knows functions by their newer names."""
    return text.replace("holt_winters(", "double_exponential_smoothing(")


def of_prometheus_2(text: str) -> str:
    return text.replace("double_exponential_smoothing(", "holt_winters(")


def step(result: Result | str, at: int) -> Result | str:
    """The result as of one step."""
    if isinstance(result, str):
        return result
    column = result.frame.times == at
    frame = result.frame
    cut = type(frame)(frame.labels, frame.times[column], frame.values[:, column], frame.present[:, column])
    return Result(cut, tuple(type(f)(f.at[column], f.problem) for f in result.failures))


def told(result: Result | str) -> Answer:
    if isinstance(result, str):
        return result
    for failure in result.failures:
        if failure.at.any():
            return f"error: {failure.problem.message}"
    return dict(_samples(result))


def _samples(result: Result) -> Iterator[tuple[tuple[Labels, int], bytes]]:
    frame = result.frame
    for row, labels in enumerate(frame.labels):
        for column in frame.present[row].nonzero()[0]:
            yield (labels, int(frame.times[column])), bits_of(float(frame.values[row, column]))


def depends_on_ends(text: str) -> bool:
    return "start()" in text or "end()" in text
