"""Rule groups and a source to a recording of what the rules read, resumed where it was begun before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tocsin.diagnostics import Problem, ProblemError, Problems, Severity, Source, Text
from tocsin.duration import parse_duration
from tocsin.engine.semantics import Semantics
from tocsin.pipeline.limits import check_times
from tocsin.record.partial import Asked, Partial, check_same
from tocsin.record.run import Recorded, Tell, assemble, fetch
from tocsin.record.target import Target, partial_of, target_of
from tocsin.record.wanted import Wanted, wanted
from tocsin.rules import RuleGroup
from tocsin.sources.api import OpenedRecording, Piecewise, refuse
from tocsin.sources.http.access import masked
from tocsin.sources.open import open_recording
from tocsin.sources.runs import Tally
from tocsin.sources.time import parse_time


@dataclass(frozen=True, slots=True)
class Order:
    """What to record: from where, from when to when as it was given (`now` in Unix milliseconds), and to where."""

    source: str
    since: str
    until: str
    now: int
    out: str
    restart: bool = False


def record(groups: Sequence[RuleGroup], order: Order, semantics: Semantics, problems: Problems, tell: Tell) -> Recorded:
    """Record what rules read. What is fetched is kept, so that the same order goes on after an interruption.

    Raises ProblemError where that cannot be done, OSError where it cannot be written.
    """
    target = _target(order.out)
    folder = partial_of(target)
    begun = None if order.restart else Partial.resume(folder)
    start, end = _window(order, begun)
    wants, told = wanted(groups, start, end, semantics)
    problems.extend(told)
    if not wants:
        raise refuse("nothing", order.out, "these rules read no series")
    selectors = tuple((want.selector, want.start, want.end) for want in wants)
    asked = Asked(_name(order.source), order.since, order.until, start, end, selectors)
    if begun is not None:
        check_same(begun, asked)
    source = open_recording(order.source)
    partial = begun or Partial.begin(folder, asked)
    partial.run()
    try:
        fetch(wants, source, partial, tell)
    except ProblemError:
        problems.add(_kept(partial))
        problems.extend(_told(source, partial.tally))
        raise
    if not partial.samples:
        partial.remove()
        raise refuse("nothing", asked.source, "has no samples of what these rules read in that time")
    recorded = assemble(wants, partial, target)
    problems.extend(_told(source, recorded.tally))
    problems.extend(_without_series(list(recorded.missing(wants)), asked.source))
    partial.remove()
    return recorded


def _target(out: str) -> Target:
    target = target_of(out)
    if target is None:
        raise refuse(
            "output",
            out,
            "is neither a file of Parquet or Arrow nor a folder",
            "write FILE.parquet, FILE.arrow, or DIR/ for blocks",
        )
    return target


def _window(order: Order, begun: Partial | None) -> tuple[int, int]:
    """From when to when to record; where the same was begun before, what that meant then."""
    if begun is not None and (begun.asked.since, begun.asked.until) == (order.since, order.until):
        return begun.asked.start, begun.asked.end
    start = _moment("since", order.since, order.now)
    end = _moment("until", order.until, order.now) if order.until else order.now
    check_times(start, end, end - start or 1)
    return start, end


def _moment(option: str, text: str, now: int) -> int:
    """A time, or a duration before now."""
    try:
        return now - parse_duration(text)
    except ValueError:
        pass
    try:
        return parse_time(text)
    except ValueError:
        message = f"`{text}` is neither a duration, such as `30d`, nor a time, such as `2026-03-04T05:06:07Z`"
        raise ProblemError(Problem("input/time", message, Text.of(text, f"--{option}").span)) from None


def _name(source: str) -> str:
    return masked(source) if "://" in source else source


def _kept(partial: Partial) -> Problem:
    message = f"{partial.samples:,} samples are kept here: the same command goes on where this one ended"
    return _note("kept", str(partial.folder), message)


def _told(source: OpenedRecording, tally: Tally) -> Iterator[Problem]:
    """What is to be said of a source, and of the samples of all runs."""
    yield from source.tell(tally) if isinstance(source, Piecewise) else source.problems


def _without_series(wants: Sequence[Wanted], source: str) -> Iterator[Problem]:
    if wants:
        selectors = list(dict.fromkeys(want.selector for want in wants))
        names = ", ".join(f"`{one}`" for one in selectors[:_SHOWN]) + (", ..." if len(selectors) > _SHOWN else "")
        yield _note("no-series", source, f"has no series that the rules read as {names}")


_SHOWN = 20


def _note(code: str, path: str, message: str) -> Problem:
    return Problem(f"record/{code}", message, Source(path, "").span(0, 0), severity=Severity.INFO)
