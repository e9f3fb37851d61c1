"""Who is told of an alert: Alertmanager's routes, receivers and inhibition, the notification side of what ships."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tocsin.promql.ast import Matcher

Receiver: TypeAlias = Mapping[str, Any]
"""A receiver's integrations, as Alertmanager names and configures them."""


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the routing tree; waits in milliseconds, None where the parent's (or Alertmanager's) holds."""

    receiver: str
    matchers: tuple[Matcher, ...] = ()
    group_by: tuple[str, ...] = ()
    group_wait: int | None = None
    group_interval: int | None = None
    repeat_interval: int | None = None
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True)
class InhibitRule:
    """While an alert that `source` matches fires, those that `target` matches and that agree in `equal` are mute."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Routing:
    """A whole Alertmanager configuration."""

    root: Route
    receivers: Mapping[str, Receiver]
    inhibit_rules: tuple[InhibitRule, ...] = field(default=())
