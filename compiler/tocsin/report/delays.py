"""An alert of a spec to the longest time that it takes to fire, by how much of its events are bad."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil

from tocsin.backtest.model import RuleVerdict
from tocsin.duration import format_duration
from tocsin.labels import EMPTY, Labels
from tocsin.plan.emit import condition_text
from tocsin.plan.lower import PlannedAlert
from tocsin.plan.objectives.account import Account
from tocsin.plan.objectives.arithmetic import Burning, Pace, burning, detection
from tocsin.quantity import Unit
from tocsin.report.numbers import duration
from tocsin.rules import AlertingRule

SHARES = (Fraction(1), Fraction(1, 10), Fraction(1, 100))
"""How large an outage is: all events are bad, one in ten, one in a hundred."""

JUST_ABOVE = Fraction(101, 100)
"""A little more than the budget lets through, as a multiple of it."""

STEADY = "at steady traffic"
AVERAGE = "at the average traffic of its period"
OVER_BUDGET = "just over\nbudget"

SIZES = (*(f"{float(share):.0%} bad" for share in SHARES), OVER_BUDGET)
"""What outages are called that all objectives have."""

Times = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Outages:
    """How long outages last at most until they fire an alert, in ms, one column of `times` for each of `sizes`.

    None where they never do. A row is of the groups with its labels, all others where it has none. It holds on the
    `terms`, as text.
    """

    sizes: tuple[str, ...]
    times: tuple[tuple[Labels, Times], ...]
    terms: str

    def longest(self, labels: Labels, size: str) -> int | None:
        """The time in one row, of one column."""
        return dict(self.times)[labels][self.sizes.index(size)]


@dataclass(frozen=True, slots=True)
class Delays:
    """How long an alert takes to fire after its condition became true, in ms, at most; and after an outage began.

    Outages are None where the condition is not on a share of events.
    """

    rule: AlertingRule
    delay: int
    outages: Outages | None = None


AllDelays = Mapping[tuple[str, str], Delays]
"""Those of the alerts that come from specs, by their groups and names."""


def told_by(delays: AllDelays, verdict: RuleVerdict) -> Delays | None:
    """What holds for an alert that was replayed; None where it was written by hand, if under the same names."""
    found = delays.get((verdict.group, verdict.rule.name))
    return found if found is not None and found.rule == verdict.rule else None


def of_rule(rule: AlertingRule, step: int) -> Delays:
    """What holds for any alert that is evaluated every `step` ms."""
    return Delays(rule, step + held(rule, step))


def of_alert(rule: AlertingRule, planned: PlannedAlert, pace: Pace) -> Delays:
    """What holds for a threshold alert."""
    return Delays(rule, of_rule(rule, pace.step).delay, _outages(rule, planned, pace))


def of_tier(rule: AlertingRule, own: Account, tier_name: str, pace: Pace) -> Delays:
    """What holds for the alert of a tier, at every target of its objective."""
    sizes = (*(f"{percent(share)} bad" for share in shares_of(own)), OVER_BUDGET)
    burns = [(labels, target, _burn(own, target, tier_name)) for labels, target in targets(own)]
    times = tuple(
        (labels, tuple(detection(unguarded(burn), share, pace) for share in (*shares_of(own), just_above(target))))
        for labels, target, burn in burns
    )
    traffic = AVERAGE if own.objective.traffic_aware else STEADY
    terms = (f"{traffic} without bad {noun(own)} before", *_enough(burns[0][-1], noun(own)))
    return Delays(rule, of_rule(rule, pace.step).delay, Outages(sizes, times, ", ".join(terms)))


def _burn(own: Account, target: Decimal, tier_name: str) -> Burning:
    return next(burn for tier, burn in burning(own, target) if tier.name == tier_name)


def _outages(rule: AlertingRule, planned: PlannedAlert, pace: Pace) -> Outages | None:
    """The window fills until the share in it passes the threshold, a scrape and an evaluation see it, `for` runs."""
    alert, window = planned.alert, planned.window
    is_share = planned.indicator.unit is Unit.RATIO and planned.indicator.smoothed
    if alert.condition.kind != "above" or not is_share or not window:
        return None
    threshold = Fraction(repr(alert.condition.thresholds[0].value))
    burn = Burning(window, window, threshold, min_events=alert.min_events or 0)
    seen = [detection(unguarded(burn), share, pace) for share in SHARES]
    times = tuple(None if one is None else one + held(rule, pace.step) for one in seen)
    terms = [f"{STEADY} without bad events before", *_enough(burn, "events")]
    if guard := alert.guard:
        terms.append(f"while `{guard.indicator}` is {condition_text(guard.condition)}")
    return Outages(SIZES[:-1], ((EMPTY, times),), ", ".join(terms))


def _enough(burn: Burning, what: str) -> Iterator[str]:
    """How many events an alert waits for."""
    long = format_duration(burn.long)
    if burn.min_events:
        yield f"with at least {burn.min_events:,} {what} in {long}"
    if burn.bad_events:
        yield f"once {burn.bad_events:,} {what} in {long} were bad"


def held(rule: AlertingRule, step: int) -> int:
    """How long `for` runs: whole evaluations."""
    return step * ceil(rule.for_ / step)


def unguarded(burn: Burning) -> Burning:
    """The alert at a traffic where events are never too few."""
    return Burning(burn.long, burn.short, burn.threshold, burn.keep_firing_for)


def targets(own: Account) -> Sequence[tuple[Labels, Decimal]]:
    """The targets of an objective, each with the labels of its groups: its own first, which has none."""
    return ((), own.objective.target), *((one.labels, one.target) for one in own.objective.targets)


def shares_of(own: Account) -> tuple[Fraction, ...]:
    """How large outages are, the largest first: of a composite, also those of single parts."""
    return tuple(sorted({*SHARES, *(Fraction(part.weight) for part in own.objective.parts)}, reverse=True))


def just_above(target: Decimal) -> Fraction:
    """The share of bad events that is a little more than a target lets through."""
    return Fraction(1 - target) * JUST_ABOVE


def noun(own: Account) -> str:
    return "slices" if own.objective.slices else "events"


def percent(share: Decimal | Fraction) -> str:
    return f"{float(share * 100):.6g}%"


def most(time: int | None) -> str:
    """The longest time until an outage fires an alert, if it does."""
    return "never" if time is None else duration(time)
