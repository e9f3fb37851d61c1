"""The model of a spec: what its author meant, each value with the place where it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tocsin.diagnostics import Source, Span
from tocsin.indicators.api import Indicator
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
class Spec:
    """One service: what it measures and what a person is told."""

    service: str
    source: Source
    owner: str = ""
    runbook: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    indicators: Mapping[str, Indicator] = field(default_factory=dict)
    alerts: tuple[Alert, ...] = ()
    places: Places = field(default_factory=dict, compare=False, repr=False)
