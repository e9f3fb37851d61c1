"""A backtest as JSON for programs: an interface, with times in Unix seconds and durations in seconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

from tocsin.alerts.timeline import Episode
from tocsin.backtest.model import (
    Backtest,
    IncidentVerdict,
    Load,
    Noise,
    NoisyAlert,
    ObjectiveVerdict,
    RuleVerdict,
    Score,
)
from tocsin.diagnostics import Problem
from tocsin.labels import Labels
from tocsin.notify.notification import Notification

Json: TypeAlias = Mapping[str, "Json"] | list["Json"] | Episode | Labels | str | int | float | bool | None
"""What stands in the document: episodes, of which there may be very many, and labels are written as they are."""


def to_json(backtest: Backtest) -> str:
    """The document, with one final line break. What did not happen in the window, or is not defined, is null.

    `notifications` is empty, and `noise` is null, where no Alertmanager was simulated.
    """
    window = backtest.window
    document: Json = {
        "window": {"start": seconds(window.start), "end": seconds(window.end), "step": seconds(window.step)},
        "observed": seconds(backtest.observed),
        "rules": [_rule(verdict) for verdict in backtest.rules],
        "score": _score(backtest.score),
        "severities": {name: _score(score) for name, score in backtest.severities},
        "notifications": [_notification(one) for one in backtest.notifications or ()],
        "noise": _noise(backtest.noise),
        "objectives": [_objective(verdict) for verdict in backtest.objectives],
        "incidents": [_incident(verdict) for verdict in backtest.incidents],
        "not_incidents": [_incident(verdict) for verdict in backtest.not_incidents],
        "problems": [_problem(problem) for problem in backtest.problems],
    }
    return _written(document) + "\n"


def seconds(ms: float | None) -> int | float | None:
    """Milliseconds as seconds, whole where they are whole.

    >>> seconds(1_500), seconds(2_000.0)
    (1.5, 2)
    """
    if ms is None:
        return None
    return int(ms // 1000) if ms % 1000 == 0 else ms / 1000


def _rule(verdict: RuleVerdict) -> Json:
    return {
        "group": verdict.group,
        "name": verdict.rule.name,
        "labels": dict(sorted(verdict.rule.labels.items())),
        "episodes": list(verdict.episodes),
        "score": _score(verdict.score),
    }


def _score(score: Score) -> Json:
    return {
        "fired": score.fired,
        "lost": score.lost,
        "fired_per_week": score.fired_per_week,
        "true": score.true,
        "false": score.false,
        "detected": score.detected,
        "missed": score.missed,
        "precision": score.precision,
        "recall": score.recall,
        "time_to_detect": seconds(score.time_to_detect),
        "time_to_reset": seconds(score.time_to_reset),
    }


def _notification(one: Notification) -> Json:
    return {
        "at": seconds(one.at),
        "receiver": one.receiver,
        "integration": one.integration,
        "group": one.group,
        "reason": str(one.reason),
        "firing": list(one.firing),
        "resolved": list(one.resolved),
    }


def _noise(noise: Noise | None) -> Json:
    if noise is None:
        return None
    return {
        "time_zone": noise.zone,
        "receivers": [_load(load) for load in noise.receivers],
        "owners": [_load(load) for load in noise.owners],
        "severities": [_load(load) for load in noise.severities],
        "alerts": [_noisy(alert) for alert in noise.alerts],
    }


def _load(load: Load) -> Json:
    return {
        "name": load.name,
        "notifications": load.notifications,
        "pages": load.pages,
        "pages_per_week": load.pages_per_week,
        "pages_by_night": load.by_night,
    }


def _noisy(alert: NoisyAlert) -> Json:
    return {
        "group": alert.verdict.group,
        "name": alert.verdict.rule.name,
        "notifications": alert.notifications,
        "share": alert.share,
        "pages": alert.pages,
        "pages_per_week": alert.pages_per_week,
        "inactive": seconds(alert.inactive),
        "pending": seconds(alert.pending),
        "firing": seconds(alert.firing),
    }


def _objective(verdict: ObjectiveVerdict) -> Json:
    return {
        "service": verdict.service,
        "name": verdict.name,
        "period": seconds(verdict.period),
        "events": verdict.events,
        "bad_events": verdict.bad,
        "budget_spent": verdict.spent,
        "tiers": [
            {
                "name": tier,
                "rule": one.rule.name,
                "severity": one.rule.labels.get("severity", ""),
                "score": _score(one.score),
            }
            for tier, one in verdict.rules
        ],
        "incidents": [
            {
                "name": one.incident.name,
                "rule": one.first.rule,
                "severity": one.severity,
                "at": seconds(one.first.at),
                "budget_spent": one.spent,
            }
            for one in verdict.incidents
        ],
    }


def _incident(verdict: IncidentVerdict) -> Json:
    incident = verdict.incident
    return {
        "name": incident.name,
        "start": seconds(incident.start),
        "end": seconds(incident.end),
        "labels": incident.labels,
        "details": incident.details,
        "detected": verdict.detected,
        "detections": [
            {
                "at": seconds(detection.at),
                "group": detection.group,
                "rule": detection.rule,
                "labels": detection.episode.labels,
            }
            for detection in verdict.detections
        ],
    }


def _problem(problem: Problem) -> Json:
    return {
        "code": problem.code,
        "severity": str(problem.severity),
        "message": problem.message,
        "path": problem.span.source.path,
        "line": problem.span.line,
        "column": problem.span.column,
        "label": problem.label,
        "help": problem.help,
    }


_plain = json.JSONEncoder(allow_nan=False).encode


def _written(value: Json, line: str = "\n") -> str:
    """A value as `json.dumps` writes it with `indent=2`, five times as fast; `line` begins a line at its depth."""
    inner = line + "  "
    match value:
        case Episode():
            return _episode(value, line)
        case tuple():
            return _labels(value, line)
        case list() if value:
            return f"[{inner}{f',{inner}'.join([_written(one, inner) for one in value])}{line}]"
        case Mapping() if value:
            pairs = [f"{_plain(name)}: {_written(one, inner)}" for name, one in value.items()]
            return f"{{{inner}{f',{inner}'.join(pairs)}{line}}}"
    return _plain(value)


def _episode(episode: Episode, line: str) -> str:
    inner = line + "  "
    pending, firing, resolved = (
        "null" if time is None else repr(seconds(time)) for time in (episode.pending, episode.firing, episode.resolved)
    )
    return (
        f'{{{inner}"labels": {_labels(episode.labels, inner)},{inner}"pending": {pending},{inner}"firing": {firing},'
        f'{inner}"resolved": {resolved},{inner}"annotations": {_labels(episode.annotations, inner)}{line}}}'
    )


@lru_cache(maxsize=4096)
def _labels(labels: Labels, line: str) -> str:
    """Labels, which come again and again."""
    return _written(dict(labels), line)
