"""Rule groups over a recording to timelines, evaluated as Prometheus would have, column by column."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from tocsin.alerts.clock import evaluation_times
from tocsin.alerts.dependencies import could_read, order, reads, recorded_names, unknown_names, where
from tocsin.alerts.machine import AlertMachine
from tocsin.alerts.reach import covering_times, in_reach, reach
from tocsin.alerts.recorded import Overlay, Recorder, merged
from tocsin.alerts.result import evaluations, failures, last_results
from tocsin.alerts.texts import Found, Texts
from tocsin.alerts.timeline import Episode, Failure, Timeline
from tocsin.diagnostics import Problem, ProblemError, Severity
from tocsin.engine.evaluate import evaluate
from tocsin.engine.read import needs
from tocsin.engine.semantics import Grid, Result, Semantics
from tocsin.labels import Labels
from tocsin.promql.ast import Expr, VectorSelector
from tocsin.rules import AlertingRule, RecordingRule, Rule, RuleGroup
from tocsin.series import Frame, Recording, Times

_WORTH_SKIPPING = 100
"""Steps without data that cost more than starting the engine once more, which takes about a millisecond."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The timelines of the alerting rules, in the order of the groups, and what was left out or failed.

    `sources` are what the rules of each group read: the recording, with what the group recorded in it.
    """

    timelines: tuple[Timeline, ...]
    problems: tuple[Problem, ...]
    sources: tuple[Recording, ...]


def replay(groups: Sequence[RuleGroup], recording: Recording, start: int, end: int, semantics: Semantics) -> Replay:
    """Evaluate every group at its multiples of its interval from `start` to `end`, both inclusive, in milliseconds.

    A group without an interval has `semantics.evaluation_interval`. Nothing is known of before `start`: alerts begin
    inactive, and recorded series empty, as if Prometheus had started then.
    """
    done = []
    exprs = [rule.expr for group in groups for rule in group.rules]
    late = max((group.query_offset or 0 for group in groups), default=0)
    since = min((need.start for expr in exprs for need in needs(expr, start, end, semantics)), default=start) - late
    samples = covering_times(recording, since, end, exprs, semantics.lookback)
    for index, group in enumerate(groups):
        others = recorded_names([*groups[:index], *groups[index + 1 :]])
        done.append(_GroupReplay(group, recording, samples, semantics).run(start, end, sorted(others)))
    return Replay(
        tuple(timeline for one in done for timeline in one.timelines),
        tuple(problem for one in done for problem in one.problems),
        tuple(source for one in done for source in one.sources),
    )


@dataclass(slots=True)
class _Track:
    """A rule on its way through time: what it returned so far."""

    rule: Rule
    machine: AlertMachine
    texts: Texts | None = None
    recorder: Recorder = field(default_factory=Recorder)
    failed: list[tuple[int, str]] = field(default_factory=list)
    lasts: defaultdict[Labels, list[Found]] = field(default_factory=lambda: defaultdict(list))

    def take(self, result: Result, shift: int, limit: int) -> None:
        found = evaluations(self.rule, result, shift, 0 if self.texts else limit, self.texts)
        self.failed += found.failed
        if self.texts is None:
            self.recorder.add(found, shift)
            return
        self.machine.advance(found.times, found.labels, found.present)
        if any("{{" in text for text in self.texts.rule.annotations.values()):
            for labels, last in last_results(found, result.frame, shift):
                self.lasts[labels].append(last)

    def episodes(self) -> tuple[Episode, ...]:
        """The episodes so far, those that fired with their annotations."""
        episodes = self.machine.episodes()
        if self.texts is None or not self.texts.rule.annotations:
            return episodes
        return tuple(self._annotated(one, self.texts) if one.firing is not None else one for one in episodes)

    def _annotated(self, episode: Episode, texts: Texts) -> Episode:
        results = self.lasts.get(episode.labels, [])
        end = len(results) if episode.resolved is None else bisect_left(results, episode.resolved, key=_time)
        found = results[end - 1] if end else Found((), 0.0, 0)  # where no annotation asks what was found
        return replace(episode, annotations=tuple(sorted(texts.annotations(found).items())))

    def failures(self) -> tuple[Failure, ...]:
        message = f"more than the limit of {self.machine.limit} alerts"
        return failures([*self.failed, *((time, message) for time in self.machine.overflows)])


def _time(found: Found) -> int:
    return found.time


@dataclass(slots=True)
class _GroupReplay:
    """One group; `samples` are the times at which the recording has any (`covering_times`)."""

    group: RuleGroup
    recording: Recording
    samples: Times
    semantics: Semantics
    tracks: dict[int, _Track] = field(default_factory=dict)
    reaches: dict[int, int | None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    foreign: Sequence[str] = ()

    def run(self, start: int, end: int, foreign: Sequence[str]) -> Replay:
        self.foreign = foreign
        plan = order(self.group, foreign)
        self.problems += plan.problems
        times = evaluation_times(start, end, self._interval)
        for level in plan.levels:
            self._level(level, times)
        tracks = [self.tracks[index] for index in sorted(self.tracks)]
        timelines = [self._timeline(track) for track in tracks]
        self.problems += [problem for track in tracks for problem in _told(track, len(times))]
        alerts = tuple(one for one in timelines if one is not None)
        return Replay(alerts, tuple(self.problems), (self._source(),))

    @property
    def _interval(self) -> int:
        return self.group.interval or self.semantics.evaluation_interval

    def _level(self, level: Sequence[int], times: Times) -> None:
        """Evaluate rules that do not read each other, those together that may skip the same times."""
        source = self._source()
        level = [index for index in level if self._is_known(index)]
        for index in level:
            self.reaches[index] = reach(self.group.rules[index].expr, self.semantics.lookback, self._recorded_reach)
        always = [index for index in level if self.reaches[index] is None]
        sometimes = [index for index in level if self.reaches[index] is not None]
        for batch in (always, sometimes):
            self._batch(batch, source, times)

    def _is_known(self, index: int) -> bool:
        """Whether all that a rule reads was recorded; the engine may have refused a rule of an earlier level."""
        rule = self.group.rules[index]
        refused = [
            other.name
            for i, other in enumerate(self.group.rules[:index])
            if i not in self.tracks and isinstance(other, RecordingRule)
        ]
        if not reads(rule.expr, refused):
            return True
        message = f"`{rule.name}` is left out: it reads what a rule records that is left out"
        self.problems.append(Problem("backtest/unsupported", message, where(rule, "expr")))
        return False

    def _batch(self, batch: Sequence[int], source: Recording, times: Times) -> None:
        """Evaluate rules in one go; where the engine refuses one of them, each on its own."""
        tracks = [self._track(index) for index in batch]
        shift = self.group.query_offset or 0
        far = [self.reaches[index] for index in batch]
        longest = None if None in far else max((one for one in far if one is not None), default=0)
        try:
            for results in self._results([track.rule.expr for track in tracks], source, times - shift, longest):
                for track, result in zip(tracks, results, strict=True):
                    track.take(result, shift, self.group.limit)
        except ProblemError as error:
            if error.problem.code.startswith("input/"):
                raise  # the recording cannot be read, whatever the rule
            if len(batch) == 1:
                self.problems.append(_left_out(tracks[0].rule, error.problem))
                return
            for index in batch:
                self._batch([index], source, times)
            return
        self.tracks.update(zip(batch, tracks, strict=True))

    def _track(self, index: int) -> _Track:
        rule = self.group.rules[index]
        if isinstance(rule, RecordingRule):
            return _Track(rule, AlertMachine())
        unknown = unknown_names(self.group, index, self.foreign, self.tracks)
        texts = Texts(rule, self.semantics, self._source, unknown)
        return _Track(rule, AlertMachine(rule.for_, rule.keep_firing_for, self.group.limit), texts)

    def _results(
        self, exprs: Sequence[Expr], source: Recording, times: Times, longest: int | None
    ) -> Iterator[tuple[Result, ...]]:
        """The results at all times, by the engine only where it may find samples."""
        for first, last, worth in _stretches(times, self.samples, longest):
            if worth:
                grid = Grid(int(times[first]), int(times[last - 1]), self._interval)
                yield from evaluate(exprs, source, grid, self.semantics)
            else:
                yield (_nothing(times[first:last]),) * len(exprs)

    def _source(self) -> Recording:
        """The recording with what the group has recorded so far in it."""
        recorders = {i: track.recorder for i, track in self.tracks.items() if isinstance(track.rule, RecordingRule)}
        if not recorders:
            return self.recording
        names = {self.tracks[index].rule.name for index in recorders}
        return Overlay(self.recording, merged([recorders[index] for index in sorted(recorders)]), names)

    def _recorded_reach(self, selector: VectorSelector) -> int | None:
        behind = [
            self.reaches[index]
            for index, track in self.tracks.items()
            if isinstance(track.rule, RecordingRule) and could_read(selector, (track.rule.name,))
        ]
        return None if None in behind else max((one for one in behind if one is not None), default=0)

    def _timeline(self, track: _Track) -> Timeline | None:
        if not isinstance(track.rule, AlertingRule):
            return None
        return Timeline(self.group.name, track.rule, self._interval, track.episodes(), track.failures())


def _stretches(times: Times, samples: Times, longest: int | None) -> Iterator[tuple[int, int, bool]]:
    """The times in stretches, as indices from and to: with samples in reach, or long ones without any."""
    if longest is None or not len(times):
        yield from [(0, len(times), True)] if len(times) else []
        return
    near = in_reach(samples, times, longest)
    edges = [0, *(np.flatnonzero(near[1:] != near[:-1]) + 1).tolist(), len(times)]
    pending = 0
    for first, last in pairwise(edges):
        if not near[first] and last - first >= _WORTH_SKIPPING:
            if pending < first:
                yield pending, first, True
            yield first, last, False
            pending = last
    if pending < len(times):
        yield pending, len(times), True


def _nothing(times: Times) -> Result:
    shape = (0, len(times))
    return Result(Frame((), times, np.zeros(shape), np.zeros(shape, dtype=np.bool_)))


def _told(track: _Track, count: int) -> Iterator[Problem]:
    for failure in track.failures():
        first = datetime.fromtimestamp(failure.first / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        message = (
            f"{failure.count:,} of {count:,} evaluations of `{track.rule.name}` failed, the first at {first}: "
            f"{failure.message}"
        )
        yield Problem("backtest/failed", message, where(track.rule, "expr"), severity=Severity.WARNING)
    if track.texts is not None:
        yield from track.texts.problems.values()


def _left_out(rule: Rule, problem: Problem) -> Problem:
    message = f"`{rule.name}` is left out: {problem.message}"
    return Problem("backtest/unsupported", message, problem.span, problem.label, problem.help)
