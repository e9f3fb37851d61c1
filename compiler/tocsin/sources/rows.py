"""Rows of a text file, as they are read, to a recording: texts until a block is full, numbers from then on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias, TypeVar

import numpy as np

from tocsin.diagnostics import Problem, ProblemError, Severity, Source
from tocsin.labels import Labels
from tocsin.series import Times, Values
from tocsin.sources.api import refuse, refuse_line
from tocsin.sources.blocks import line_at
from tocsin.sources.memory import Columns, Disorder, MemoryRecording, Rows, sort
from tocsin.sources.numbers import NotANumberError, parse_times, parse_values
from tocsin.sources.time import LATEST

Column = TypeVar("Column", Values, Times)

Locate: TypeAlias = Callable[[str, str, str], tuple[int, int]]
"""Where in a line the `value` or the `timestamp` with a given text stands."""


class SampleRows:
    """Samples of one file; `series`, `values`, `times` and `lines` are the columns of the block being read."""

    def __init__(self, path: str, locate: Locate) -> None:
        self.path = path
        self._locate = locate
        self._indices: dict[Labels, int] = {}
        self._blocks: list[tuple[Rows, Values, Times, Rows]] = []
        self.series: list[int] = []
        self.values: list[bytes] = []
        self.times: list[bytes] = []
        self.lines: list[int] = []

    def index(self, labels: Labels) -> int:
        """The number of a series, a new one where it was not seen before."""
        return self._indices.setdefault(labels, len(self._indices))

    def flush(self) -> None:
        """Turn the block that was read into numbers."""
        if not self.series:
            return
        block = (
            np.array(self.series, dtype=np.int64),
            self._numbers("value", self.values, parse_values),
            self._numbers("timestamp", self.times, parse_times),
            np.array(self.lines, dtype=np.int64),
        )
        self._blocks.append(block)
        for column in (self.series, self.values, self.times, self.lines):
            column.clear()

    def columns(self) -> Columns:
        """All samples that were read; refuses a file without any."""
        self.flush()
        if not self._blocks:
            raise refuse("not-a-recording", self.path, "holds no samples")
        series, values, times, lines = (np.concatenate(column) for column in zip(*self._blocks, strict=True))
        return Columns(tuple(self._indices), series, times, values, lines)

    def _numbers(self, what: str, texts: Sequence[bytes], parse: Callable[[Sequence[bytes]], Column]) -> Column:
        try:
            return parse(texts)
        except NotANumberError as error:
            number, text = self.lines[error.index], texts[error.index].decode("utf-8", "replace")
            line = line_at(self.path, number)
            place = self._locate(line, what, text)
            message = f"bad {what} `{text}`: {error}" if text else "a value or a timestamp is missing"
            raise refuse_line("bad-sample", self.path, number, line, place, message) from None


def to_recording(path: str, columns: Columns, problems: Sequence[Problem] = ()) -> MemoryRecording:
    """Samples sorted into series; refuses those that go back in time.

    Of several samples of a series at one time the first is kept, as a scrape keeps it, and a warning tells.
    """
    if (late := columns.times >= LATEST * 1000).any():
        message = "the timestamp is after the year 5000: write Unix seconds, not milliseconds"
        raise ProblemError(_problem(path, "bad-sample", int(columns.lines[late][0]), message))
    result = sort(columns)
    if result.backward:
        raise ProblemError(_disorder(path, result.backward, "older than the one before in the same series"))
    warnings = [
        replace(_disorder(path, found, what), severity=Severity.WARNING)
        for found, what in (
            (result.contradicting, "dropped: the series has another value at that time"),
            (result.repeated, "given more than once"),
        )
        if found is not None
    ]
    return MemoryRecording(result.series, (*problems, *warnings))


def _disorder(path: str, found: Disorder, what: str) -> Problem:
    samples = f"{found.count:,} sample{'s are' if found.count > 1 else ' is'}"
    return _problem(path, "out-of-order", found.line, f"{samples} {what}; this is the first")


def _problem(path: str, name: str, number: int, message: str) -> Problem:
    line = line_at(path, number)
    return Problem(f"input/{name}", message, Source(path, line, number).span(0, len(line)))
