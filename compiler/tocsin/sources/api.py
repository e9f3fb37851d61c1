"""What a kind of recording must offer to be found: how to tell it by its content, and how to read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from tocsin.diagnostics import Problem, ProblemError, Severity, Source
from tocsin.promql.ast import Matcher
from tocsin.registry import Registry
from tocsin.series import Recording
from tocsin.sources.runs import Piece, Tally


class OpenedRecording(Recording, Protocol):
    """A recording, and what reading it found that is not an error."""

    @property
    def problems(self) -> tuple[Problem, ...]: ...


@runtime_checkable
class Selective(Protocol):
    """A recording that is too large to be read as a whole."""

    def restrict(self, selectors: Iterable[tuple[Matcher, ...]]) -> None:
        """From now on, what is read without any matcher is what these selectors select."""
        ...


@runtime_checkable
class Piecewise(Protocol):
    """A recording that knows how much of it is best read at a time."""

    def pieces(self, matchers: Sequence[Matcher], start: int, end: int) -> Iterator[Piece]:
        """Pieces that together are all of the time from `start` to `end`, each once, earlier ones first."""
        ...

    def tell(self, tally: Tally) -> tuple[Problem, ...]:
        """What is to be said of this source, and of samples with that tally."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of recording.

    `accepts` sees the path and the first bytes, decompressed (none for a folder); `looks` tells people what this
    kind looks like. Of a URL only its scheme decides, which must be one of `schemes`.
    """

    name: str
    looks: str
    accepts: Callable[[str, bytes], bool]
    read: Callable[[str], OpenedRecording]
    schemes: tuple[str, ...] = ()


KINDS: Registry[Kind] = Registry("kind of recording")


def refuse(code: str, path: str, message: str, help: str = "") -> ProblemError:
    """A problem with a file as a whole."""
    return ProblemError(Problem(f"input/{code}", message, Source(path, "").span(0, 0), help=help))


def warning(code: str, path: str, message: str, help: str = "") -> Problem:
    """What is odd about a file or a server as a whole."""
    return Problem(f"input/{code}", message, Source(path, "").span(0, 0), help=help, severity=Severity.WARNING)


def refuse_line(
    code: str, path: str, number: int, line: str, place: tuple[int, int], message: str, help: str = ""
) -> ProblemError:
    """A problem with characters `place` of line `number`."""
    span = Source(path, line, number).span(*place)
    return ProblemError(Problem(f"input/{code}", message, span, help=help))
