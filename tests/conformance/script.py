"""A `.test` script to its commands: `load`, `clear` and `eval` (prometheus promql/promqltest/README.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from tests.conformance.values import Sample, durations, milliseconds, number, samples

from tocsin.labels import NAME, Labels, from_mapping
from tocsin.promql.ast import String, VectorSelector
from tocsin.promql.parse import parse


@dataclass(frozen=True, slots=True)
class Load:
    """Series of samples every `step` milliseconds from 0; `starts` are their start timestamps, relative to them."""

    line: int
    step: int
    series: tuple[tuple[Labels, list[Sample | None]], ...]
    starts: tuple[tuple[Labels, list[int | None]], ...]
    to_histograms: bool


@dataclass(frozen=True, slots=True)
class Clear:
    line: int


@dataclass(frozen=True, slots=True)
class Fails:
    """That an evaluation fails; with which message, or one that a regular expression finds."""

    message: str | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Eval:
    """An expression and what it must give. `step` is None for an instant query, whose `end` is its `start`.

    `result` is a scalar, a string, or series; `grid` the times of an expected range vector.
    """

    line: int
    expr: str
    start: int
    end: int
    step: int | None
    result: float | str | tuple[tuple[Labels, list[Sample | None]], ...]
    fails: Fails | None = None
    ordered: bool = False
    grid: tuple[int, int, int] | None = None


Command: TypeAlias = Load | Clear | Eval


class ScriptError(Exception):
    """A script that is none: what is wrong, and in which line."""


_LOAD = re.compile(r"load(?P<nhcb>_with_nhcb)?\s+(?P<step>\S+)")
_INSTANT = re.compile(r"eval(?:_(?P<kind>fail|warn|ordered|info))?\s+instant\s+(?:at\s+(?P<at>\S+)\s+)?(?P<expr>.+)")
_RANGE = re.compile(
    r"eval(?:_(?P<kind>fail|warn|info))?\s+range\s+from\s+(?P<from>\S+)\s+to\s+(?P<to>\S+)"
    r"\s+step\s+(?P<step>\S+)\s+(?P<expr>.+)"
)
_EXPECT = re.compile(r"expect\s+(?P<what>\w+)(?:\s+(?P<kind>msg|regex):\s*(?P<text>.*)|\s+(?P<rest>.*))?")
_GRID = re.compile(r"vector from (\S+) to (\S+) step (\S+)")
_LEGACY = re.compile(r"expected_fail_(?P<kind>message|regexp)\s+(?P<text>.*)")
_SCALAR = re.compile(r"[-+]?(?:[\d.][\w.+-]*|Inf|NaN)")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`|[{}]")

Line: TypeAlias = tuple[int, str]


def read(path: Path) -> list[Command]:
    """The commands of a script, in their order. Raises ScriptError."""
    return list(commands(path.read_text(encoding="utf-8")))


def commands(text: str) -> Iterator[Command]:
    for (line, head), *block in _blocks(text):
        try:
            yield _command(line, head, block)
        except ValueError as error:
            raise ScriptError(f"{line}: {error}") from error


def _blocks(text: str) -> Iterator[list[Line]]:
    """A command and the lines up to the next empty one; a line that is a comment counts as empty."""
    block: list[Line] = []
    for number_, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if line and not line.startswith("#"):
            block.append((number_, line))
        elif block:
            yield block
            block = []
        if block and block[0][1] == "clear":
            yield block
            block = []
    if block:
        yield block


def _command(line: int, head: str, block: Sequence[Line]) -> Command:
    if head == "clear":
        return Clear(line)
    if found := _LOAD.fullmatch(head):
        written = [_series(text) for _line, text in block]
        return Load(
            line,
            milliseconds(found["step"]),
            tuple((labels, samples(rest)) for labels, started, rest in written if not started),
            tuple((labels, durations(rest)) for labels, started, rest in written if started),
            found["nhcb"] is not None,
        )
    if found := _INSTANT.fullmatch(head):
        at = milliseconds(found["at"] or "0")
        return _eval(Eval(line, found["expr"], at, at, None, ()), found["kind"], block)
    if found := _RANGE.fullmatch(head):
        start, end, step = (milliseconds(found[name]) for name in ("from", "to", "step"))
        return _eval(Eval(line, found["expr"], start, end, step, ()), found["kind"], block)
    raise ValueError(f"no command: {head}")


@dataclass(slots=True)
class _Expected:
    """What the lines below an eval say, as far as they were read."""

    fails: Fails | None
    ordered: bool
    result: float | str | None = None
    grid: tuple[int, int, int] | None = None
    series: list[tuple[Labels, list[Sample | None]]] = field(default_factory=list)


def _eval(bare: Eval, kind: str | None, block: Sequence[Line]) -> Eval:
    expected = _Expected(Fails() if kind == "fail" else None, kind == "ordered")
    for _line, text in block:
        if found := _EXPECT.fullmatch(text):
            _expect(found, expected)
        elif found := _LEGACY.fullmatch(text):
            expected.fails = _fails(found["kind"], found["text"])
        elif len(block) == 1 and _SCALAR.fullmatch(text):
            expected.result = number(text)
        else:
            labels, _started, rest = _series(text)
            expected.series.append((labels, samples(rest)))
    result = tuple(expected.series) if expected.result is None else expected.result
    return Eval(
        bare.line,
        bare.expr,
        bare.start,
        bare.end,
        bare.step,
        result,
        expected.fails,
        expected.ordered,
        expected.grid,
    )


def _expect(found: re.Match[str], expected: _Expected) -> None:
    what, rest = found["what"], found["rest"] or ""
    if what == "fail":
        expected.fails = _fails(found["kind"], found["text"])
    elif what == "ordered":
        expected.ordered = True
    elif what == "string":
        literal = parse(rest)
        assert isinstance(literal, String)
        expected.result = literal.value
    elif what == "range" and (grid := _GRID.fullmatch(rest)):
        start, end, step = map(milliseconds, grid.groups())
        expected.grid = start, end, step
    elif what not in ("warn", "no_warn", "info", "no_info"):
        raise ValueError(f"no expectation: {found.group()}")


def _fails(kind: str | None, text: str | None) -> Fails:
    if kind in ("msg", "message"):
        return Fails(message=text)
    return Fails(pattern=text) if kind in ("regex", "regexp") else Fails()


def _series(text: str) -> tuple[Labels, bool, str]:
    """The labels at the start of a line, whether `@st` follows them, and the rest."""
    end = _end_of_metric(text)
    metric, rest = text[:end], text[end:]
    started = rest.startswith("@st")
    return _labels(metric), started, rest.removeprefix("@st") if started else rest


def _end_of_metric(text: str) -> int:
    name = re.match(r"[a-zA-Z_:][\w:]*", text)
    start = name.end() if name else 0
    if text[start : start + 1] != "{":
        if not name:
            raise ValueError(f"no series: {text}")
        return start
    for found in _QUOTED.finditer(text, start + 1):
        if found.group() == "}":
            return found.end()
    raise ValueError(f"an open brace: {text}")


def _labels(metric: str) -> Labels:
    if metric == "{}":
        return ()
    selector = parse(metric)
    if not isinstance(selector, VectorSelector) or any(matcher.op != "=" for matcher in selector.matchers):
        raise ValueError(f"no series: {metric}")
    labels = {matcher.label: matcher.value for matcher in selector.matchers}
    return from_mapping(labels if selector.name is None else {NAME: selector.name, **labels})
