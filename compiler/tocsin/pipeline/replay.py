"""Rule groups and a recording to a verdict, and expressions to values: the half that knows samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tocsin.alerts.reach import sample_times, stretches
from tocsin.backtest.incidents import read_incidents
from tocsin.backtest.model import Backtest
from tocsin.backtest.run import backtest
from tocsin.backtest.trace import Span, Trace, trace
from tocsin.diagnostics import Problem, ProblemError, Problems, Text
from tocsin.document import read_source
from tocsin.engine.evaluate import evaluate_range
from tocsin.engine.semantics import Result, Semantics
from tocsin.functions.values import Compat
from tocsin.promql.ast import Expr, value_type
from tocsin.promql.parse import parse
from tocsin.report import html, query
from tocsin.rules import RuleGroup
from tocsin.series import Frame, Recording
from tocsin.sources.open import OpenedRecording, open_recording
from tocsin.sources.time import parse_time


@dataclass(frozen=True, slots=True)
class Replayed:
    """A verdict, and what it was reached on."""

    verdict: Backtest
    recording: Recording
    semantics: Semantics


def semantics(compat: Compat, interval: int) -> Semantics:
    """The semantics of a Prometheus whose default evaluation interval is `interval` milliseconds."""
    return Semantics(compat=compat, evaluation_interval=interval)


def replay(
    groups: Sequence[RuleGroup],
    data: str,
    incidents: str | None,
    window: tuple[int | None, int | None],
    rules: Semantics,
    problems: Problems,
) -> Replayed:
    """Replays rule groups on the recording at `data`; raises ProblemError where it cannot be read."""
    recording = _open(data, problems)
    known = read_incidents(incidents, problems) if incidents else None
    verdict = backtest(groups, recording, known, *window, semantics=rules)
    problems.extend(verdict.problems)
    return Replayed(verdict, recording, rules)


def _open(data: str, problems: Problems) -> OpenedRecording:
    recording = open_recording(data)
    problems.extend(recording.problems)
    return recording


def report_page(replayed: Replayed) -> str:
    """The HTML report: the verdict, and what every alert compared."""
    window, rules = replayed.verdict.window, replayed.semantics
    samples = sample_times(replayed.recording, window.start - rules.lookback, window.end)
    recorded = stretches(samples, rules.lookback, window.start, window.end)
    return html.render(replayed.verdict, _traces(replayed, recorded), recorded)


def _traces(replayed: Replayed, recorded: Sequence[Span]) -> Iterator[Trace]:
    def evaluate(expr: Expr, start: int, end: int) -> Frame:
        return evaluate_range(expr, replayed.recording, start, end, step, replayed.semantics).frame

    step = replayed.verdict.window.step
    spans = [(-(-start // step) * step, end) for start, end in recorded]
    aligned = [span for span in spans if span[0] <= span[1]]
    for rule in replayed.verdict.rules:
        found = trace(rule.group, rule.rule, aligned, step, evaluate)
        if found is not None:
            yield found


@dataclass(frozen=True, slots=True)
class Times:
    """When a query is evaluated, in Unix milliseconds: at `start` alone where there is no step."""

    start: int | None = None
    end: int | None = None
    step: int | None = None


def answer(exprs: Sequence[Text], data: str, times: Times, rules: Semantics, problems: Problems, *, as_json: bool) -> Iterator[str]:
    """The lines that answer each expression; one that fails is a problem, and in JSON a line of its own."""
    recording = _open(data, problems)
    for text in exprs:
        try:
            expr = parse(text)
            result = _evaluate(expr, recording, times, rules)
        except ProblemError as error:
            problems.add(error.problem)
            if as_json:
                yield query.to_error(error.problem)
        else:
            lines = query.to_text(result.frame)
            yield from [query.to_json(result.frame, value_type(expr), instant=times.step is None)] if as_json else lines


def _evaluate(expr: Expr, recording: Recording, times: Times, rules: Semantics) -> Result:
    first, last = recording.extent
    start = times.start if times.start is not None else first if times.step else last
    end = start if times.step is None else times.end if times.end is not None else last
    result = evaluate_range(expr, recording, start, end, times.step or 1, rules)
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
