"""An Alertmanager, as a file and people configure it, and timelines to the notifications that it would send."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tocsin.alerts.timeline import Timeline
from tocsin.notify.notification import Notification
from tocsin.notify.semantics import Semantics
from tocsin.notify.silences import Silence
from tocsin.notify.simulate import simulate
from tocsin.routing import Routing


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """A configuration, the silences that people set, and the release that is simulated."""

    routing: Routing
    silences: tuple[Silence, ...]
    semantics: Semantics

    def notifications(self, timelines: Iterable[Timeline], start: int, end: int) -> tuple[Notification, ...]:
        """See `tocsin.notify.simulate.simulate`."""
        return simulate(timelines, self.routing, self.silences, start, end, self.semantics)
