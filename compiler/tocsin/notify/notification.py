"""What somebody is told: one message to one receiver about one group of alerts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tocsin.labels import Labels


class Reason(StrEnum):
    """Why Alertmanager notified (notify/notify.go `needsUpdate`)."""

    FIRST = "first"
    NEW = "new alerts"
    SOME_RESOLVED = "some resolved"
    ALL_RESOLVED = "all resolved"
    REPEAT = "repeat"


@dataclass(frozen=True, slots=True)
class Notification:
    """`at` is in Unix milliseconds; `integration` is its kind and its place in the receiver, `webhook[0]`.

    `group` are the labels that the alerts were grouped by; `firing` and `resolved` the alerts in the message, sorted.
    """

    at: int
    receiver: str
    integration: str
    group: Labels
    reason: Reason
    firing: tuple[Labels, ...]
    resolved: tuple[Labels, ...] = ()
