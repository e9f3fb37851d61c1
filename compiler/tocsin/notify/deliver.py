"""Episodes of alerts to what arrives at Alertmanager: what Prometheus sends, sends again, and how that is merged.

Prometheus sends an alert when it fires, then at the first evaluation that is later than the resend delay after the
last; when it resolves, and again for 15 minutes (rules/alerting.go `needsSending`, rules/manager.go `SendAlerts`). All
evaluations are taken to succeed: a firing alert then never times out, for it is valid for four of its periods.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from tocsin.alerts.timeline import Episode, Timeline
from tocsin.labels import Labels, from_mapping, is_plain_name
from tocsin.notify.semantics import Semantics
from tocsin.notify.spans import FOREVER
from tocsin.routingfile.release import Release


class Arrival(NamedTuple):
    """An alert as Alertmanager holds it from the time `at`; it is resolved from `ends` on."""

    at: int
    starts: int
    ends: int


@dataclass(frozen=True, slots=True)
class Source:
    """The episodes of one alert of one rule, in their order; `interval` is that of the rule's group."""

    interval: int
    episodes: tuple[Episode, ...]

    def period(self, semantics: Semantics) -> int:
        """How often a firing alert is sent: the least multiple of the interval that exceeds the resend delay."""
        return self.interval * (semantics.resend_delay // self.interval + 1)

    def valid(self, semantics: Semantics) -> int:
        """For how long Alertmanager may take what was sent for true."""
        return 4 * max(self.interval, semantics.resend_delay)


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert of any episode: `arrivals` in order of time, those left out that change nothing."""

    labels: Labels
    sources: tuple[Source, ...]
    arrivals: tuple[Arrival, ...]


def deliver(timelines: Iterable[Timeline], start: int, end: int, semantics: Semantics) -> tuple[Alert, ...]:
    """The alerts that ever fire, in the order of their labels, with what arrives from `start` to `end`."""
    sources: defaultdict[Labels, list[Source]] = defaultdict(list)
    for timeline in timelines:
        episodes: defaultdict[Labels, list[Episode]] = defaultdict(list)
        for episode in timeline.episodes:
            episodes[episode.labels].append(episode)
        for labels, found in episodes.items():
            if any(episode.firing is not None for episode in found):
                ordered = tuple(sorted(found, key=lambda episode: episode.pending))
                sources[_outside(labels, semantics)].append(Source(timeline.interval, ordered))
    return tuple(
        Alert(labels, tuple(sources[labels]), tuple(_arrivals(sources[labels], start, end, semantics)))
        for labels in sorted(sources)
        if semantics.release is not Release.OLD or all(is_plain_name(name) for name, _ in labels)
    )


def _outside(labels: Labels, semantics: Semantics) -> Labels:
    return from_mapping({**dict(semantics.external_labels), **dict(labels)}) if semantics.external_labels else labels


def _arrivals(sources: Sequence[Source], start: int, end: int, semantics: Semantics) -> Iterable[Arrival]:
    if len(sources) == 1:
        return _of_one(sources[0], start, end, semantics)
    sent = [send for source in sources for send in sends(source, end, semantics) if send.at >= start]
    return _merged(sorted(sent, key=lambda arrival: arrival.at))


def _of_one(source: Source, start: int, end: int, semantics: Semantics) -> Iterator[Arrival]:
    """What is sent again while an alert fires only says that it still does."""
    period = source.period(semantics)
    for firing, resolved, until in _lives(source, end):
        first = firing + max(0, -(-(start - firing) // period)) * period
        if first < (end + 1 if resolved is None else resolved):
            yield Arrival(first, firing, FOREVER)
        if resolved is not None:
            again = _resolved(source, firing, resolved, until, semantics)
            yield from again if resolved >= start else (one for one in again if one.at >= start)


def _lives(source: Source, end: int) -> Iterator[tuple[int, int | None, int]]:
    """When an alert fired, when it resolved, and when its next life began (nothing is sent of the old from then on)."""
    following: list[int] = [episode.pending for episode in source.episodes[1:]]
    for episode, until in zip(source.episodes, [*following, FOREVER], strict=True):
        if episode.firing is not None and episode.firing <= end:
            resolved = episode.resolved if episode.resolved is not None and episode.resolved <= end else None
            yield episode.firing, resolved, min(until, end + 1)


def _resolved(source: Source, firing: int, resolved: int, until: int, semantics: Semantics) -> Iterator[Arrival]:
    last = min(until, resolved + semantics.retention + 1)
    for at in range(resolved, last, source.period(semantics)):
        yield Arrival(at, firing, resolved)


def sends(source: Source, end: int, semantics: Semantics) -> Iterator[Arrival]:
    """All that Prometheus sends of an alert until `end`."""
    period, valid = source.period(semantics), source.valid(semantics)
    for firing, resolved, until in _lives(source, end):
        for at in range(firing, end + 1 if resolved is None else resolved, period):
            yield Arrival(at, firing, at + valid)
        if resolved is not None:
            yield from _resolved(source, firing, resolved, until, semantics)


def _merged(arrivals: Sequence[Arrival]) -> Iterator[Arrival]:
    """What Alertmanager holds after each of several rules' sends of the same labels (provider/mem `Put`)."""
    held: Arrival | None = None
    for new in arrivals:
        if held and (held.starts < new.ends < held.ends or held.starts < new.starts < held.ends):
            resolved = new.ends <= new.at
            both = resolved and held.ends <= new.at
            ends = new.ends if resolved and not both else max(held.ends, new.ends)
            new = Arrival(new.at, min(held.starts, new.starts), ends)
        held = new
        yield new


def firing(alert: Alert) -> Iterator[tuple[int, int]]:
    """From when to when Alertmanager holds an alert for firing."""
    after = Arrival(FOREVER, FOREVER, FOREVER)
    for one, following in pairwise((*alert.arrivals, after)):
        yield one.at, min(one.ends, following.at)
