"""What an alerting rule does over time: episodes, each from the first matching evaluation to the last."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.labels import Labels
from tocsin.rules import AlertingRule

NEVER = (1 << 63) - 1
"""The time, in columns of them, of what did not happen."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One life of one alert; times are those of evaluations, in Unix milliseconds.

    `pending` is Prometheus's ActiveAt; `firing` its FiredAt, None where it never fired; `resolved` the first
    evaluation at which it was neither pending nor firing, None where the window ends before. An episode with
    `resolved` but without `firing` is a pending alert that was lost. `annotations` are, of an episode that fired, those
    of the last evaluation that returned the alert; without those of which the text is not known.
    """

    labels: Labels
    pending: int
    firing: int | None = None
    resolved: int | None = None
    annotations: Labels = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Evaluations that failed alike: Prometheus left the alerts as they were. Times in Unix milliseconds."""

    message: str
    first: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class Timeline:
    """All episodes of one rule, in the order of `pending`, then of their labels, and what failed on the way."""

    group: str
    rule: AlertingRule
    interval: int
    episodes: tuple[Episode, ...] = ()
    failures: tuple[Failure, ...] = ()
