"""What a backtest finds: episodes, incidents and scores, as frozen values that reports read.

All times are Unix milliseconds and all durations milliseconds. A score that is not defined is None, never 0 or 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tocsin.alerts.timeline import Episode, Timeline
from tocsin.diagnostics import Problem, Span
from tocsin.labels import EMPTY, Labels
from tocsin.notify.notification import Notification
from tocsin.rules import AlertingRule

if TYPE_CHECKING:
    from tocsin.alerts.replay import Replay  # it evaluates, and pages of rules are shown without
    from tocsin.notify.alertmanager import Alertmanager


@dataclass(frozen=True, slots=True)
class Window:
    """Evaluations from `start` to `end`, both inclusive; `step` is the interval of groups that give none."""

    start: int
    end: int
    step: int


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that people should act on (or, among `not_incidents`, should not be woken for).

    `labels` narrow the alerts that it can be matched with; `details` are the other keys of the file, as text.
    """

    name: str
    start: int
    end: int
    labels: Labels = EMPTY
    details: tuple[tuple[str, str], ...] = ()
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Incidents:
    incidents: tuple[Incident, ...] = ()
    not_incidents: tuple[Incident, ...] = ()


@dataclass(frozen=True, slots=True)
class Detection:
    """An episode that fired for an incident: of which rule, and when it fired."""

    group: str
    rule: str
    episode: Episode

    @property
    def at(self) -> int:
        assert self.episode.firing is not None
        return self.episode.firing


@dataclass(frozen=True, slots=True)
class IncidentVerdict:
    """An incident and what fired for it, in the order of firing; none where it was missed."""

    incident: Incident
    detections: tuple[Detection, ...] = ()

    @property
    def detected(self) -> bool:
        return bool(self.detections)


@dataclass(frozen=True, slots=True)
class Score:
    """How well a rule, or several rules together, tell incidents.

    `fired` counts the episodes that fired, of whatever severity, `lost` those that never got beyond pending. What
    compares them with incidents is None where no incidents were given; a ratio or a median over nothing is None.
    """

    fired: int
    lost: int
    fired_per_week: float | None
    true: int | None = None
    false: int | None = None
    detected: int | None = None
    missed: int | None = None
    precision: float | None = None
    recall: float | None = None
    time_to_detect: float | None = None
    time_to_reset: float | None = None


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    timeline: Timeline
    score: Score

    @property
    def group(self) -> str:
        return self.timeline.group

    @property
    def rule(self) -> AlertingRule:
        return self.timeline.rule

    @property
    def episodes(self) -> tuple[Episode, ...]:
        return self.timeline.episodes


@dataclass(frozen=True, slots=True)
class Load:
    """How much a receiver or an owner is told: notifications, and those among them that wake somebody, some by night.

    `pages_per_week` is None where nothing was recorded.
    """

    name: str
    notifications: int
    pages: int
    pages_per_week: float | None
    by_night: int


@dataclass(frozen=True, slots=True)
class NoisyAlert:
    """In how many notifications a rule's alerts stand, their share of all, and for how long it was in each state.

    `pages` are those that it is among, alone or with others. It is `firing` while one of its alerts is, else `pending`
    while one is, else inactive; in milliseconds.
    """

    verdict: RuleVerdict
    notifications: int
    share: float | None
    pages: int
    pages_per_week: float | None
    inactive: int
    pending: int
    firing: int


@dataclass(frozen=True, slots=True)
class Noise:
    """How much notifications are, by receiver, by owner, by severity, and by alert with the noisiest first.

    By night is from 22:00 to 08:00 in the time zone `zone`.
    """

    zone: str
    receivers: tuple[Load, ...] = ()
    owners: tuple[Load, ...] = ()
    severities: tuple[Load, ...] = ()
    alerts: tuple[NoisyAlert, ...] = ()


@dataclass(frozen=True, slots=True)
class Spending:
    """An incident, the first alert of an objective for it, and the budget that was spent by then since its start.

    A page comes before what wakes nobody. `spent` is a share of the budget of a whole period at the traffic of the
    recording; None where the objective counts no events.
    """

    incident: Incident
    first: Detection
    severity: str
    spent: float | None


@dataclass(frozen=True, slots=True)
class ObjectiveVerdict:
    """What a recording did to an objective, and how well its alerts told of it: those of `rules`, by their tier.

    `events` and `bad` were counted in the window; `spent` is the share of the budget of a whole `period` (in ms) that
    they are, at the traffic of the recording. All three are None where the objective counted no events. What is made
    of other objectives counts none itself, and spends as they do, by their weights.
    """

    service: str
    name: str
    period: int
    rules: tuple[tuple[str, RuleVerdict], ...]
    events: float | None = None
    bad: float | None = None
    spent: float | None = None
    incidents: tuple[Spending, ...] = ()


@dataclass(frozen=True, slots=True)
class Backtest:
    """The verdict on rules over a window; `observed` is how much of it the recording has samples for.

    `incidents` are those within the window, `not_incidents` with what paged for them; `rules` stand in the order
    of the groups. `severities` are the scores of the rules of each severity, by its name (empty where a rule has none).
    `problems` tells what could not be evaluated, and what is only noise. `replay` is what was judged. `objectives` are
    those whose rules were replayed. `notifications`, in the order of time, are those of `alertmanager`; None, as
    `noise` is, where none is known.
    """

    window: Window
    observed: int
    rules: tuple[RuleVerdict, ...]
    score: Score
    incidents: tuple[IncidentVerdict, ...] = ()
    not_incidents: tuple[IncidentVerdict, ...] = ()
    problems: tuple[Problem, ...] = ()
    severities: tuple[tuple[str, Score], ...] = ()
    alertmanager: Alertmanager | None = None
    notifications: tuple[Notification, ...] | None = None
    noise: Noise | None = None
    objectives: tuple[ObjectiveVerdict, ...] = ()
    replay: Replay | None = field(default=None, compare=False, repr=False)
