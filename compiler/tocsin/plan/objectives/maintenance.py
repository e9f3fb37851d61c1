"""Times of maintenance, and corrections, to what does not count in an account."""

from __future__ import annotations

from functools import reduce

from tocsin.plan import names
from tocsin.plan.objectives.account import Account
from tocsin.plan.objectives.zones import local
from tocsin.promql import build
from tocsin.promql.ast import Expr
from tocsin.spec.model import Adjustment, Maintenance

DAY = 86_400


def outside(own: Account, counted: Expr) -> Expr:
    """What is counted, but for the steps whose middle lies in a time of maintenance."""
    times = [_during(one, own.step) for one in own.objective.maintenance]
    if not times:
        return counted
    return build.binary(counted, "unless", reduce(lambda a, b: build.binary(a, "or", b), times), on=())


def _during(maintenance: Maintenance, step: int) -> Expr:
    """A vector that is there while the middle of a step of `step` ms lies in the maintenance."""
    middle = build.binary(build.call("time"), "-", build.number(step / 2000))
    if not maintenance.weekdays:
        return _between(build.call("vector", middle), maintenance)
    shown = local(middle, maintenance.time_zone)
    clock = build.call("vector", build.binary(shown, "%", build.number(DAY)))
    days = [
        # PromQL's week begins with Sunday as 0.
        build.compare(build.call("day_of_week", build.call("vector", shown)), "==", build.number((day + 1) % 7))
        for day in maintenance.weekdays
    ]
    return build.binary(_between(clock, maintenance), "and", reduce(lambda a, b: build.binary(a, "or", b), days))


def _between(value: Expr, maintenance: Maintenance) -> Expr:
    begun = build.compare(value, ">=", build.number(maintenance.start))
    return build.compare(begun, "<", build.number(maintenance.end))


def adjusted(own: Account, bad: Expr) -> Expr:
    """Bad events of the period with the corrections that are of the same period."""
    if not own.objective.adjustments:
        return bad
    corrections = [_counting(own, one) for one in own.objective.adjustments]
    corrected = reduce(lambda a, b: build.binary(a, "+", b), corrections, bad)
    return build.call("clamp_min", corrected, build.number(0))


def _counting(own: Account, one: Adjustment) -> Expr:
    now, at, period = build.call("time"), build.number(one.at), own.objective.period
    if period.calendar:
        began = build.call("scalar", own.select(names.PERIOD_START))
        lasting = build.flag(began, "<=", at)
    else:
        lasting = build.flag(now, "<", build.number(one.at + period.length / 1000))
    happened = build.flag(now, ">=", at)
    return build.binary(build.binary(build.number(one.bad_events), "*", happened), "*", lasting)
