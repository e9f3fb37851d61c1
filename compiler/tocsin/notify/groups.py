"""The alerts of a group to the notifications about it: an aggregation group of Alertmanager and its notification log.

dispatch/dispatch.go (when a group is flushed), notify/notify.go (what is muted, and whether anything is new). Only
flushes that can differ from the last are looked at: a group that stays as it is has its next one when the repeat
interval is over, or when something that mutes begins or ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tocsin.labels import Labels
from tocsin.notify.notification import Notification, Reason
from tocsin.notify.routes import Node
from tocsin.notify.semantics import Semantics
from tocsin.notify.spans import FOREVER, Spans
from tocsin.routingfile.release import Release

Event = tuple[int, int, int, int]
"""When which alert arrives, by its number, since when it fires, and when it resolves."""

NOBODY: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Integration:
    """One way in which a receiver is told."""

    name: str
    send_resolved: bool


@dataclass(slots=True)
class Entry:
    """What was last told to an integration, when, and from when the log has forgotten it.

    Groups that share a log and are flushed at the same time read it before any of them writes: they see the entry
    `before`. So both notify, as they do in a live Alertmanager.
    """

    firing: frozenset[int]
    resolved: frozenset[int]
    at: int
    gone: int
    before: Entry | None


Log = dict[tuple[str, str], Entry]
"""By receiver and integration."""


@dataclass(slots=True)
class Group:
    """One group of one route.

    `events` in order of time; `muted` has, by alert, when it is silenced or inhibited, where it ever is; `quiet` is
    when the route tells nobody. `alerts` holds what is in the group; `tick` is its next flush, `due` the time before
    which none of them can matter.
    """

    node: Node
    labels: Labels
    integrations: tuple[Integration, ...]
    names: Sequence[Labels]
    events: Sequence[Event]
    muted: Mapping[int, Spans]
    quiet: Spans
    semantics: Semantics
    start: int
    log: Log
    position: int = 0
    alive: bool = False
    flushed: bool = False
    removed: int = FOREVER
    tick: int = FOREVER
    due: int = 0
    alerts: dict[int, tuple[int, int]] = field(default_factory=dict)

    def next(self) -> int:
        """When the group next has something to do."""
        arrival = self.events[self.position][0] if self.position < len(self.events) else FOREVER
        return min(arrival, self._flush_time())

    def step(self) -> Iterator[Notification]:
        """Do what is next: alerts that arrive at the time of a flush are in it."""
        arrival = self.events[self.position][0] if self.position < len(self.events) else FOREVER
        flush = self._flush_time()
        if arrival > flush:
            yield from self._flush(flush)
            return
        if self._is_echo():
            self.position += 1
            return
        while self.position < len(self.events) and self.events[self.position][0] == arrival:
            self._arrive(*self.events[self.position])
            self.position += 1

    def _is_echo(self) -> bool:
        """Whether the next alert to arrive is sent again only, and makes a group that is flushed at once in vain."""
        at, _, starts, ends = self.events[self.position]
        if self.alive or ends > at or self.semantics.release is Release.OLD or starts + self.node.group_wait > at:
            return False
        if self.position + 1 < len(self.events) and self.events[self.position + 1][0] == at:
            return False
        return not any(
            entry.firing for one in self.integrations if (entry := self.log.get((self.node.receiver, one.name)))
        )

    def _flush_time(self) -> int:
        """The first tick that can matter."""
        if not self.alerts:
            return FOREVER
        late = self.due - self.tick
        return self.tick if late <= 0 else self._tick_from(self.due)

    def _tick_from(self, time: int) -> int:
        if time >= FOREVER:
            return FOREVER
        interval = self.node.group_interval
        return self.tick + max(0, -(-(time - self.tick) // interval)) * interval

    def _arrive(self, at: int, alert: int, starts: int, ends: int) -> None:
        old = starts + self.node.group_wait <= at  # by the clock, which is a little past `at`
        if not self.alive or (not self.alerts and self.removed <= at):
            self.alive, self.flushed = True, False
            self.tick = at if old else at + self.node.group_wait
        elif not self.flushed and old and self.semantics.release is Release.OLD:
            self.tick = at
        elif not self.alerts:
            self.tick = self._tick_from(at)
        self.alerts[alert] = (starts, ends)
        self.due = at

    def _flush(self, now: int) -> Iterator[Notification]:
        self.tick, self.flushed = now + self.node.group_interval, True
        yield from self._tell(now)
        for alert in [alert for alert, (_, ends) in self.alerts.items() if ends <= now]:
            del self.alerts[alert]
        if self.alerts:
            self.due = self._next_change(now)
        elif self.semantics.release is Release.OLD:
            # An empty group is removed by the next clean-up.
            self.removed = now + self.semantics.clean_up - (now - self.start) % self.semantics.clean_up
        else:
            self.alive = False

    def _tell(self, now: int) -> Iterator[Notification]:
        if now in self.quiet:
            return
        muted = self.muted
        told = (
            [alert for alert in self.alerts if alert not in muted or now not in muted[alert]] if muted else self.alerts
        )
        if not told:
            return
        firing = frozenset(alert for alert in told if self.alerts[alert][1] > now)
        resolved = frozenset(told) - firing
        for integration in self.integrations:
            entry = self._entry(integration, now)
            reason = _reason(entry, firing, resolved, integration.send_resolved, now - self.node.repeat_interval)
            if reason is None:
                continue
            self._note(integration, entry, firing, resolved, now)
            if firing or integration.send_resolved:
                sent = resolved if integration.send_resolved else NOBODY
                yield Notification(
                    now, self.node.receiver, integration.name, self.labels, reason, self._of(firing), self._of(sent)
                )

    def _of(self, alerts: frozenset[int]) -> tuple[Labels, ...]:
        return tuple(self.names[alert] for alert in sorted(alerts))  # numbers are in the order of the labels

    def _entry(self, integration: Integration, now: int) -> Entry | None:
        entry = self.log.get((self.node.receiver, integration.name))
        if entry and entry.at == now:
            entry = entry.before
        return entry if entry and now < entry.gone else None

    def _note(
        self, one: Integration, before: Entry | None, firing: frozenset[int], resolved: frozenset[int], now: int
    ) -> None:
        """An expired entry is gone at the next clean-up of the log (nflog/nflog.go `Log`, `GC`)."""
        semantics = self.semantics
        expired = now + min(semantics.log_retention, 2 * self.node.repeat_interval)
        gone = expired + -(expired - self.start) % semantics.log_clean_up
        if before:
            before.before = None
        self.log[self.node.receiver, one.name] = Entry(firing, resolved, now, gone, before)

    def _next_change(self, now: int) -> int:
        """The first time at which a flush may find another state than that at `now`, if nothing arrives."""
        times = [self.quiet.change(now)]
        for alert, (_, ends) in self.alerts.items():
            times.append(ends)
            if alert in self.muted:
                times.append(self.muted[alert].change(now))
        for integration in self.integrations:
            entry = self.log.get((self.node.receiver, integration.name))
            if entry:
                times += [entry.at + self.node.repeat_interval + 1, entry.gone]
        return min(time for time in times if time > now)


def _reason(
    entry: Entry | None, firing: frozenset[int], resolved: frozenset[int], send_resolved: bool, repeat: int
) -> Reason | None:
    """Whether and why to notify; `repeat` is the time before which the last notification is too long ago."""
    if entry is None:
        return Reason.FIRST if firing else None
    if not firing <= entry.firing:
        return Reason.NEW if entry.firing else Reason.FIRST
    if not firing:
        return Reason.ALL_RESOLVED if entry.firing else None
    if send_resolved and not resolved <= entry.resolved:
        return Reason.SOME_RESOLVED
    return Reason.REPEAT if entry.at < repeat else None
