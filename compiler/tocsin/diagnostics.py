"""Where a value stands in a file, and what is wrong with it: one type of problem, rendered in one place."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Source:
    """A text that positions refer to: a whole file, or the piece of a large one that starts at `first_line`."""

    path: str
    text: str
    first_line: int = 1

    def position(self, offset: int) -> tuple[int, int]:
        """The line and column, both from 1, of the character at `offset`."""
        starts = _line_starts(self.text)
        index = bisect_right(starts, max(offset, 0)) - 1
        return self.first_line + index, offset - starts[index] + 1

    def line(self, number: int) -> str:
        """The text of line `number`, without its line break."""
        starts = _line_starts(self.text)
        index = number - self.first_line
        if not 0 <= index < len(starts):
            return ""
        end = self.text.find("\n", starts[index])
        return self.text[starts[index] : None if end < 0 else end].rstrip("\r")

    def span(self, start: int = 0, end: int | None = None) -> Span:
        """The span from `start` to `end` (one character where no end is given)."""
        return Span(self, start, start + 1 if end is None else end)


@lru_cache(maxsize=8)
def _line_starts(text: str) -> list[int]:
    """The offset of each line's first character. The problems of a file are asked for one after the other."""
    starts = [0]
    while at := text.find("\n", starts[-1]) + 1:
        starts.append(at)
    return starts


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) of a source."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    @property
    def last_line(self) -> int:
        return self.source.position(max(self.start, self.end - 1))[0]

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def __contains__(self, other: Span) -> bool:
        """Whether another span of the same file lies in this one."""
        return self.source.path == other.source.path and self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True)
class Text:
    """A string that was read from a file, and for each of its characters the offset where it stands there.

    The offsets differ from a plain range where YAML folds lines, indents a block or decodes an escape.
    """

    value: str
    span: Span
    offsets: Sequence[int]

    @staticmethod
    def of(value: str, path: str = "<expression>") -> Text:
        """A text that is a source of its own, such as an argument of the command line."""
        source = Source(path, value)
        return Text(value, source.span(0, len(value)), range(len(value)))

    def at(self, start: int, end: int) -> Span:
        """The span in the file of characters `start` to `end` of the value."""
        if not self.offsets:
            return self.span
        last = len(self.offsets) - 1
        first = self.offsets[min(max(start, 0), last)]
        return Span(self.span.source, first, max(first, self.offsets[min(max(end - 1, start, 0), last)]) + 1)


class Severity(StrEnum):
    """What a problem means for the command: an error fails it, the others only inform."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    def fails(self, least: Severity) -> bool:
        """Whether it is as urgent as `least`, or more.

        >>> Severity.WARNING.fails(Severity.INFO), Severity.WARNING.fails(Severity.ERROR)
        (True, False)
        """
        order = list(Severity)
        return order.index(self) <= order.index(least)


@dataclass(frozen=True, slots=True)
class Fix:
    """The one safe answer to a problem: `replacement` for the characters of `span`."""

    span: Span
    replacement: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a place.

    `code` is `group/name`; the group `input` is for what could not be read at all. `label` stands beside the
    caret, `help` says what to write instead, and `fix` does so where there is but one safe answer. `numbers` decided
    it, by name, in base units. `about` are the parts of files that it is said of, such as a whole alert.
    """

    code: str
    message: str
    span: Span
    label: str = ""
    help: str = ""
    severity: Severity = Severity.ERROR
    fix: Fix | None = None
    numbers: Mapping[str, float] = field(default_factory=dict, compare=False)
    about: tuple[Span, ...] = field(default=(), compare=False)


class ProblemError(Exception):
    """Raised where reading cannot go on; carries the problem to show."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Problems:
    """The problems of one run, in the order of their places, each once."""

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self._found: dict[Problem, None] = dict.fromkeys(problems)

    def add(self, problem: Problem) -> None:
        self._found[problem] = None

    def extend(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.add(problem)

    def __iter__(self) -> Iterator[Problem]:
        return iter(sorted(self._found, key=lambda p: (p.span.source.path, p.span.line, p.span.start, p.code)))

    def __len__(self) -> int:
        return len(self._found)

    @property
    def errors(self) -> int:
        return sum(problem.severity is Severity.ERROR for problem in self._found)

    @property
    def exit_code(self) -> int:
        """0 where no problem is an error, 2 where an input could not be read, else 1."""
        return self.exit_code_at(Severity.ERROR)

    def exit_code_at(self, fail_on: Severity) -> int:
        """The exit code where problems of the severity `fail_on`, and more urgent ones, fail a command."""
        errors = (problem for problem in self._found if problem.severity is Severity.ERROR)
        if any(problem.code.startswith("input/") for problem in errors):
            return 2
        return int(any(problem.severity.fails(fail_on) for problem in self._found))


def printable(text: str) -> str:
    """`text` with control, format and surrogate characters made visible, so that it cannot drive a terminal.

    >>> printable("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    if text.isprintable():
        return text
    return "".join(
        char if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else ascii(char)[1:-1] for char in text
    )


def render(problem: Problem) -> str:
    """The problem as text: a line that editors parse, the line of the file with a caret, and the help."""
    span = problem.span
    line, column = span.source.position(span.start)
    place = f"{printable(span.source.path)}:{line}:{column}"
    head = f"{place}: {problem.severity}[{problem.code}]: {printable(problem.message)}"
    return "\n".join([head, *_excerpt(span, line, column, problem.label), *_help(problem.help)])


_WIDTH = 120


def _excerpt(span: Span, line: int, column: int, label: str) -> list[str]:
    text = span.source.line(line)
    if not text.strip():
        return [f"   {printable(label)}"] if label else []
    length = max(1, min(span.end - span.start, len(text) - column + 1))
    first = max(0, column - 1 - _WIDTH // 2) if len(text) > _WIDTH else 0
    before, marked = text[first : column - 1], text[column - 1 : column - 1 + length]
    shown = printable(text[first : first + _WIDTH].replace("\t", " "))
    caret = " " * len(printable(before.replace("\t", " "))) + "^" * max(1, len(printable(marked[:_WIDTH])))
    return [f"{line:5} | {shown}", f"      | {caret[:_WIDTH]} {printable(label)}".rstrip()]


def _help(text: str) -> list[str]:
    return [f"   help: {printable(text)}"] if text else []
