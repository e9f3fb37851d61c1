"""Rule groups and a recording to a verdict, and expressions to values: the half that knows samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tocsin.backtest.incidents import read_incidents
from tocsin.backtest.model import Backtest
from tocsin.backtest.run import backtest
from tocsin.backtest.trace import recorded, traces
from tocsin.diagnostics import Problem, ProblemError, Problems, Text
from tocsin.document import read_source
from tocsin.engine.evaluate import evaluate_range
from tocsin.engine.semantics import Result, Semantics
from tocsin.promql.ast import Expr, value_type
from tocsin.promql.parse import parse
from tocsin.report import html, query
from tocsin.rules import RuleGroup
from tocsin.series import Recording
from tocsin.sources.api import OpenedRecording
from tocsin.sources.open import open_recording
from tocsin.sources.time import parse_time


@dataclass(frozen=True, slots=True)
class Times:
    """When to evaluate, in Unix milliseconds; None where the recording decides. Without a step, at one time."""

    start: int | None = None
    end: int | None = None
    step: int | None = None


def open_data(data: str, problems: Problems) -> OpenedRecording:
    """The recording at a path; raises ProblemError where it cannot be read."""
    recording = open_recording(data)
    problems.extend(recording.problems)
    return recording


def replay(
    groups: Sequence[RuleGroup],
    recording: Recording,
    incidents: str | None,
    times: Times,
    semantics: Semantics,
    problems: Problems,
) -> Backtest:
    """Replays rule groups on a recording, and scores them where a file of incidents is given."""
    known = read_incidents(incidents, problems) if incidents else None
    verdict = backtest(groups, recording, known, times.start, times.end, semantics)
    problems.extend(verdict.problems)
    return verdict


def page(verdict: Backtest, groups: Sequence[RuleGroup], recording: Recording, semantics: Semantics) -> str:
    """The HTML report: the verdict, and what every alert compared."""
    compared = traces(verdict, groups, recording, semantics)
    return html.render(verdict, compared, recorded(recording, verdict.window, semantics))


def answer(
    exprs: Sequence[Text],
    recording: Recording,
    times: Times,
    semantics: Semantics,
    problems: Problems,
    *,
    as_json: bool,
) -> Iterator[str]:
    """The lines that answer each expression; one that fails is a problem, and in JSON a line of its own."""
    for text in exprs:
        try:
            expr = parse(text)
            result = _evaluate(expr, recording, times, semantics)
        except ProblemError as error:
            problems.add(error.problem)
            if as_json:
                yield query.to_error(error.problem)
            continue
        if as_json:
            yield query.to_json(result.frame, value_type(expr), instant=times.step is None)
        else:
            yield from query.to_text(result.frame)


def _evaluate(expr: Expr, recording: Recording, times: Times, semantics: Semantics) -> Result:
    first, last = recording.extent
    if times.step is None:
        start = end = last if times.start is None else times.start
    else:
        start, end = first if times.start is None else times.start, last if times.end is None else times.end
    result = evaluate_range(expr, recording, start, end, times.step or 1, semantics)
    if result.failures:
        raise ProblemError(result.failures[0].problem)
    return result


def read_expressions(path: Path) -> list[Text]:
    """The expressions of a file, one a line; empty lines and lines that begin with `#` are left out."""
    source = read_source(path)
    found, at = [], 0
    for line in source.text.split("\n"):
        if line.strip() and not line.lstrip().startswith("#"):
            found.append(Text(line, source.span(at, at + len(line)), range(at, at + len(line))))
        at += len(line) + 1
    return found


def read_time(option: str, text: str | None) -> int | None:
    """A time of the command line; raises ProblemError."""
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError as error:
        span = Text.of(text, f"--{option}").span
        raise ProblemError(Problem("input/time", f"`{text}` is not a time: {error}", span)) from None
