"""What the command line says of an Alertmanager, and a verdict, to the verdict with the notifications about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tocsin.alerts.replay import Schedule
from tocsin.backtest.model import Backtest
from tocsin.backtest.pages import Wakes
from tocsin.diagnostics import Problem, ProblemError, Problems, Severity, Text
from tocsin.pipeline.inputs import Inputs
from tocsin.routingfile.release import Release
from tocsin.textfile import read_source

if TYPE_CHECKING:
    from tocsin.notify.alertmanager import Alertmanager
    from tocsin.plan.emit import Compiled


@dataclass(frozen=True, slots=True)
class Desk:
    """Where alerts arrive: an Alertmanager, None where nothing is known of one; and when its people sleep."""

    alertmanager: Alertmanager | None
    zone: tzinfo
    wakes: Wakes

    def notify(self, verdict: Backtest) -> Backtest:
        """The verdict with its notifications, and how much they are."""
        if self.alertmanager is None:
            return verdict
        from tocsin.backtest.noise import noise, notified

        told = notified(verdict, self.alertmanager)
        return replace(told, noise=noise(told, self.wakes, self.zone))


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says: two files, a release, and a time zone (`Europe/Paris`)."""

    alertmanager: Path | None
    silences: Path | None
    release: Release
    zone: str


def read_desk(
    given: Given, inputs: Inputs, compiled: Sequence[Compiled], schedule: Schedule, problems: Problems
) -> Desk:
    """The Alertmanager of a file, else the one that the specs compile to; what is faulty goes to `problems`.

    Raises ProblemError where a file cannot be read, and where the time zone is not known.
    """
    alertmanager = None
    if given.alertmanager or given.silences or (compiled and inputs.settings.receivers):
        alertmanager = _alertmanager(given, inputs, compiled, problems)
    if alertmanager is not None and schedule.outages:
        problems.add(_outages_unknown(schedule))
    return Desk(alertmanager, _zone(given.zone), inputs.settings.wakes)


def _alertmanager(
    given: Given, inputs: Inputs, compiled: Sequence[Compiled], problems: Problems
) -> Alertmanager | None:
    from tocsin.notify.alertmanager import Alertmanager  # a tenth of what a backtest imports, without notifications
    from tocsin.notify.semantics import Semantics
    from tocsin.notify.silencefile import read_silences
    from tocsin.routingfile.read import read_routing
    from tocsin.targets.alertmanager import routing

    found = None
    if given.alertmanager is not None:
        found = read_routing(read_source(given.alertmanager), problems, given.release)
    elif compiled and inputs.settings.receivers:
        found = routing(compiled, inputs.settings)
    silences = read_silences(read_source(given.silences), problems) if given.silences else ()
    if given.silences and found is None and not problems.errors:
        span = Text.of(str(given.silences), "--silences").span
        message = "there is no Alertmanager that could be silent: rule files have no receivers"
        problems.add(Problem("input/silences", message, span, help="give its configuration with --alertmanager"))
    return Alertmanager(found, silences, Semantics(given.release)) if found else None


def _outages_unknown(schedule: Schedule) -> Problem:
    first = schedule.outages[0]
    span = Text.of(f"{first.start / 1000:g}/{first.end / 1000:g}", "--outage").span
    message = "notifications are those of an Alertmanager that is told of alerts during an outage, too"
    help = "a real one takes them for resolved after four minutes, or four evaluation intervals"
    return Problem("backtest/outage", message, span, severity=Severity.WARNING, help=help)


def _zone(name: str) -> tzinfo:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        span = Text.of(name, "--time-zone").span
        help = "write a name such as `Europe/Paris`"
        raise ProblemError(Problem("input/time-zone", f"`{name}` is not a time zone", span, help=help)) from None
