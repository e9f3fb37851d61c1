"""An objective to the account of its error budget: what the period has seen, and what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal

from tocsin.duration import format_duration
from tocsin.labels import from_mapping
from tocsin.plan import names
from tocsin.plan.objectives.account import Account
from tocsin.plan.objectives.calendar import beginning, current
from tocsin.plan.objectives.maintenance import adjusted
from tocsin.plan.objectives.targets import by_target
from tocsin.promql import build
from tocsin.promql.ast import Expr
from tocsin.rules import RecordingRule


def budget(own: Account) -> Iterator[RecordingRule]:
    """The rules of the account, which are evaluated every `coarse_step`."""
    yield from coarse(own)
    yield from beginning(own)
    total = in_period(own, own, names.coarse(names.TOTAL_EVENTS, own.coarse_step))
    bad = adjusted(own, in_period(own, own, names.coarse(names.BAD_EVENTS, own.coarse_step)))
    yield own.record(names.TOTAL_IN_PERIOD, total, "All events of the period.")
    yield own.record(names.BAD_IN_PERIOD, bad, "The bad ones among them.")
    counted = build.compare(own.select(names.TOTAL_IN_PERIOD), ">", build.number(0))
    share = build.binary(own.select(names.BAD_IN_PERIOD), "/", counted)
    yield from standing(own, share, covered(own, own))


def coarse(own: Account) -> Iterator[RecordingRule]:
    """The events in longer steps, of which the period has few enough: those of the step before.

    Prometheus evaluates the two groups at moments of their own, which may be as good as the same; what the other one
    records right then would be missing here in every step, or in none, as it happens.
    """
    step = own.coarse_step
    for name, what in ((names.TOTAL_EVENTS, "All events"), (names.BAD_EVENTS, "Bad events")):
        comment = f"{what} of {format_duration(step)}, so that a period adds up few; all of them are recorded by now."
        events = build.over(replace(own.select(name), offset=step), own.tiled(step))
        yield own.record(names.coarse(name, step), build.call("sum_over_time", events), comment)


def standing(own: Account, share: Expr, seen: Expr) -> Iterator[RecordingRule]:
    """What is spent and left by the share of bad events, how much of the period was seen, what the objective is."""
    yield own.record(names.SPENT, spent(own, share), "What is spent of the error budget, by events: 1 is all of it.")
    rest = build.binary(build.number(1), "-", own.select(names.SPENT))
    yield own.record(names.REMAINING, rest, "What is left of it; below 0 where more than all was spent.")
    yield own.record(names.COVERED, seen, "How much of the period these rules have seen.")
    yield own.record(names.TARGET, target(own), "The share of events that must be good.")
    yield info(own)


def in_period(own: Account, of: Account, name: str, function: str = "sum_over_time") -> Expr:
    """The sum of a series of an account (the same, or a part's) over the period of `own`."""
    period, series = own.objective.period, of.select(name)
    if period.calendar:
        return current(own, series, of.coarse_step, function)
    return build.call(function, build.over(series, own.tiled(period.length)))


def spent(own: Account, share: Expr) -> Expr:
    """A share of bad events over the share that the target allows."""

    def over(target: Decimal, narrow: Callable[[Expr], Expr]) -> Expr:
        return build.binary(narrow(share), "/", build.number(float(1 - target)))

    return by_target(own, over)


def covered(own: Account, of: Account) -> Expr:
    """The steps that an account has recorded among those of the period of `own`."""
    counted = in_period(own, of, names.coarse(names.TOTAL_EVENTS, of.coarse_step), "count_over_time")
    return build.binary(counted, "/", build.number(own.objective.period.length // of.coarse_step))


def target(own: Account) -> Expr:
    """The target of each group; without targets of their own all have one."""
    if not own.objective.targets:
        return build.call("vector", build.number(float(own.objective.target)))

    def constant(target: Decimal, narrow: Callable[[Expr], Expr]) -> Expr:
        seen = build.aggregate("group", narrow(own.select(names.SPENT)), own.by)
        return build.binary(build.number(float(target)), "*", seen)

    return by_target(own, constant)


def info(own: Account) -> RecordingRule:
    """One series with every label that an author may edit."""
    objective, spec = own.objective, own.spec
    told = {
        "target": f"{(objective.target * 100).normalize():f}%",
        names.PERIOD: objective.period.calendar or format_duration(objective.period.length),
        names.OWNER: spec.owner,
        names.INDICATOR: objective.indicator,
        "description": objective.description,
    }
    labels = {**spec.labels, **objective.labels, **told, **own.identity}
    one = build.call("vector", build.number(1))
    comment = "What the objective is: join it with `* on (service, objective) group_left (owner) slo:info`."
    return RecordingRule(names.INFO, one, dict(from_mapping(labels)), own.places, comment)


def exhausted(own: Account) -> Expr:
    """The whole period's budget is spent.

    Where only a part of the period has been seen (the rules are new, or the month is young), what was spent weighs as
    that part: the first errors of a month are not all of its events.
    """
    whole = build.binary(own.select(names.SPENT), "*", own.select(names.COVERED))
    return build.compare(whole, ">", build.number(1))
