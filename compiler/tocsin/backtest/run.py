"""Rule groups, a recording and incidents to the verdict of a backtest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tocsin.alerts.reach import covered
from tocsin.alerts.replay import STEADY, Schedule, replay
from tocsin.alerts.timeline import Timeline
from tocsin.backtest.model import Backtest, Incident, Incidents, RuleVerdict, Score, Window
from tocsin.backtest.score import TOLERANCE, blamed, claims, score, verdicts
from tocsin.diagnostics import Problem, Severity
from tocsin.engine.evaluate import DEFAULT
from tocsin.engine.semantics import Semantics
from tocsin.rules import RuleGroup
from tocsin.series import Recording

SEVERITY = "severity"
"""The label that says how urgent an alert is."""


def backtest(
    groups: Sequence[RuleGroup],
    recording: Recording,
    incidents: Incidents | None = None,
    start: int | None = None,
    end: int | None = None,
    semantics: Semantics = DEFAULT,
    tolerance: int = TOLERANCE,
    schedule: Schedule = STEADY,
) -> Backtest:
    """Replay all groups from `start` to `end` (Unix milliseconds; the recording's extent) and score what fired.

    A group without an interval has `semantics.evaluation_interval`. What cannot be evaluated is left out and told in
    the problems. Without incidents, what compares with them is None.
    """
    start = recording.extent[0] if start is None else start
    window = Window(start, recording.extent[1] if end is None else end, semantics.evaluation_interval)
    done = replay(groups, recording, window.start, window.end, semantics, schedule)
    observed = covered(done.samples, semantics.lookback, window.start, window.end)
    known = incidents or Incidents()
    real = claims(known.incidents, known.not_incidents, window, tolerance)
    harmless = claims(known.not_incidents, known.incidents, window, tolerance)

    def judge(*timelines: Timeline) -> Score:
        episodes = [episode for timeline in timelines for episode in timeline.episodes]
        return score(episodes, None if incidents is None else verdicts(timelines, real), observed)

    return Backtest(
        window,
        observed,
        tuple(RuleVerdict(timeline, judge(timeline)) for timeline in done.timelines),
        judge(*done.timelines),
        verdicts(done.timelines, real),
        blamed(done.timelines, harmless, real),
        (*done.problems, *_outside(known, [claim.incident for claim in (*real, *harmless)])),
        tuple((name, judge(*some)) for name, some in _by_severity(done.timelines)),
        replay=done,
    )


def _by_severity(timelines: Sequence[Timeline]) -> Iterator[tuple[str, list[Timeline]]]:
    names = sorted({one.rule.labels.get(SEVERITY, "") for one in timelines})
    return ((name, [one for one in timelines if one.rule.labels.get(SEVERITY, "") == name]) for name in names)


def _outside(known: Incidents, inside: Sequence[Incident]) -> Iterator[Problem]:
    """That incidents lie outside the window, where some do."""
    out = [one for one in (*known.incidents, *known.not_incidents) if one not in inside]
    if out and (span := out[0].span):
        names = ", ".join(f"`{one.name}`" for one in out[:5]) + (", ..." if len(out) > 5 else "")
        message = f"{len(out)} incident{'s lie' if len(out) > 1 else ' lies'} outside the window, not scored: {names}"
        yield Problem("backtest/outside-window", message, span, severity=Severity.INFO)
