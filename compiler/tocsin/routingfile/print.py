"""A routing to the YAML that Alertmanager loads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tocsin.document import dump
from tocsin.duration import format_duration
from tocsin.labels import quote
from tocsin.promql.ast import Matcher
from tocsin.routing import InhibitRule, Route, Routing, TimeInterval
from tocsin.routingfile.intervals import WEEKDAYS


def print_routing(routing: Routing) -> str:
    """The configuration file of a routing."""
    data: dict[str, Any] = {"route": _route(routing.root)}
    if routing.time_intervals:
        data["time_intervals"] = [
            {"name": name, "time_intervals": [_interval(one) for one in intervals]}
            for name, intervals in routing.time_intervals.items()
        ]
    if routing.inhibit_rules:
        data["inhibit_rules"] = [_inhibit_rule(rule) for rule in routing.inhibit_rules]
    data["receivers"] = [{"name": name, **body} for name, body in routing.receivers.items()]
    return dump(data)


def _matchers(matchers: Sequence[Matcher]) -> list[str]:
    return [f"{matcher.label}{matcher.op}{quote(matcher.value)}" for matcher in matchers]


def _route(route: Route) -> dict[str, Any]:
    data: dict[str, Any] = {"receiver": route.receiver} if route.receiver else {}
    if route.matchers:
        data["matchers"] = _matchers(route.matchers)
    if route.continue_:
        data["continue"] = True
    lists = {
        "group_by": route.group_by,
        "mute_time_intervals": route.mute_time_intervals or None,
        "active_time_intervals": route.active_time_intervals or None,
    }
    data |= {key: list(names) for key, names in lists.items() if names is not None}
    waits = {
        "group_wait": route.group_wait,
        "group_interval": route.group_interval,
        "repeat_interval": route.repeat_interval,
    }
    data |= {key: format_duration(ms) for key, ms in waits.items() if ms is not None}
    if route.routes:
        data["routes"] = [_route(below) for below in route.routes]
    return data


def _inhibit_rule(rule: InhibitRule) -> dict[str, Any]:
    data: dict[str, Any] = {
        "source_matchers": _matchers(rule.source),
        "target_matchers": _matchers(rule.target),
    }
    return data | ({"equal": list(rule.equal)} if rule.equal else {})


def _interval(interval: TimeInterval) -> dict[str, Any]:
    times = None if interval.times is None else [_times(*one) for one in interval.times]
    weekdays = (
        None
        if interval.weekdays is None
        else [f"{WEEKDAYS[first]}:{WEEKDAYS[last]}" for first, last in interval.weekdays]
    )
    numbers = {"days_of_month": interval.days_of_month, "months": interval.months, "years": interval.years}
    ranges = {key: None if given is None else [f"{a}:{b}" for a, b in given] for key, given in numbers.items()}
    data = {"times": times, "weekdays": weekdays, **ranges, "location": interval.location}
    return {key: value for key, value in data.items() if value is not None}


def _times(start: int, end: int) -> dict[str, str]:
    return {key: f"{at // 60:02}:{at % 60:02}" for key, at in (("start_time", start), ("end_time", end))}
