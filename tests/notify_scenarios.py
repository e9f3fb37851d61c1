"""Random alerts, routings and silences, of a length that a real Alertmanager can be watched for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tocsin.alerts.timeline import Episode, Timeline
from tocsin.labels import Labels, from_mapping
from tocsin.notify.silences import Silence
from tocsin.promql.ast import Matcher, MatchOp, Number
from tocsin.routing import InhibitRule, Route, Routing, TimeInterval
from tocsin.rules import AlertingRule

VALUES = {"alertname": "AB", "severity": "pt", "team": "xy", "instance": "123"}
MINUTE = 60_000


@dataclass(frozen=True)
class Scenario:
    timelines: tuple[Timeline, ...]
    config: Routing
    silences: tuple[Silence, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Times:
    """What a scenario chooses its durations from, in milliseconds; `phase` is when evaluations are in an interval."""

    length: int
    intervals: tuple[int, ...]
    waits: tuple[int, ...]
    group_intervals: tuple[int, ...]
    repeats: tuple[int, ...]
    duration: tuple[int, int]


class Draw:
    """One scenario from one seed."""

    def __init__(self, seed: int, times: Times, start: int) -> None:
        self.rng = random.Random(seed)
        self.times = times
        self.start = start

    def scenario(self) -> Scenario:
        end = self.start + self.times.length
        intervals = {f"i{number}": (self.interval(),) for number in range(2)}
        receivers = {f"r{number}": self.receiver() for number in range(3)}
        rules = tuple(self.inhibit_rule() for _ in range(self.rng.choice((0, 0, 1, 2))))
        config = Routing(self.route(0, True), receivers, rules, intervals)
        silences = tuple(self.silence() for _ in range(self.rng.choice((0, 0, 1, 2))))
        return Scenario(tuple(self.timelines()), config, silences, self.start, end)

    def timelines(self) -> Iterator[Timeline]:
        alerts = [self.labels() for _ in range(self.rng.randint(1, 7))]
        rules = self.rng.randint(1, 3)
        for number in range(rules):
            own = sorted(set(alerts[number::rules]))
            if self.rng.random() < 0.1:
                own = sorted({*own, alerts[0]})  # two rules with an alert of the same labels
            interval = self.rng.choice(self.times.intervals)
            episodes = sorted(
                (one for labels in own for one in self.episodes(labels, interval)), key=lambda e: (e.pending, e.labels)
            )
            yield Timeline(f"g{number}", AlertingRule("A", Number(1.0)), interval, tuple(episodes))

    def labels(self) -> Labels:
        pairs = {name: self.rng.choice(values) for name, values in VALUES.items()}
        if self.rng.random() < 0.2:
            del pairs[self.rng.choice(("severity", "team", "instance"))]
        return from_mapping(pairs)

    def episodes(self, labels: Labels, interval: int) -> Iterator[Episode]:
        def steps() -> int:
            return max(1, self.rng.randint(*self.times.duration) // interval) * interval

        at = self.start + interval * self.rng.randint(1, 4)
        end = self.start + self.times.length
        while at < end:
            firing = at + (interval if self.rng.random() < 0.3 else 0)
            resolved = firing + steps()
            lost = self.rng.random() < 0.1 and firing > at
            if resolved > end:
                yield Episode(labels, at, firing)
                return
            yield Episode(labels, at, None if lost else firing, resolved)
            at = resolved + (steps() if self.rng.random() < 0.7 else interval)

    def matcher(self) -> Matcher:
        name = self.rng.choice(("severity", "team", "instance", "alertname"))
        ops: tuple[MatchOp, ...] = ("=", "=", "=", "!=", "=~", "!~")
        op = self.rng.choice(ops)
        value = self.rng.choice(VALUES[name])
        return Matcher(name, op, f"{value}|q" if op in ("=~", "!~") else value)

    def matchers(self, least: int) -> tuple[Matcher, ...]:
        return tuple(self.matcher() for _ in range(self.rng.randint(least, 2)))

    def route(self, depth: int, root: bool) -> Route:
        rng = self.rng
        some = rng.random() < 0.5
        names = rng.sample(sorted(VALUES), rng.randint(0, 2))
        return Route(
            f"r{rng.randrange(3)}" if root or some else "",
            () if root else self.matchers(0),
            (("...",) if rng.random() < 0.2 else tuple(names)) if root or rng.random() < 0.4 else None,
            rng.choice(self.times.waits) if root or some else None,
            rng.choice(self.times.group_intervals) if root or some else None,
            rng.choice(self.times.repeats) if root or some else None,
            tuple(self.route(depth + 1, False) for _ in range(rng.choice((0, 1, 2, 3)) if depth < 2 else 0)),
            not root and rng.random() < 0.4,
            () if root or rng.random() < 0.8 else ("i0",),
            () if root or rng.random() < 0.85 else ("i1",),
        )

    def receiver(self) -> dict[str, Any]:
        sends = [{"send_resolved": self.rng.random() < 0.7} for _ in range(self.rng.choice((0, 1, 1, 1, 2)))]
        return {"webhook_configs": sends or [{}]}

    def inhibit_rule(self) -> InhibitRule:
        equal = self.rng.sample(sorted(VALUES), self.rng.randint(0, 2))
        return InhibitRule(self.matchers(1), self.matchers(1), tuple(equal))

    def silence(self) -> Silence:
        starts = self.start + self.rng.randrange(0, self.times.length, 1000)
        ends = starts + self.rng.randrange(1000, self.times.length, 1000)
        matchers = self.matchers(1)
        while all(matcher.op in ("!=", "!~") for matcher in matchers):  # it could match an empty label
            matchers = self.matchers(1)
        return Silence(matchers, starts, ends)

    def interval(self) -> TimeInterval:
        """One or two minutes of the day."""
        first = datetime.fromtimestamp(self.start / 1000, UTC)
        minute = (first.hour * 60 + first.minute + self.rng.randint(0, 1 + self.times.length // MINUTE)) % 1440
        return TimeInterval(((minute, min(1440, minute + self.rng.randint(1, 2))),))
