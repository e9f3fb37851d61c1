"""Timelines and a routing to notifications: each group of alerts on its own, for nothing passes between groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tocsin.alerts.timeline import Timeline
from tocsin.labels import Labels
from tocsin.notify.deliver import Alert, deliver
from tocsin.notify.groups import Event, Group, Integration, Log
from tocsin.notify.inhibit import Inhibitor
from tocsin.notify.intervals import muted
from tocsin.notify.notification import Notification
from tocsin.notify.routes import Key, Node, grow
from tocsin.notify.semantics import Semantics
from tocsin.notify.silences import Silence, Silencer
from tocsin.notify.spans import Spans, together
from tocsin.routing import Receiver, Routing
from tocsin.routingfile.integrations import SEND_RESOLVED


def simulate(
    timelines: Iterable[Timeline],
    config: Routing,
    silences: Sequence[Silence],
    start: int,
    end: int,
    semantics: Semantics,
) -> tuple[Notification, ...]:
    """All notifications from `start` to `end`, both inclusive, in Unix milliseconds, in order of time.

    Alertmanager starts at `start` and knows nothing of before; alerts that fire already are sent to it again. Nothing
    takes time: what is sent arrives at once, and a message is told at the time of its flush. What arrives at the time
    of a flush is in it.
    """
    alerts = deliver(timelines, start, end, semantics)
    simulation = _Simulation(alerts, config, silences, start, end, semantics)
    found = [notification for groups in simulation.groups() for notification in _run(groups, end)]
    return tuple(sorted(found, key=_order))


def _order(one: Notification) -> tuple[int, str, str, Labels, tuple[Labels, ...], tuple[Labels, ...]]:
    return one.at, one.receiver, one.integration, one.group, one.firing, one.resolved


def _run(groups: Sequence[Group], end: int) -> Iterator[Notification]:
    """Groups that share a notification log, in order of time."""
    if len(groups) == 1:
        while groups[0].next() <= end:
            yield from groups[0].step()
        return
    while (now := (group := min(groups, key=Group.next)).next()) <= end:
        yield from group.step()
        for other in groups:
            other.due = min(other.due, now)  # what this one noted in the log may be news to the others


class _Simulation:
    def __init__(
        self,
        alerts: Sequence[Alert],
        config: Routing,
        silences: Sequence[Silence],
        start: int,
        end: int,
        semantics: Semantics,
    ) -> None:
        self._alerts = alerts
        self._names = [alert.labels for alert in alerts]
        self._tree = grow(config.root, semantics.release)
        self._receivers = {name: integrations(receiver) for name, receiver in config.receivers.items()}
        self._intervals = config.time_intervals
        self._start, self._end, self._semantics = start, end, semantics
        self._quiet: dict[int, Spans] = {}
        silencer, inhibitor = Silencer(silences), Inhibitor(config.inhibit_rules, alerts, end, semantics)
        both = ((i, together((silencer.muted(one), inhibitor.muted(one)))) for i, one in enumerate(self._names))
        self._muted: Mapping[int, Spans] = {index: spans for index, spans in both if spans}

    def groups(self) -> Iterator[list[Group]]:
        """All groups, those together that Alertmanager's notification log takes for the same.

        It knows a group by the matchers on the way to its route and by its labels, and two routes may agree in both.
        """
        members: defaultdict[tuple[Key, Labels], dict[int, tuple[Node, list[int]]]] = defaultdict(dict)
        for index, labels in enumerate(self._names):
            for node in self._tree.match(labels):
                own = members[node.key, node.group(labels)]
                own.setdefault(node.index, (node, []))[1].append(index)
        for (_, labels), own in members.items():
            log: Log = {}
            yield [self._group(node, labels, indices, log) for _, (node, indices) in sorted(own.items())]

    def _group(self, node: Node, labels: Labels, indices: Sequence[int], log: Log) -> Group:
        muted = {index: self._muted[index] for index in indices if index in self._muted}
        integrations = self._receivers[node.receiver]
        events = self._events(indices) if integrations else []
        quiet, semantics = self._when_quiet(node), self._semantics
        return Group(node, labels, integrations, self._names, events, muted, quiet, semantics, self._start, log)

    def _events(self, indices: Sequence[int]) -> list[Event]:
        found = [
            (arrival.at, index, arrival.starts, arrival.ends)
            for index in indices
            for arrival in self._alerts[index].arrivals
        ]
        return sorted(found, key=lambda event: event[:2]) if len(indices) > 1 else found

    def _when_quiet(self, node: Node) -> Spans:
        if node.index not in self._quiet:
            self._quiet[node.index] = muted(node, self._intervals, self._start, self._end)
        return self._quiet[node.index]


def integrations(receiver: Receiver) -> tuple[Integration, ...]:
    """How a receiver is told: `webhook[0]` is the first of its `webhook_configs`."""
    return tuple(
        Integration(f"{kind.removesuffix('_configs')}[{number}]", one.get("send_resolved", SEND_RESOLVED[kind]))
        for kind in sorted(receiver)
        if kind in SEND_RESOLVED
        for number, one in enumerate(receiver[kind])
    )
