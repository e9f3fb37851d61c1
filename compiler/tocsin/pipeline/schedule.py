"""What the command line says of a server's clock to the times at which groups are evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tocsin.alerts.clock import Outage
from tocsin.alerts.replay import Schedule
from tocsin.diagnostics import Problem, ProblemError, Text
from tocsin.duration import parse_duration
from tocsin.pipeline.data import read_time


def read_schedule(offset: str, outages: Sequence[str]) -> Schedule:
    """`auto` or a duration, and outages as START/END; raises ProblemError."""
    found = sorted(map(_outage, outages), key=lambda outage: outage.start)
    for before, after in pairwise(found):
        if after.start < before.end:
            raise _refused("outage", "/".join(outages), "one outage begins before another is over")
    return Schedule(_offset(offset), tuple(found))


def _offset(text: str) -> int | None:
    if text == "auto":
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise _refused("evaluation-offset", text, f"`{text}` is neither `auto` nor a duration: {error}") from None


def _outage(text: str) -> Outage:
    start, slash, end = text.partition("/")
    times = (read_time("outage", start), read_time("outage", end)) if slash else (None, None)
    if times[0] is None or times[1] is None:
        raise _refused("outage", text, f"`{text}` is not a start and an end with a `/` between them")
    if times[1] < times[0]:
        raise _refused("outage", text, f"`{text}` ends before it starts")
    return Outage(times[0], times[1])


def _refused(option: str, text: str, message: str) -> ProblemError:
    return ProblemError(Problem("input/schedule", message, Text.of(text, f"--{option}").span))
