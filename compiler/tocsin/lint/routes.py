"""A routing tree to its routes with what they inherit, and an alert to the labels with which it comes to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tocsin.diagnostics import Span
from tocsin.labels import NAME
from tocsin.lint.api import Routed, Subject
from tocsin.lint.labels import Flow, flow
from tocsin.lint.matched import implies, values
from tocsin.promql.ast import Matcher
from tocsin.promql.match import accepts
from tocsin.routing import Route, Routing
from tocsin.rules import Places

GROUP_WAIT, GROUP_INTERVAL, REPEAT_INTERVAL = 30_000, 300_000, 14_400_000
"""Alertmanager's defaults, in milliseconds (dispatch/route.go)."""

ADDED = frozenset(
    (
        *("cluster", "cluster_name", "region", "zone", "datacenter", "dc", "site", "env", "environment", "stage"),
        *(
            "prometheus",
            "prometheus_replica",
            "replica",
            "monitor",
            "tenant",
            "account",
            "project",
            "origin_prometheus",
        ),
    )
)
"""Labels that servers give to all of their alerts (`external_labels`), by the names that are usual."""


@dataclass(frozen=True, slots=True)
class Way:
    """A route with nothing left to inherit: `matchers` are all from the root to it, durations in milliseconds."""

    route: Route
    matchers: tuple[Matcher, ...]
    receiver: str
    group_by: tuple[str, ...]
    group_wait: int
    group_interval: int
    repeat_interval: int
    above: tuple[Route, ...] = ()

    def place(self, *names: str) -> Span:
        """Where the first of the fields that was written stands, on the route or on those that it inherits from."""
        return _place([self.route, *reversed(self.above)], names)


def _place(routes: Sequence[Route], names: Sequence[str]) -> Span:
    for route in routes:
        for name in names:
            if name in route.places:
                return route.places[name]
    return start(routes[0].places["whole"])


def start(span: Span) -> Span:
    """Where something long begins: its first line, for a caret below all of it shows nothing."""
    end = span.source.text.find("\n", span.start, span.end)
    return Span(span.source, span.start, span.end if end < 0 else end)


def matcher_place(matcher: Matcher | None, places: Places, fields: Sequence[str]) -> Span:
    """Where a matcher was written: its own text, else the first of the fields that was, else where all begins."""
    if matcher:
        for name, span in places.items():
            if name.startswith(f"{fields[0]}.") and matcher.label in name and matcher.value in name:
                return span
    return next((places[field] for field in fields if field in places), start(places["whole"]))


def ways(routing: Routing) -> Iterator[Way]:
    """All routes, the root first. What was not read from a file is left out: nothing could be said of its place."""
    root = routing.root
    if root.places or root.routes:
        base = Way(root, (), "", (), GROUP_WAIT, GROUP_INTERVAL, REPEAT_INTERVAL)
        found = _below(root, base, ())
        yield from (way for way in found if "whole" in way.route.places)


def _below(route: Route, parent: Way, above: tuple[Route, ...]) -> Iterator[Way]:
    way = Way(
        route,
        parent.matchers + route.matchers,
        route.receiver or parent.receiver,
        parent.group_by if route.group_by is None else route.group_by,
        parent.group_wait if route.group_wait is None else route.group_wait,
        route.group_interval or parent.group_interval,
        route.repeat_interval or parent.repeat_interval,
        above,
    )
    yield way
    for child in route.routes:
        yield from _below(child, way, (*above, route))


def carried(subject: Subject) -> Flow:
    """The labels with which an alert comes to Alertmanager, but for those that the server adds to all of them."""
    found = flow(subject.rule.expr).drop(NAME)
    for name, value in subject.rule.labels.items():
        if "{{" in value:
            found = found.might_have(name)
        elif value:
            found = found.have(name, value)
        else:
            found = found.drop(name)
    return found.have("alertname", subject.rule.name)


def can_have(labels: Flow, name: str) -> bool:
    return name in labels.may or name in ADDED


def can_match(matchers: Iterable[Matcher], labels: Flow) -> bool:
    """Whether an alert with these labels might match."""
    return all(_can_match(matcher, labels) for matcher in matchers)


def _can_match(matcher: Matcher, labels: Flow) -> bool:
    known = labels.fixed.get(matcher.label)
    if known is not None:
        return accepts(matcher, known)
    return can_have(labels, matcher.label) or accepts(matcher, "")


def told(subject: Routed) -> Mapping[int, list[Subject]]:
    """For each route, by its identity, the alerts that it might tell of."""
    found: defaultdict[int, list[Subject]] = defaultdict(list)
    for alert in subject.alerts:
        for route in reached(subject.routing.root, carried(alert)):
            found[id(route)].append(alert)
    return found


def pages(way: Way, subject: Routed, alerts: Mapping[int, list[Subject]]) -> bool:
    """Whether what takes this way wakes people: by the severity that it matches, else by its alerts."""
    severities = values(way.matchers, "severity")
    if severities is not None:
        return any(map(subject.settings.wakes, severities))
    return any(alert.wakes for alert in alerts.get(id(way.route), ()))


def reached(root: Route, labels: Flow) -> Iterator[Route]:
    """The routes that might tell of an alert (dispatch/route.go `Match`)."""
    if not can_match(root.matchers, labels):
        return
    stopped = False
    for child in root.routes:
        yield from reached(child, labels)
        if not child.continue_ and surely_matches(child.matchers, labels):
            stopped = True
            break
    if not stopped and not any(surely_matches(child.matchers, labels) for child in root.routes):
        yield root


def surely_matches(matchers: Iterable[Matcher], labels: Flow) -> bool:
    """Whether all alerts with these labels match."""
    return all(_surely_matches(matcher, labels) for matcher in matchers)


def _surely_matches(matcher: Matcher, labels: Flow) -> bool:
    known = labels.fixed.get(matcher.label)
    if known is not None:
        return accepts(matcher, known)
    if not can_have(labels, matcher.label):
        return accepts(matcher, "")
    return implies([Matcher(matcher.label, "!=", "")] if matcher.label in labels.must else [], [matcher])
