"""The Alertmanager, and what Prometheus sends to it, second by second: slow, obvious, all state in one place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.notify_scenarios import Scenario

from tocsin.alerts.timeline import Episode, Timeline
from tocsin.labels import Labels
from tocsin.notify.notification import Notification, Reason
from tocsin.notify.semantics import Semantics
from tocsin.promql.ast import Matcher
from tocsin.routing import InhibitRule, Route, TimeInterval
from tocsin.routingfile.release import Release

SECOND = 1000


@dataclass
class Held:
    labels: Labels
    starts: int
    ends: int


@dataclass
class Rule:
    """One alert of one rule in Prometheus, at each evaluation."""

    interval: int
    episodes: Sequence[Episode]
    sent: int = -1

    def send(self, now: int, semantics: Semantics) -> Held | None:
        current = [episode for episode in self.episodes if episode.pending <= now]
        if not current or (now - self.episodes[0].pending) % self.interval:
            return None
        one = current[-1]
        if one.pending == now:
            self.sent = -1
        if one.firing is None or now < one.firing:
            return None
        resolved = one.resolved if one.resolved is not None and one.resolved <= now else None
        if resolved is not None and now - resolved > semantics.retention:
            return None
        fresh = resolved is not None and resolved > self.sent
        if not fresh and self.sent >= 0 and not self.sent + semantics.resend_delay < now:
            return None
        self.sent = now
        valid = now + 4 * max(self.interval, semantics.resend_delay)
        return Held(one.labels, one.firing, valid if resolved is None else resolved)


@dataclass
class Options:
    receiver: str = ""
    group_by: tuple[str, ...] = ()
    group_wait: int = 30_000
    group_interval: int = 300_000
    repeat_interval: int = 14_400_000
    mute: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    key: str = ""
    number: int = 0


@dataclass
class Group:
    options: Options
    labels: Labels
    tick: int
    flushed: bool = False
    alerts: dict[Labels, Held] = field(default_factory=dict)


@dataclass
class Entry:
    firing: set[Labels]
    resolved: set[Labels]
    at: int
    expires: int


def matches(matchers: Sequence[Matcher], labels: Labels) -> bool:
    """The values of scenarios are single characters, and their regular expressions alternatives."""

    def one(matcher: Matcher) -> bool:
        value = dict(labels).get(matcher.label, "")
        found = value in matcher.value.split("|") if "~" in matcher.op else value == matcher.value
        return found != ("!" in matcher.op)

    return all(map(one, matchers))


class Twin:
    def __init__(self, scenario: Scenario, semantics: Semantics) -> None:
        self.scenario, self.semantics = scenario, semantics
        self.old = semantics.release is Release.OLD
        self.rules = [rule for timeline in scenario.timelines for rule in rules(timeline)]
        self.rules.sort(key=lambda rule: rule.episodes[0].labels)
        self.store: dict[Labels, Held] = {}
        self.groups: dict[tuple[int, Labels], Group] = {}
        self.log: dict[tuple[str, Labels, str, str], Entry] = {}
        self.read = self.log
        self.index: dict[tuple[int, tuple[str, ...]], Labels] = {}

    def run(self) -> tuple[Notification, ...]:
        found = [one for now in range(self.scenario.start, self.scenario.end + 1, SECOND) for one in self.second(now)]
        return tuple(
            sorted(found, key=lambda one: (one.at, one.receiver, one.integration, one.group, one.firing, one.resolved))
        )

    def second(self, now: int) -> Iterator[Notification]:
        if (now - self.scenario.start) % self.semantics.clean_up == 0 and self.old:
            self.groups = {key: group for key, group in self.groups.items() if group.alerts}
        if (now - self.scenario.start) % self.semantics.log_clean_up == 0:
            self.log = {key: entry for key, entry in self.log.items() if entry.expires > now}
        for rule in self.rules:
            sent = rule.send(now, self.semantics)
            if sent:
                self.put(sent, now)
        self.read = dict(self.log)  # by all that are flushed now, before any of them writes
        for key in sorted(self.groups):
            group = self.groups[key]
            if group.tick == now:
                group.tick, group.flushed = now + group.options.group_interval, True
                yield from self.flush(group, now)
                group.alerts = {labels: held for labels, held in group.alerts.items() if held.ends > now}
                if not group.alerts and not self.old:
                    del self.groups[key]

    def put(self, new: Held, now: int) -> None:
        old = self.store.get(new.labels)
        if old and (old.starts < new.ends < old.ends or old.starts < new.starts < old.ends):
            ends = new.ends
            if new.ends <= now:
                if old.ends <= now:
                    ends = max(ends, old.ends)
            else:
                ends = max(ends, old.ends)
            new = Held(new.labels, min(old.starts, new.starts), ends)
        self.store[new.labels] = new
        for number, rule in enumerate(self.scenario.config.inhibit_rules):
            if matches(rule.source, new.labels):
                self.set_index(number, rule, new)
        for options in route(self.scenario.config.root, Options(), new.labels, self.old, [0]):
            self.insert(options, new, now)

    def set_index(self, number: int, rule: InhibitRule, new: Held) -> None:
        key = (number, equal(rule, new.labels))
        indexed = self.index.get(key)
        if indexed is None or self.store[indexed].ends <= new.ends:
            self.index[key] = new.labels

    def insert(self, options: Options, alert: Held, now: int) -> None:
        everything = options.group_by == ("...",)
        labels = tuple(pair for pair in alert.labels if everything or pair[0] in options.group_by)
        late = alert.starts + options.group_wait <= now
        group = self.groups.get((options.number, labels))
        if group is None:
            group = Group(options, labels, now if late else now + options.group_wait)
            self.groups[options.number, labels] = group
        elif late and self.old and not group.flushed:
            group.tick = now
        group.alerts[alert.labels] = alert

    def flush(self, group: Group, now: int) -> Iterator[Notification]:
        options = group.options
        alerts = [held for held in group.alerts.values() if not self.inhibited(held.labels, now)]
        if options.active and not any(self.within(name, now) for name in options.active):
            return
        if any(self.within(name, now) for name in options.mute):
            return
        alerts = [held for held in alerts if not self.silenced(held.labels, now)]
        firing = {held.labels for held in alerts if held.ends > now}
        resolved = {held.labels for held in alerts} - firing
        if not alerts:
            return
        for place, body in enumerate(self.scenario.config.receivers[options.receiver]["webhook_configs"]):
            sends = body.get("send_resolved", True)
            key = (options.key, group.labels, options.receiver, f"webhook[{place}]")
            reason = self.reason(self.read.get(key), firing, resolved, sends, now - options.repeat_interval)
            if reason:
                expires = now + min(2 * options.repeat_interval, self.semantics.log_retention)
                self.log[key] = Entry(firing, resolved, now, expires)
                if firing or sends:
                    told = tuple(sorted(resolved)) if sends else ()
                    yield Notification(now, options.receiver, key[3], group.labels, reason, tuple(sorted(firing)), told)

    def reason(
        self, entry: Entry | None, firing: set[Labels], resolved: set[Labels], sends: bool, repeat: int
    ) -> Reason | None:
        if entry is None:
            return Reason.FIRST if firing else None
        if firing - entry.firing:
            return Reason.NEW if entry.firing else Reason.FIRST
        if not firing:
            return Reason.ALL_RESOLVED if entry.firing else None
        if sends and resolved - entry.resolved:
            return Reason.SOME_RESOLVED
        return Reason.REPEAT if entry.at < repeat else None

    def inhibited(self, labels: Labels, now: int) -> bool:
        for number, rule in enumerate(self.scenario.config.inhibit_rules):
            if not matches(rule.target, labels):
                continue
            indexed = self.index.get((number, equal(rule, labels)))
            sources = [held for held in self.store.values() if self.old or held.labels == indexed]
            for held in sources:
                if not matches(rule.source, held.labels) or equal(rule, held.labels) != equal(rule, labels):
                    continue
                two_sided = matches(rule.source, labels) and matches(rule.target, held.labels)
                if held.ends > now and not two_sided:
                    return True
        return False

    def silenced(self, labels: Labels, now: int) -> bool:
        silences = self.scenario.silences
        return any(one.starts <= now <= one.ends and matches(one.matchers, labels) for one in silences)

    def within(self, name: str, now: int) -> bool:
        return any(contains(one, now) for one in self.scenario.config.time_intervals[name])


def rules(timeline: Timeline) -> Iterator[Rule]:
    for labels in {episode.labels for episode in timeline.episodes}:
        yield Rule(timeline.interval, [episode for episode in timeline.episodes if episode.labels == labels])


def equal(rule: InhibitRule, labels: Labels) -> tuple[str, ...]:
    return tuple(dict(labels).get(name, "") for name in rule.equal)


def contains(interval: TimeInterval, now: int) -> bool:
    """Scenarios have minutes of the day only."""
    time = datetime.fromtimestamp(now / 1000, UTC)
    return any(first <= time.hour * 60 + time.minute < last for first, last in interval.times or ())


def route(node: Route, parent: Options, labels: Labels, old: bool, count: list[int]) -> list[Options]:
    """The options of the nodes that match; `count` numbers all nodes, depth first."""
    inherits = node.group_by is None or (old and not node.group_by)
    own = Options(
        node.receiver or parent.receiver,
        parent.group_by if inherits else node.group_by or (),
        parent.group_wait if node.group_wait is None else node.group_wait,
        parent.group_interval if node.group_interval is None else node.group_interval,
        parent.repeat_interval if node.repeat_interval is None else node.repeat_interval,
        node.mute_time_intervals,
        node.active_time_intervals,
        f"{parent.key}/{sorted((m.label, m.op, m.value) for m in node.matchers)}",
        count[0],
    )
    count[0] += 1
    matching = matches(node.matchers, labels)
    found: list[Options] = []
    stopped = False
    for child in node.routes:
        below = route(child, own, labels, old, count)
        if not stopped:
            found += below
            stopped = bool(below) and not child.continue_
    return (found or [own]) if matching else []
