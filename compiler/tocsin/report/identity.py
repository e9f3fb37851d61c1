"""A problem to what it is known by wherever its lines move to: for baselines, and for services that keep problems."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from tocsin.diagnostics import Problem
from tocsin.report.paths import relative


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """What a problem is known by: its code, its file, the first line of what it is about, its own line and message.

    White space, and the numbers of a message (of lines, and of what stands elsewhere), do not count.
    """

    path: str
    code: str
    about: str
    line: str
    message: str

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits."""
        return sha256("\0".join((self.path, self.code, self.about, self.line, self.message)).encode()).hexdigest()[:16]


def identity(problem: Problem, folder: str | None = None) -> Identity:
    """What a problem is known by, with its path as seen from a folder (the current one)."""
    span = problem.span
    about = problem.about[0] if problem.about else span
    return Identity(
        _encodable(relative(span.source.path, folder)),
        problem.code,
        _line(about.source.line(about.line)),
        _line(span.source.line(span.line)),
        _encodable(re.sub(r"\d+", "#", " ".join(problem.message.split()))),
    )


def _line(text: str) -> str:
    return _encodable(" ".join(text.split()))


def _encodable(text: str) -> str:
    """The text without lone surrogates, which the name of a file can hold."""
    return text.encode(errors="backslashreplace").decode()


def numbered(problems: Iterable[Problem]) -> Iterator[tuple[Problem, str]]:
    """Each problem with a fingerprint of its own: those that are known by the same are counted in their order."""
    seen: Counter[Identity] = Counter()
    for problem in problems:
        known = identity(problem)
        seen[known] += 1
        yield problem, f"{known.fingerprint}:{seen[known]}"
