"""An alert that makes noise to the mildest change that would have kept it within a limit, on the same recording.

Every proposal has been replayed: the alert still fires, and every incident that it caught is still caught, by itself or
at least by another alert.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tocsin.alerts.timeline import Episode
from tocsin.backtest.findings.api import Subject, times
from tocsin.backtest.measure import MINUTE, fired
from tocsin.duration import format_duration
from tocsin.quantity import Unit, format_quantity, parse_quantity

Kind: TypeAlias = Literal["for", "keep_firing_for", "threshold"]
Meets: TypeAlias = Callable[[Sequence[Episode]], bool]
"""Whether episodes keep within the limit that the alert exceeds."""

Tell: TypeAlias = Callable[[Sequence[Episode]], str]
"""What an alert would have done, as the words after `it would have`."""

DURATIONS = tuple(minutes * MINUTE for minutes in (1, 2, 3, 4, 5, 7, 10, 12, 15, 20, 25, 30, 40, 45, 60, 90, 120))
"""What people write. Who waits longer than two hours needs another indicator."""


@dataclass(frozen=True, slots=True)
class Change:
    """What to write, and what the alert would have done then."""

    text: str
    episodes: Sequence[Episode]


def propose(subject: Subject, meets: Meets, *kinds: Kind, tell: Tell | None = None) -> str:
    """The mildest change of each kind that meets a limit, and what `tell` says it would do; or that there is none."""
    found = [change for kind in kinds if (change := _first(subject, kind, meets))]
    if found:
        outcomes = ((one.text, tell(one.episodes) if tell else _outcome(subject, one.episodes)) for one in found)
        return "; or ".join(f"write {text}: it would have {outcome}" for text, outcome in outcomes)
    if subject.knows_incidents and not subject.caught(subject.episodes):
        return "it told of no incident: remove it, or watch what people notice"
    names = [_NAMES[kind] for kind in kinds if kind != "threshold" or subject.limit]
    lost = " without losing an incident" if subject.knows_incidents else ""
    return f"no {' and no '.join(names)} would keep it within that{lost}: watch another indicator"


_NAMES: dict[Kind, str] = {
    "for": "`for` of up to 2h",
    "keep_firing_for": "`keep_firing_for` of up to 2h",
    "threshold": "stricter threshold",
}


def _first(subject: Subject, kind: Kind, meets: Meets) -> Change | None:
    """The mildest change that loses no incident, else the mildest that loses none which no other alert catches."""
    before = subject.caught(subject.episodes)
    shared = subject.shared()
    second = None
    for change in _changes(subject, kind):
        if fired(change.episodes) and meets(change.episodes):
            caught = subject.caught(change.episodes)
            if before <= caught:
                return change
            if second is None and caught and before - shared <= caught:
                second = change
    return second


def _changes(subject: Subject, kind: Kind) -> Iterator[Change]:
    """The changes of a kind, mildest first, each replayed."""
    rule, what_if = subject.rule, subject.what_if
    if kind == "threshold":
        for limit in what_if.thresholds(subject.incident_spans()) if subject.limit else ():
            episodes = what_if.episodes(for_=rule.for_, keep_firing_for=rule.keep_firing_for, threshold=limit)
            yield Change(f"`{threshold_text(subject, limit)}`", episodes)
        return
    now = rule.for_ if kind == "for" else rule.keep_firing_for
    for duration in (one for one in DURATIONS if one > now):
        for_, keep = (duration, rule.keep_firing_for) if kind == "for" else (rule.for_, duration)
        episodes = what_if.episodes(for_=for_, keep_firing_for=keep)
        yield Change(f"`{kind}: {format_duration(duration)}`", episodes)


def _outcome(subject: Subject, episodes: Sequence[Episode]) -> str:
    before, now = len(fired(subject.episodes)), len(fired(episodes))
    told = f"fired {times(now)} instead of {times(before)}"
    if not subject.knows_incidents:
        return told
    kept = len(subject.caught(episodes))
    lost = len(subject.caught(subject.episodes)) - kept
    caught = f" and still caught {kept} incident{'s' * (kept != 1)}" if kept else ""
    elsewhere = f"; the other {lost} would be left to other alerts" if lost > 0 else ""
    return f"{told}, {times(now - subject.useful(episodes))} for nothing,{caught}".rstrip(",") + elsewhere


def threshold_text(subject: Subject, limit: float) -> str:
    """A threshold as the alert's author wrote the old one: with its unit in a spec, as a comparison in PromQL."""
    assert subject.limit is not None
    upwards = subject.limit.op in (">", ">=")
    try:
        unit = parse_quantity(subject.place("expr").text.strip("'\"")).unit
    except ValueError:
        return f"{subject.limit.op} {limit:g}"
    return f"{'above' if upwards else 'below'}: {format_quantity(limit, Unit(unit))}"
