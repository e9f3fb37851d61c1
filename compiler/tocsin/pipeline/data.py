"""What the command line says of data and times to a recording and moments: all that a query needs of this half."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.diagnostics import Problem, ProblemError, Problems, Text
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


def read_time(option: str, text: str | None) -> int | None:
    """A time of the command line; raises ProblemError."""
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError as error:
        span = Text.of(text, f"--{option}").span
        raise ProblemError(Problem("input/time", f"`{text}` is not a time: {error}", span)) from None
