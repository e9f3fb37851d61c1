"""Who is told of an alert: Alertmanager's routes, receivers and inhibition, the notification side of what ships."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tocsin.promql.ast import Matcher
from tocsin.rules import Places, no_places

Receiver: TypeAlias = Mapping[str, Any]
"""A receiver's integrations, as Alertmanager names and configures them; where it was read from a file, only
`send_resolved` of each integration, so that no secret goes on."""

ALL_LABELS = ("...",)
"""A `group_by` that keeps every label."""


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the routing tree; waits in milliseconds, None where the parent's (or Alertmanager's) holds.

    An empty receiver is the parent's. `group_by` is None where it is not given, and `...` in it stands for all
    labels. The two lists of time intervals are not inherited. `places` says where its fields were written (`receiver`,
    `group_by.LABEL`), and `whole` where all of it was.
    """

    receiver: str
    matchers: tuple[Matcher, ...] = ()
    group_by: tuple[str, ...] | None = None
    group_wait: int | None = None
    group_interval: int | None = None
    repeat_interval: int | None = None
    routes: tuple[Route, ...] = ()
    continue_: bool = False
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    places: Places = field(default_factory=no_places, compare=False, repr=False)

    def walk(self) -> Iterator[Route]:
        """The route and all below it, parents first."""
        yield self
        for route in self.routes:
            yield from route.walk()


@dataclass(frozen=True, slots=True)
class InhibitRule:
    """While an alert that `source` matches fires, those that `target` matches and that agree in `equal` are mute."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()
    places: Places = field(default_factory=no_places, compare=False, repr=False)


Ranges: TypeAlias = tuple[tuple[int, int], ...] | None
"""From and to; None where every value is meant. An empty tuple contains none."""


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """Times that all of its fields contain.

    `times` are minutes of the day, the second exclusive; the other ranges are inclusive: `weekdays` from 0 (Sunday),
    `days_of_month` from 1, or from -1 counted from the month's end. `location` names a time zone, None for UTC.
    """

    times: Ranges = None
    weekdays: Ranges = None
    days_of_month: Ranges = None
    months: Ranges = None
    years: Ranges = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Routing:
    """A whole Alertmanager configuration; a name of `time_intervals` stands for any of its intervals.

    `places` says where `receivers.NAME` and `time_intervals.NAME` were named, and where the sections stand.
    """

    root: Route
    receivers: Mapping[str, Receiver]
    inhibit_rules: tuple[InhibitRule, ...] = field(default=())
    time_intervals: Mapping[str, tuple[TimeInterval, ...]] = field(default_factory=dict)
    places: Places = field(default_factory=no_places, compare=False, repr=False)
