"""The tiers of an objective to the shares of bad events in their windows, and the alerts on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil

from tocsin.plan import names
from tocsin.plan.objectives.account import Account
from tocsin.plan.objectives.targets import by_target
from tocsin.promql import build
from tocsin.promql.ast import Expr
from tocsin.rules import RecordingRule
from tocsin.spec.burn_rates import exact
from tocsin.spec.model import Tier
from tocsin.spec.settings import MINUTE

DAY = 24 * 60 * MINUTE
LEAST_BAD = 10
"""Bad events that are no accident: with fewer, chance alone moves their share by a third (Poisson)."""


@dataclass(frozen=True, slots=True)
class Burn:
    """A tier as PromQL: it fires where `expr` has a result; `bad_events` is set where it counts them."""

    tier: Tier
    expr: Expr
    bad_events: int = 0


def windows(own: Account) -> list[int]:
    """Every window of the tiers in ms, the shortest first."""
    tiers = (*own.objective.tiers, *filter(None, (stand_in(own),)))
    return sorted({window for tier in tiers for window in (tier.short, tier.long)})


def ratios(own: Account, ratio: Callable[[int], Expr]) -> Iterator[RecordingRule]:
    """A rule for each window: the share of bad events in it."""
    for window in windows(own):
        yield own.record(
            names.error_ratio(window), ratio(window), "The share of bad events; time not seen counts as good."
        )


def burns(own: Account) -> Iterator[Burn]:
    """The alerts of all tiers, the most urgent first, and the one that stands in for what `min_events` hides."""
    yield from (Burn(tier, _guarded(own, tier, _condition(own, tier))) for tier in own.objective.tiers)
    tier = stand_in(own)
    if tier is not None:
        least = bad_events(own)
        counted = build.compare(own.sum(names.BAD_EVENTS, tier.long), ">=", build.number(least))
        yield Burn(tier, build.binary(_fixed(own, tier), "and", counted), least)


def _condition(own: Account, tier: Tier) -> Expr:
    return _traffic_aware(own, tier) if own.objective.traffic_aware else _fixed(own, tier)


def _fixed(own: Account, tier: Tier) -> Expr:
    """The share of bad events in both windows is above what the tier allows."""

    def burning(target: Decimal, narrow: Callable[[Expr], Expr]) -> Expr:
        threshold = build.number(float(tier.burn_rate * (1 - target)))
        short, long = (narrow(own.select(names.error_ratio(window))) for window in (tier.short, tier.long))
        return build.binary(build.compare(short, ">", threshold), "and", build.compare(long, ">", threshold))

    return by_target(own, burning)


def _traffic_aware(own: Account, tier: Tier) -> Expr:
    """The long window has as many bad events as the tier's share of the whole period's budget.

    The threshold is `events of the period / events of the window * share of the budget * (1 - target)`, so that a
    quiet hour, which can spend little of the budget, does not fire (pyrra-dev/pyrra#1602).
    """
    # The period's sums are in a group of a longer interval, and may be two of its steps old.
    seen, covered = (
        build.call("last_over_time", build.over(own.select(name), 2 * own.coarse_step))
        for name in (names.TOTAL_IN_PERIOD, names.COVERED)
    )
    whole = build.binary(seen, "/", covered)
    per_window = build.binary(whole, "/", own.sum(names.TOTAL_EVENTS, tier.long))

    def burning(target: Decimal, narrow: Callable[[Expr], Expr]) -> Expr:
        threshold = build.binary(build.number(float(tier.budget * (1 - target))), "*", per_window)
        short, long = (narrow(own.select(names.error_ratio(window))) for window in (tier.short, tier.long))
        return build.binary(build.compare(short, ">", threshold), "and", build.compare(long, ">", threshold))

    return by_target(own, burning)


def _guarded(own: Account, tier: Tier, expr: Expr) -> Expr:
    least = own.objective.min_events
    if least is None:
        return expr
    return build.binary(expr, "and", build.compare(own.sum(names.TOTAL_EVENTS, tier.long), ">=", build.number(least)))


def stand_in(own: Account) -> Tier | None:
    """The tier that fires on a number of bad events in a day, where `min_events` may hide a burn from the others.

    It is as urgent as the first tier, and asks for the burn rate of the last tier that is: at any traffic a day of it
    spends as much of the budget as that tier accepts.
    """
    objective = own.objective
    if objective.min_events is None or not objective.tiers:
        return None
    first = objective.tiers[0]
    last = [tier for tier in objective.tiers if tier.severity == first.severity][-1]
    long = min(DAY, objective.period.length // own.step * own.step)
    short = max(long // 12 // own.step * own.step, own.step)
    rate = max(exact(Fraction(last.budget) * objective.period.length / long), Decimal(1))
    budget = exact(Fraction(rate) * long / objective.period.length)
    return Tier("events", budget, rate, long, short, first.severity, first.keep_firing_for, places=first.places)


def bad_events(own: Account) -> int:
    """How many bad events fire the tier that stands in: as many as the first one needs at its least traffic."""
    objective = own.objective
    if objective.bad_events is not None:
        return objective.bad_events
    least = Fraction(objective.tiers[0].burn_rate * objective.budget) * (objective.min_events or 0)
    return max(LEAST_BAD, ceil(least))
