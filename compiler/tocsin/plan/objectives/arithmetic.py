"""A target, windows and traffic to what they allow: how many events, and how long until an alert fires and ends.

All of it holds for steady traffic with a constant share of bad events while an outage lasts, and none before or after
it. Durations are milliseconds, traffic is events a second, shares are of 1; everything is exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from tocsin.plan.objectives.account import Account
from tocsin.plan.objectives.burn import bad_events, stand_in
from tocsin.spec.model import Tier

HOUR = 3_600_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How often counters are scraped and rules evaluated, in ms: what a rule sees is up to one of each old."""

    scrape: int
    step: int


@dataclass(frozen=True, slots=True)
class Burning:
    """When an alert fires: in both windows more than `threshold` of the events are bad.

    It is silent where its long window has less than `min_events`, or less than `bad_events` bad ones.
    """

    long: int
    short: int
    threshold: Fraction
    keep_firing_for: int = 0
    min_events: int = 0
    bad_events: int = 0


def burning(own: Account, target: Decimal) -> Iterator[tuple[Tier, Burning]]:
    """What fires each tier of an objective at a target (its own, or that of some groups); the stand-in last."""
    extra = stand_in(own)
    for tier in own.objective.tiers:
        yield tier, _burning(tier, target, min_events=own.objective.min_events or 0)
    if extra is not None:
        yield extra, _burning(extra, target, bad_events=bad_events(own))


def _burning(tier: Tier, target: Decimal, min_events: int = 0, bad_events: int = 0) -> Burning:
    threshold = Fraction(tier.burn_rate) * Fraction(1 - target)
    return Burning(tier.long, tier.short, threshold, tier.keep_firing_for, min_events, bad_events)


def full_outage(target: Decimal, period: int) -> int:
    """How long everything may fail, at steady traffic, until the budget is spent.

    >>> full_outage(Decimal("0.999"), 30 * 24 * HOUR) / 60_000
    43.2
    """
    return floor(Fraction(1 - target) * period)


def events(traffic: Fraction, length: int) -> Fraction:
    """The events in a stretch of time.

    >>> events(Fraction(100), HOUR)
    Fraction(360000, 1)
    """
    return traffic * length / 1000


def least_bad(burn: Burning, traffic: Fraction) -> int | None:
    """The smallest number of bad events that fires an alert; None where it takes more than there are.

    They lie in the short window, which is a part of the long one.

    >>> least_bad(Burning(HOUR, HOUR // 12, Fraction(144, 10_000)), Fraction(1))
    52
    """
    whole = events(traffic, burn.long)
    least = max(floor(burn.threshold * whole) + 1, burn.bad_events)
    return least if whole >= burn.min_events and least <= whole else None


def crossing(burn: Burning, share: Fraction, traffic: Fraction | None = None) -> Fraction | None:
    """How long an outage lasts until its condition holds; None where it never does. Without traffic there is enough."""
    if share <= burn.threshold:
        return None
    filled = burn.threshold * burn.long / share
    if traffic is not None:
        if events(traffic, burn.long) < burn.min_events:
            return None
        filled = max(filled, burn.bad_events * 1000 / (traffic * share))
    return filled if filled <= burn.long else None


def detection(burn: Burning, share: Fraction, pace: Pace, traffic: Fraction | None = None) -> int | None:
    """The longest time from the start of an outage to its alert.

    The long window fills, a scrape sees it, and an evaluation after that.

    >>> detection(Burning(HOUR, HOUR // 12, Fraction(144, 10_000)), Fraction(1), Pace(15_000, 60_000))
    126840
    """
    filled = crossing(burn, share, traffic)
    return None if filled is None else floor(filled) + pace.scrape + pace.step


def reset(burn: Burning, share: Fraction, outage: int, pace: Pace) -> int | None:
    """The longest time from the end of an outage to that of its alert; None where the outage is too short to fire it.

    The short window drains until the share in it is no more than the threshold, and `keep_firing_for` runs.

    >>> reset(Burning(HOUR, HOUR // 12, Fraction(144, 10_000)), Fraction(1), HOUR, Pace(15_000, 60_000))
    370680
    """
    filled = crossing(burn, share)
    if filled is None or filled >= outage:
        return None
    drained = burn.short * (1 - burn.threshold / share)
    return ceil(drained) + pace.scrape + pace.step * (1 + ceil(Fraction(burn.keep_firing_for, pace.step)))


def exhaustion(tier: Tier, period: int) -> int:
    """How long a whole budget lasts at the burn rate of a tier."""
    return floor(period / Fraction(tier.burn_rate))
