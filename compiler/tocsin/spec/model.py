"""The model of a spec: what its author meant, each value with the place where it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from tocsin.diagnostics import Source, Span
from tocsin.indicators.api import Indicator
from tocsin.labels import Labels
from tocsin.quantity import Quantity
from tocsin.rules import Places


@dataclass(frozen=True, slots=True)
class Condition:
    """When an indicator is bad: its `thresholds` (one, or two for `outside`), or the `horizon` in ms of `fills_in`."""

    kind: Literal["above", "below", "outside", "fills_in", "absent"]
    thresholds: tuple[Quantity, ...] = ()
    horizon: int = 0


@dataclass(frozen=True, slots=True)
class Guard:
    """`while`: the alert fires only while another indicator meets a condition."""

    indicator: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class Alert:
    """A condition on an indicator that needs a person; durations in milliseconds.

    `over` is None where the spec does not say; `no_data` is a severity, or `ignore`, or empty for the default.
    """

    name: str
    indicator: str
    condition: Condition
    for_: int = 0
    keep_firing_for: int = 0
    over: int | None = None
    guard: Guard | None = None
    min_events: int | None = None
    no_data: str = ""
    severity: str = ""
    summary: str = ""
    action: str = ""
    runbook: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    places: Places = field(default_factory=dict, compare=False, repr=False)

    def place(self, *parts: str) -> Span:
        """Where the first of `parts` that was written stands, else the alert's name."""
        return self.places[next((part for part in parts if part in self.places), "name")]


@dataclass(frozen=True, slots=True)
class Period:
    """What an error budget is for: the last `length` ms, or a unit of the calendar, which is about as long."""

    length: int
    calendar: Literal["", "week", "month", "quarter"] = ""
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class TimeSlices:
    """The time of slices of `every` ms in place of events.

    A slice is bad where more than `bad_share` of its events are, or where the indicator meets the condition; with
    neither it weighs with its share of bad events. `no_data` is what a slice without a value is.
    """

    every: int
    bad_share: Decimal | None = None
    condition: Condition | None = None
    no_data: Literal["skip", "good", "bad"] = "skip"


@dataclass(frozen=True, slots=True)
class Part:
    """An objective within a composite one, with its weight as a share of 1."""

    objective: str
    weight: Decimal


@dataclass(frozen=True, slots=True)
class GroupTarget:
    """The target of the groups that have these labels."""

    labels: Labels
    target: Decimal


@dataclass(frozen=True, slots=True)
class Tier:
    """A burn-rate alert of an objective: `burn_rate` times too fast in the last `long` and in the last `short` ms.

    `budget` is the share of the budget that is spent when it fires. `alert` is the alert's name, empty for the usual.
    """

    name: str
    budget: Decimal
    burn_rate: Decimal
    long: int
    short: int
    severity: str
    keep_firing_for: int = 0
    alert: str = ""
    owner: str = ""
    action: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    places: Places = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Maintenance:
    """When events do not count: from `start` to `end`, in Unix seconds, or where there are `weekdays` (Monday is 0),
    on each of them, in seconds since midnight in `time_zone`."""

    start: int
    end: int
    reason: str
    weekdays: tuple[int, ...] = ()
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Bad events that are added to the account of a budget at a time in Unix seconds."""

    at: int
    bad_events: float
    reason: str


@dataclass(frozen=True, slots=True)
class Objective:
    """A share of good events that must be kept over a period; durations in milliseconds, shares of 1.

    It judges an `indicator`, or as a composite its `parts`. `exhausted` and `no_data` are severities, or `ignore`, or
    empty for the default. `traffic_aware` thresholds weigh a burn by the events of the period; `min_events` is a guard
    on the long windows, and `bad_events` what fires without it.
    """

    name: str
    target: Decimal
    period: Period
    tiers: tuple[Tier, ...]
    indicator: str = ""
    parts: tuple[Part, ...] = ()
    targets: tuple[GroupTarget, ...] = ()
    slices: TimeSlices | None = None
    traffic_aware: bool = False
    min_events: int | None = None
    bad_events: int | None = None
    exhausted: str = ""
    no_data: str = ""
    maintenance: tuple[Maintenance, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    policy: str = ""
    description: str = ""
    summary: str = ""
    action: str = ""
    runbook: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    places: Places = field(default_factory=dict, compare=False, repr=False)

    @property
    def budget(self) -> Decimal:
        """The share of events that may be bad."""
        return 1 - self.target

    def place(self, *parts: str) -> Span:
        """Where the first of `parts` that was written stands, else the objective's name."""
        return self.places[next((part for part in parts if part in self.places), "name")]


@dataclass(frozen=True, slots=True)
class Spec:
    """One service: what it measures and what a person is told."""

    service: str
    source: Source
    owner: str = ""
    runbook: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    indicators: Mapping[str, Indicator] = field(default_factory=dict)
    alerts: tuple[Alert, ...] = ()
    objectives: tuple[Objective, ...] = ()
    places: Places = field(default_factory=dict, compare=False, repr=False)
