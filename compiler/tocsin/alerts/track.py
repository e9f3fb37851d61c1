"""A rule on its way through time: what its evaluations returned, to its alerts and to the series that it writes."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tocsin.alerts.clock import Clock, Life
from tocsin.alerts.machine import AlertMachine
from tocsin.alerts.recorded import Columns, Recorder
from tocsin.alerts.restore import restored
from tocsin.alerts.result import Evaluations, evaluations, failures, last_results
from tocsin.alerts.returned import Keeper
from tocsin.alerts.states import state_labels, states
from tocsin.alerts.texts import Found, Texts
from tocsin.alerts.timeline import Episode, Failure
from tocsin.engine.semantics import Result
from tocsin.functions.values import Compat
from tocsin.labels import Labels
from tocsin.rules import AlertingRule, Rule
from tocsin.series import Times


@dataclass(slots=True)
class Track:
    """One rule and the lives of its server; `limit` is that of its group. A recording rule has no `texts`.

    `keeper` holds what the expression of an alert returned, where that may be asked for again.
    """

    rule: Rule
    clock: Clock
    lives: Sequence[Life]
    limit: int
    compat: Compat
    texts: Texts | None = None
    keeper: Keeper | None = None
    machine: AlertMachine = field(default_factory=AlertMachine)
    recorder: Recorder = field(default_factory=Recorder)
    failed: list[tuple[int, str]] = field(default_factory=list)
    lasts: defaultdict[Labels, list[Found]] = field(default_factory=lambda: defaultdict(list))
    _succeeded: list[list[Times]] = field(default_factory=list)
    _is_restored: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.rule, AlertingRule):
            self.machine = AlertMachine(self.rule.for_, self.rule.keep_firing_for, self.limit)

    def take(self, result: Result) -> None:
        """Go on by the results of evaluations that are later than all before, and within one part of one life."""
        if not len(result.frame.times):
            return
        self._arrive(int(result.frame.times[0]) + self.clock.shift)
        found = evaluations(self.rule, result, self.clock.shift, 0 if self.texts else self.limit, self.texts)
        self.failed += found.failed
        if self.texts is None:
            self.recorder.add(found, self.clock.shift)
            return
        self.machine.advance(found.times, found.labels, found.present)
        if self.keeper:
            self.keeper.add(found)
        self._succeeded[-1].append(found.times)
        if any("{{" in text for text in self.texts.rule.annotations.values()):
            for labels, last in last_results(found, result.frame, self.clock.shift):
                self.lasts[labels].append(last)

    def _arrive(self, time: int) -> None:
        """Restart and restore where an evaluation at `time` is the first after that."""
        coming = len(self._succeeded)
        while coming < len(self.lives) and self.lives[coming].times[0] <= time:
            life = self.lives[coming]
            self.machine.stop(int(life.times[0]))
            self.recorder.forget()
            self._succeeded.append([])
            self._is_restored = not life.silent
            coming += 1
        life = self.lives[coming - 1]
        if not self._is_restored and time > life.silently[-1]:
            self._restore(life)
            self._is_restored = True

    def _restore(self, life: Life) -> None:
        if not isinstance(self.rule, AlertingRule):
            return
        time, written = int(life.silently[-1]), self.columns()
        for labels in self.machine.active:
            since = restored(self.rule, labels, written, time, self.compat)
            if since is not None:
                self.machine.restore(labels, since, time + self.clock.interval)

    def columns(self) -> Columns:
        """The series that the rule has written so far."""
        if not isinstance(self.rule, AlertingRule):
            return self.recorder.columns()
        written = []
        for life, parts in zip(self.lives, self._succeeded, strict=False):
            times = np.concatenate([life.times[:0], *parts])
            loud = ~np.isin(times, self.machine.overflows) & ~np.isin(times, life.silently)
            written.append((int(life.times[0]), times[loud]))
        return states(self.rule, self.machine.episodes(), written, self.clock.shift)

    def record_states(self, time: int) -> None:
        """Write the series of an alerting rule up to `time`, its last evaluation, for what reads them at once."""
        succeeded = bool(self._succeeded[-1]) and time in self._succeeded[-1][-1]
        if not isinstance(self.rule, AlertingRule) or not succeeded or time in self.machine.overflows[-1:]:
            return
        if time in self.lives[len(self._succeeded) - 1].silently:
            return
        values: dict[Labels, float] = {}
        for labels, alert in self.machine.active.items():
            state = "pending" if alert.firing is None else "firing"
            values[state_labels(self.rule, labels, state)] = 1.0
            since = state_labels(self.rule, labels, None)
            values[since] = min(values.get(since, np.inf), float(alert.pending // 1000))
        column = np.array(list(values.values()), dtype=np.float64).reshape(-1, 1)
        there = np.ones(column.shape, dtype=np.bool_)
        self.recorder.add(Evaluations(np.array([time]), tuple(values), column, there, ()), self.clock.shift)

    def episodes(self) -> tuple[Episode, ...]:
        """The episodes so far, those that fired with their annotations."""
        episodes = self.machine.episodes()
        if self.texts is None or not self.texts.rule.annotations:
            return episodes
        return tuple(self._annotated(one, self.texts) if one.firing is not None else one for one in episodes)

    def _annotated(self, episode: Episode, texts: Texts) -> Episode:
        last = self.last_result(episode.labels, episode.resolved)
        return replace(episode, annotations=tuple(sorted(texts.annotations(last).items())))

    def last_result(self, labels: Labels, before: int | None) -> Found:
        """What the last evaluation returned for an alert; where no annotation asks what was found, nothing."""
        results = self.lasts.get(labels, [])
        end = len(results) if before is None else bisect_left(results, before, key=_time)
        return results[end - 1] if end else Found((), 0.0, 0)

    def failures(self) -> tuple[Failure, ...]:
        message = f"more than the limit of {self.limit} alerts"
        return failures([*self.failed, *((time, message) for time in self.machine.overflows)])


def _time(found: Found) -> int:
    return found.time
