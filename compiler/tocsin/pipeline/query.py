"""Expressions and a recording to the lines that answer them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tocsin.diagnostics import Problem, ProblemError, Problems, Text
from tocsin.engine.evaluate import evaluate_instant, evaluate_range, evaluate_windows
from tocsin.engine.semantics import Failure, Result, Semantics
from tocsin.engine.tile import span_of
from tocsin.pipeline.data import Times
from tocsin.pipeline.limits import check_subqueries, check_times
from tocsin.promql.ast import Expr, Paren, String, ValueType, value_type
from tocsin.promql.durations import resolve
from tocsin.promql.parse import parse
from tocsin.report import query
from tocsin.series import Frame, Recording
from tocsin.textfile import read_source

MAX_STEPS = 2_000_000
"""Steps of a range query, whose answer is in memory as a whole: a year, every 16 seconds."""


def answer(
    exprs: Sequence[Text],
    recording: Recording,
    times: Times,
    semantics: Semantics,
    problems: Problems,
    *,
    as_json: bool,
) -> Iterator[str]:
    """The lines that answer each expression; one that fails is a problem, and in JSON a line of its own.

    Raises ProblemError where the times are wrong for all of them.
    """
    if times.step is None:
        start = end = recording.extent[1] if times.start is None else times.start
    else:
        start = recording.extent[0] if times.start is None else times.start
        end = recording.extent[1] if times.end is None else times.end
        check_times(start, end, times.step, MAX_STEPS)
        semantics = replace(semantics, ends=(start, end))
    for text in exprs:
        try:
            expr = resolve(parse(text), times.step or 0, end - start)
            result = _evaluate(expr, recording, Times(start, end, times.step), semantics)
        except ProblemError as error:
            problems.add(error.problem)
            if as_json:
                yield query.to_error(error.problem)
            continue
        yield from [query.to_json(result)] if as_json else query.to_text(result)


def _evaluate(expr: Expr, recording: Recording, times: Times, semantics: Semantics) -> query.Answer | query.Literally:
    start, end, type_ = times.start or 0, times.end or 0, value_type(expr)
    check_subqueries([expr], semantics)
    if times.step is not None:
        if type_ not in (ValueType.SCALAR, ValueType.VECTOR):
            raise ProblemError(Problem("promql/type", _NO_RANGE.format(type_.value), span_of(expr)))
        return query.of_range(_frame(evaluate_range(expr, recording, start, end, times.step, semantics)))
    if type_ is ValueType.STRING:
        return query.Literally(start, _text(expr))
    if type_ is ValueType.MATRIX:
        windows, failures = evaluate_windows(expr, recording, start, semantics)
        _raise(failures)
        return query.of_windows(windows)
    frame = _frame(evaluate_instant(expr, recording, start, semantics))
    return query.of_instant(frame, scalar=type_ is ValueType.SCALAR)


_NO_RANGE = "over a range only scalars and instant vectors are evaluated, and this is a {}"


def _frame(result: Result) -> Frame:
    _raise(result.failures)
    return result.frame


def _text(expr: Expr) -> str:
    """The string that an expression of that type is: a literal, perhaps in parentheses."""
    while isinstance(expr, Paren):
        expr = expr.expr
    assert isinstance(expr, String)
    return expr.value


def _raise(failures: Sequence[Failure]) -> None:
    if failures:
        raise ProblemError(failures[0].problem)


def read_expressions(path: Path) -> list[Text]:
    """The expressions of a file, one a line; empty lines and lines that begin with `#` are left out."""
    source = read_source(path)
    found, at = [], 0
    for line in source.text.split("\n"):
        if line.strip() and not line.lstrip().startswith("#"):
            found.append(Text(line, source.span(at, at + len(line)), range(at, at + len(line))))
        at += len(line) + 1
    return found
