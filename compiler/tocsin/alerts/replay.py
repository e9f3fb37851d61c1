"""Rule groups over a recording to timelines, evaluated as Prometheus would have, column by column."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import groupby

from tocsin.alerts.clock import Clock, Life, Outage, evaluation_times, hashed_offset, lives
from tocsin.alerts.columns import columns, strided
from tocsin.alerts.dependencies import Key, Plan, plan, where, written
from tocsin.alerts.reach import covering_times, reach
from tocsin.alerts.recorded import Columns, Names, Overlay, Read, clipped, merged, only, recorder_of
from tocsin.alerts.returned import Keeper, Room
from tocsin.alerts.sight import Sight, stretch
from tocsin.alerts.steps import Present, ReadAhead, RefusedError, Writer, step_through
from tocsin.alerts.texts import Texts
from tocsin.alerts.timeline import Timeline
from tocsin.alerts.track import Track
from tocsin.diagnostics import Problem, ProblemError, Severity
from tocsin.engine.read import needs
from tocsin.engine.semantics import Semantics
from tocsin.labels import NAME
from tocsin.promql.ast import Matcher, VectorSelector
from tocsin.promql.durations import resolve
from tocsin.promql.match import matchers_of
from tocsin.rules import AlertingRule, RecordingRule, RuleGroup, place
from tocsin.series import Recording, Series, Times
from tocsin.sources.memory import MemoryRecording


@dataclass(frozen=True, slots=True)
class Schedule:
    """When groups are evaluated: `offset` milliseconds after the multiples of their intervals, None for the offset
    that Prometheus gives to each (`hashed_offset`, of the path as the rules were read); not during `outages`, which
    are in the order of time and apart.
    """

    offset: int | None = 0
    outages: tuple[Outage, ...] = ()


STEADY = Schedule()


@dataclass(frozen=True, slots=True)
class Replay:
    """The timelines of the alerting rules, in the order of the groups, and what was left out or failed.

    `source` is what the rules read: the recording, with what they recorded in it; alerting rules record `ALERTS` and
    `ALERTS_FOR_STATE`. `tracks` are the rules, in their order, without those that were left out. `samples` are the
    times at which the recording has any (`covering_times`), from the lookback of the first evaluation on.
    """

    timelines: tuple[Timeline, ...]
    problems: tuple[Problem, ...]
    source: Recording = field(compare=False)
    tracks: tuple[Track, ...] = field(compare=False, repr=False)
    samples: Times = field(compare=False, repr=False)

    def recorded(self) -> Series:
        """All series that the rules wrote, with staleness markers."""
        return merged(track.columns() for track in self.tracks)


def replay(
    groups: Sequence[RuleGroup],
    recording: Recording,
    start: int,
    end: int,
    semantics: Semantics,
    schedule: Schedule = STEADY,
) -> Replay:
    """Evaluate every group at its times from `start` to `end`, both inclusive, in milliseconds.

    A group without an interval has `semantics.evaluation_interval`. Nothing is known of before `start`: alerts begin
    inactive, and recorded series empty, as if Prometheus had started then. Groups that are evaluated at the same
    moment, for which Prometheus has no order, are in that of `groups`.
    """
    exprs = [rule.expr for group in groups for rule in group.rules]
    late = max((group.query_offset or 0 for group in groups), default=0)
    since = min((need.start for expr in exprs for need in needs(expr, start, end, semantics)), default=start) - late
    samples = covering_times(recording, min(since, start - semantics.lookback), end, exprs, semantics.lookback)
    clocks = [_clock(group, semantics, schedule.offset) for group in groups]
    times = [evaluation_times(start, end, clock.interval, clock.offset) for clock in clocks]
    return _Replay(
        tuple(groups),
        recording,
        semantics,
        samples,
        clocks,
        [lives(own, schedule.outages) for own in times],
        plan(groups),
        _names(groups),
        Room() if schedule == STEADY else None,
    ).run()


def _clock(group: RuleGroup, semantics: Semantics, offset: int | None) -> Clock:
    interval = group.interval or semantics.evaluation_interval
    if offset is None:
        path = place(group).source.path if group.places else ""
        offset = hashed_offset(path, group.name, interval, semantics.compat)
    return Clock(interval, offset % interval, group.query_offset or 0)


def _names(groups: Sequence[RuleGroup]) -> Names:
    rules = [rule for group in groups for rule in group.rules]
    return Names(
        frozenset(rule.name for rule in rules if isinstance(rule, RecordingRule)),
        frozenset(rule.name for rule in rules if isinstance(rule, AlertingRule)),
    )


@dataclass(slots=True)
class _Replay:
    """All groups; `samples` are the times at which the recording has any (`covering_times`).

    `room` is for what alerts returned, where findings may ask what they would have done otherwise.
    """

    groups: Sequence[RuleGroup]
    recording: Recording
    semantics: Semantics
    samples: Times
    clocks: Sequence[Clock]
    lives: Sequence[tuple[Life, ...]]
    plan: Plan
    names: Names
    room: Room | None
    tracks: dict[Key, Track] = field(default_factory=dict)
    reaches: dict[Key, int | None] = field(default_factory=dict)
    problems: dict[Key, Problem] = field(default_factory=dict)

    def run(self) -> Replay:
        for level in self.plan.levels:
            keys = [key for key in level.rules if self._is_known(key)]
            if level.circle:
                self._circle(keys)
                continue
            for _, own in groupby(keys, key=lambda key: key[0]):
                self._level(list(own))
        tracks = tuple(track for _, track in sorted(self.tracks.items()))
        source = Overlay(self.recording, self._reader(), self.names)
        return Replay(tuple(self._timelines()), tuple(self._told()), source, tracks, self.samples)

    def _reader(self) -> Read:
        """How all that was recorded is read: what is selected is put together, once."""

        @cache
        def written(keys: frozenset[Key]) -> MemoryRecording:
            return MemoryRecording(merged(self.tracks[key].columns() for key in sorted(keys)))

        def read(matchers: Sequence[Matcher], start: int, end: int) -> Series:
            keys = self.tracks.keys() & self.plan.writers.of_selector(tuple(matchers))
            return written(frozenset(keys)).read(matchers, start, end)

        return read

    def _timelines(self) -> Iterator[Timeline]:
        for key, track in sorted(self.tracks.items()):
            if isinstance(track.rule, AlertingRule):
                group = self.groups[key[0]].name
                yield Timeline(group, track.rule, track.clock.interval, track.episodes(), track.failures())

    def _told(self) -> Iterator[Problem]:
        yield from (problem for _, problem in sorted(self.problems.items()))
        for _, track in sorted(self.tracks.items()):
            yield from _told(track)

    def _is_known(self, key: Key) -> bool:
        """Whether all that a rule reads is recorded; the engine may have refused a rule of an earlier level."""
        out = next((self.plan.rules[other].name for other in self.plan.reads[key] if other in self.problems), None)
        if out is None:
            return True
        rule = self.plan.rules[key]
        message = f"`{rule.name}` is left out: it reads what `{out}` records, which is left out"
        self.problems[key] = Problem("backtest/unsupported", message, where(rule, "expr"))
        return False

    def _level(self, keys: Sequence[Key]) -> None:
        """Evaluate rules of a group that do not read each other, those together that may skip the same times."""
        sights = {key: self._sights(key) for key in keys}
        for key in keys:
            self.reaches[key] = reach(self.plan.rules[key].expr, self.semantics.lookback, self._recorded_reach)
        plain = [key for key in keys if not sights[key]]
        self._batch([key for key in plain if self.reaches[key] is None])
        self._batch([key for key in plain if self.reaches[key] is not None])
        for key in keys:
            if sights[key]:
                self._alone(key, sights[key])

    def _sights(self, key: Key) -> dict[Key, Sight]:
        """The rules of which a rule does not see all samples at once."""
        own, clock = self.lives[key[0]], self.clocks[key[0]]
        if not own:
            return {}
        first, last = int(own[0].times[0]), int(own[-1].times[-1])
        try:
            looks = stretch(resolve(self.plan.rules[key].expr), clock, first, last, self.semantics)
        except ProblemError:
            return {}  # the engine refuses it too
        sights = {other: Sight(clock, self.clocks[other[0]], other > key, looks) for other in self.plan.reads[key]}
        return {other: sight for other, sight in sights.items() if not sight.is_whole}

    def _batch(self, keys: Sequence[Key]) -> None:
        """Evaluate rules of a group in one go; where the engine refuses one of them, each on its own."""
        if not keys:
            return
        tracks = [self._track(key) for key in keys]
        far = [self.reaches[key] for key in keys]
        longest = None if None in far else max((one for one in far if one is not None), default=0)
        source = self._source(frozenset().union(*(self.plan.reads[key] for key in keys)))
        exprs = [track.rule.expr for track in tracks]
        clock = self.clocks[keys[0][0]]
        try:
            for part in (part for life in self.lives[keys[0][0]] for part in life.parts):
                for results in columns(exprs, source, part, clock, self.samples, longest, self.semantics):
                    for track, result in zip(tracks, results, strict=True):
                        track.take(result)
        except ProblemError as error:
            if len(keys) == 1 or _is_of_input(error.problem):
                self._leave_out(keys[0], error.problem)
                return
            for key in keys:
                self._batch([key])
            return
        self.tracks.update(zip(keys, tracks, strict=True))

    def _alone(self, key: Key, sights: Mapping[Key, Sight]) -> None:
        """Evaluate a rule that does not see all samples of others at once."""
        track, stride = self._track(key), max(sight.stride for sight in sights.values())

        def view(evaluations: Times) -> Recording:
            seen = [self._seen(other, sights.get(other), evaluations) for other in sorted(self.plan.reads[key])]
            return Overlay(self.recording, MemoryRecording(merged(seen)).read, self.names)

        try:
            for part in (part for life in track.lives for part in life.parts):
                for result in strided(track.rule.expr, view, part, track.clock, stride, self.semantics):
                    track.take(result)
        except ProblemError as error:
            self._leave_out(key, error.problem)
            return
        self.tracks[key] = track

    def _seen(self, key: Key, sight: Sight | None, evaluations: Times) -> Columns:
        found = self.tracks[key].columns()
        if sight is None:
            return found
        first = int(evaluations[0]) - sight.reader.shift - sight.stretch.back
        last = int(evaluations[-1]) - sight.reader.shift + sight.stretch.ahead
        near = {labels: clipped(samples, first, last) for labels, samples in found.items()}
        return {labels: only(samples, sight.visible(samples[0], evaluations)) for labels, samples in near.items()}

    def _circle(self, keys: Sequence[Key]) -> None:
        """Evaluate rules step by step; where the engine refuses one of them, all that need it are left out."""
        until = max((int(life.times[-1]) for key in keys for life in self.lives[key[0]]), default=0)
        present = Present(ReadAhead(self.recording, until), self.names)
        tracks = {key: self._track(key, present) for key in keys}
        self.reaches |= dict.fromkeys(keys)
        inside = {key: Writer(track.clock, track.recorder) for key, track in tracks.items()}
        sees = {key: self.plan.reads[key] | self.plan.queries.get(key, frozenset()) for key in keys}
        around = {other for own in sees.values() for other in own if other in self.tracks}
        outside = {key: Writer(self.clocks[key[0]], recorder_of(self.tracks[key].columns())) for key in around}
        every = inside | outside
        writers = {key: {other: every[other] for other in own if other in every} for key, own in sees.items()}
        try:
            step_through(tracks, writers, present, self.semantics)
        except RefusedError as error:
            self._leave_out(error.key, error.problem)
            self._circle([key for key in keys if self._is_known(key) and key != error.key])
            return
        self.tracks |= tracks

    def _track(self, key: Key, present: Present | None = None) -> Track:
        """A rule before its first evaluation; `present` is what its labels query, where that changes."""
        rule, group = self.plan.rules[key], key[0]
        texts = None
        if isinstance(rule, AlertingRule):
            done = cache(lambda: self._source(self.plan.queries.get(key, frozenset())))
            view = done if present is None else lambda: done() if present.is_over else present
            texts = Texts(rule, self.semantics, view, self._unknown(key))
        limit, compat = self.groups[group].limit, self.semantics.compat
        keeps = self.room is not None and present is None and texts is not None and not texts.expands_labels
        keeper = Keeper(self.room, limit) if self.room is not None and keeps else None
        return Track(rule, self.clocks[group], self.lives[group], limit, compat, texts, keeper)

    def _unknown(self, key: Key) -> tuple[str, ...]:
        """The names of series that the templates of a rule cannot query: what is not recorded before it."""
        queried = self.plan.queries.get(key, frozenset())
        known = {other for other in queried if other not in self.problems and not self.clocks[other[0]].shift}
        rules = self.plan.rules
        return tuple({one[NAME]: None for other in rules if other not in known for one in written(rules[other])})

    def _source(self, read: Collection[Key]) -> Recording:
        """The recording with what some rules have recorded in it."""
        found = [self.tracks[key].columns() for key in sorted(read) if key in self.tracks]
        return Overlay(self.recording, MemoryRecording(merged(found)).read, self.names) if found else self.recording

    def _recorded_reach(self, selector: VectorSelector) -> int | None:
        """How long after the samples of the recording those may stand that rules recorded and a selector reads."""
        keys = set(self.plan.writers.of_selector(matchers_of(selector)))
        behind = [self.reaches[key] if isinstance(self.plan.rules[key], RecordingRule) else None for key in keys]
        return None if None in behind else max((one for one in behind if one is not None), default=0)

    def _leave_out(self, key: Key, problem: Problem) -> None:
        if _is_of_input(problem):
            raise ProblemError(problem)
        rule = self.plan.rules[key]
        message = f"`{rule.name}` is left out: {problem.message}"
        self.problems[key] = Problem("backtest/unsupported", message, problem.span, problem.label, problem.help)


def _is_of_input(problem: Problem) -> bool:
    """Whether the recording cannot be read, whatever the rule."""
    return problem.code.startswith("input/")


def _told(track: Track) -> Iterator[Problem]:
    count = sum(len(life.times) for life in track.lives)
    for failure in track.failures():
        first = datetime.fromtimestamp(failure.first / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        message = (
            f"{failure.count:,} of {count:,} evaluations of `{track.rule.name}` failed, the first at {first}: "
            f"{failure.message}"
        )
        yield Problem("backtest/failed", message, where(track.rule, "expr"), severity=Severity.WARNING)
    if track.texts is not None:
        yield from track.texts.problems.values()
