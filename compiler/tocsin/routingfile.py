"""A routing to the YAML that Alertmanager loads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tocsin.document import dump
from tocsin.duration import format_duration
from tocsin.labels import quote
from tocsin.promql.ast import Matcher
from tocsin.routing import InhibitRule, Route, Routing


def print_routing(routing: Routing) -> str:
    """The configuration file of a routing."""
    data: dict[str, Any] = {"route": _route(routing.root)}
    if routing.inhibit_rules:
        data["inhibit_rules"] = [_inhibit_rule(rule) for rule in routing.inhibit_rules]
    data["receivers"] = [{"name": name, **body} for name, body in routing.receivers.items()]
    return dump(data)


def _matchers(matchers: Sequence[Matcher]) -> list[str]:
    return [f"{matcher.label}{matcher.op}{quote(matcher.value)}" for matcher in matchers]


def _route(route: Route) -> dict[str, Any]:
    data: dict[str, Any] = {"receiver": route.receiver}
    if route.matchers:
        data["matchers"] = _matchers(route.matchers)
    if route.group_by:
        data["group_by"] = list(route.group_by)
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
