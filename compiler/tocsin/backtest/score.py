"""Episodes and incidents to scores: which of them fired for something, what was missed, and how late."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from tocsin.alerts.timeline import Episode, Timeline
from tocsin.backtest.model import Detection, Incident, IncidentVerdict, Score, Window
from tocsin.labels import get

TOLERANCE = 300_000
"""How long, in milliseconds, before the start and after the end of an incident an alert may begin to fire for it.

Windows and `for` make alerts late; five minutes is the window of the fastest common alerts. People note the start of
an incident late; but what fires for longer before it was not told of it: nobody is told anew, and whoever was told
found nothing.
"""

WEEK = 604_800_000


@dataclass(frozen=True, slots=True)
class Claim:
    """An incident, and from when until when what begins to fire is taken to be for it."""

    incident: Incident
    since: int
    until: int


def claims(incidents: Sequence[Incident], others: Sequence[Incident], window: Window, tolerance: int) -> list[Claim]:
    """The incidents in the window. What begins among `others` ends the tolerance: what fires then is for that."""
    within = [one for one in incidents if one.start <= window.end and one.end >= window.start]
    return [
        Claim(
            one,
            one.start - tolerance,
            min([one.end + tolerance, *(other.start for other in others if other.start > one.end)]),
        )
        for one in within
    ]


def verdicts(timelines: Sequence[Timeline], claimed: Sequence[Claim]) -> tuple[IncidentVerdict, ...]:
    """What fired for each incident."""
    return tuple(
        IncidentVerdict(claim.incident, tuple(sorted(_detections(timelines, claim), key=lambda one: one.at)))
        for claim in claimed
    )


def blamed(
    timelines: Sequence[Timeline], claimed: Sequence[Claim], excused: Sequence[Claim]
) -> tuple[IncidentVerdict, ...]:
    """What fired for each of what nobody should be woken for, unless an incident excuses it."""
    unexcused = [
        Timeline(
            one.group, one.rule, one.interval, tuple(e for e in one.episodes if not any(fits(e, c) for c in excused))
        )
        for one in timelines
    ]
    return verdicts(unexcused, claimed)


def _detections(timelines: Sequence[Timeline], claim: Claim) -> Iterable[Detection]:
    return (
        Detection(timeline.group, timeline.rule.name, episode)
        for timeline in timelines
        for episode in timeline.episodes
        if fits(episode, claim)
    )


def fits(episode: Episode, claim: Claim) -> bool:
    """Whether an episode began to fire for an incident, with no label that says it was another.

    That is during it, soon after it, or so shortly before it that it still fires when it starts.
    """
    if episode.firing is None or not claim.since <= episode.firing <= claim.until:
        return False
    over = episode.resolved is not None and episode.resolved <= claim.incident.start
    return not over and all(get(episode.labels, name) in ("", value) for name, value in claim.incident.labels)


def score(episodes: Sequence[Episode], found: Sequence[IncidentVerdict] | None, observed: int) -> Score:
    """The score of the episodes of one or of several rules; `found` is what they detected, None without incidents.

    Times to detect and to reset are medians over the detected incidents, to the first that fires for one, and to the
    last one's end; an alert that fires already when the incident starts, or is over before it ends, counts as 0.
    """
    fired = [episode for episode in episodes if episode.firing is not None]
    weekly = len(fired) / (observed / WEEK) if observed > 0 else None
    if found is None:
        return Score(len(fired), len(episodes) - len(fired), weekly)
    true = len({id(one.episode) for verdict in found for one in verdict.detections})
    detected = [verdict for verdict in found if verdict.detections]
    return Score(
        fired=len(fired),
        lost=len(episodes) - len(fired),
        fired_per_week=weekly,
        true=true,
        false=len(fired) - true,
        detected=len(detected),
        missed=len(found) - len(detected),
        precision=true / len(fired) if fired else None,
        recall=len(detected) / len(found) if found else None,
        time_to_detect=_median(max(0, one.detections[0].at - one.incident.start) for one in detected),
        time_to_reset=_median(max(0, end - one.incident.end) for one in detected if (end := _reset(one)) is not None),
    )


def _reset(verdict: IncidentVerdict) -> int | None:
    """When the last alert for an incident was resolved; None while one still fires."""
    last = max(math.inf if one.episode.resolved is None else one.episode.resolved for one in verdict.detections)
    return None if math.isinf(last) else int(last)


def _median(durations: Iterable[int]) -> float | None:
    known = sorted(durations)
    return float(median(known)) if known else None
