"""Rules that read each other in a circle, evaluated one after the other, each seeing what was recorded before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tocsin.alerts.clock import Clock
from tocsin.alerts.dependencies import Key
from tocsin.alerts.recorded import Names, Overlay, Recorder, merged
from tocsin.alerts.track import Track
from tocsin.diagnostics import Problem, ProblemError
from tocsin.engine.evaluate import evaluate
from tocsin.engine.semantics import Grid, Semantics
from tocsin.promql.ast import Matcher
from tocsin.series import Recording, Series
from tocsin.sources.memory import MemoryRecording

_AHEAD = 6 * 3_600_000
"""Milliseconds of a recording that are read at once, so that every step need not ask it."""


@dataclass(slots=True)
class Present:
    """What the rule sees that is evaluated now: of each writer, what stands `until` a time."""

    base: Recording
    names: Names
    writers: Sequence[tuple[Recorder, int]] = ()
    is_over: bool = False

    @property
    def extent(self) -> tuple[int, int]:
        return self.base.extent

    def read(self, matchers: Sequence[Matcher], start: int, end: int) -> Series:
        """The series that all matchers accept, with their samples from `start` to `end`, both inclusive."""
        return Overlay(self.base, self._written, self.names).read(matchers, start, end)

    def _written(self, matchers: Sequence[Matcher], start: int, end: int) -> Series:
        return merged(writer.between(matchers, start, min(end, until)) for writer, until in self.writers)


@dataclass(slots=True)
class ReadAhead:
    """A recording that is asked step by step, and read in longer stretches, `until` the last time that is needed."""

    base: Recording
    until: int
    _held: dict[tuple[Matcher, ...], tuple[int, int, MemoryRecording]] = field(default_factory=dict)

    @property
    def extent(self) -> tuple[int, int]:
        return self.base.extent

    def read(self, matchers: Sequence[Matcher], start: int, end: int) -> Series:
        """The series that all matchers accept, with their samples from `start` to `end`, both inclusive."""
        first, last, held = self._held.get(tuple(matchers), (0, -1, None))
        if held is None or not first <= start <= end <= last:
            last = max(end, min(end + _AHEAD, self.until))
            held = MemoryRecording(self.base.read(matchers, start, last))
            self._held[tuple(matchers)] = (start, last, held)
        return held.read(matchers, start, end)


@dataclass(frozen=True, slots=True)
class Writer:
    """A rule that others see: when it is evaluated, and what it has recorded so far."""

    clock: Clock
    recorder: Recorder

    def until(self, time: int, late: bool) -> int:
        """The last time at which samples may stand that it had recorded at `time`, or, `late`, before that."""
        return time - self.clock.shift - late


def step_through(
    tracks: Mapping[Key, Track], writers: Mapping[Key, Mapping[Key, Writer]], present: Present, semantics: Semantics
) -> None:
    """Evaluate rules at all their times, in the order of time and then of the rules.

    `writers` are those that each of them sees. Raises RefusedError where the engine refuses one.
    """
    moments = sorted(
        (time, key) for key, track in tracks.items() for life in track.lives for time in life.times.tolist()
    )
    read = {writer for own in writers.values() for writer in own}
    for time, key in moments:
        track = tracks[key]
        present.writers = [(own.recorder, own.until(time, key <= other)) for other, own in sorted(writers[key].items())]
        at = time - track.clock.shift
        try:
            for (result,) in evaluate([track.rule.expr], present, Grid(at, at, 1), semantics):
                track.take(result)
        except ProblemError as error:
            raise RefusedError(key, error.problem) from None
        if key in read:
            track.record_states(time)
    present.is_over = True


class RefusedError(ProblemError):
    """Carries the rule that cannot be evaluated, beside the problem."""

    def __init__(self, key: Key, problem: Problem) -> None:
        super().__init__(problem)
        self.key = key
