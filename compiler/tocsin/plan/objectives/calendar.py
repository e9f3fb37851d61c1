"""A period of the calendar to when it began, and to the sum of what was recorded since."""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.plan import names
from tocsin.plan.objectives.account import Account
from tocsin.plan.objectives.zones import ahead, changes_clocks, local, offset
from tocsin.promql import build
from tocsin.promql.ast import Expr, VectorSelector
from tocsin.rules import RecordingRule

DAY = 86_400
_LONGEST = {"week": 8, "month": 32, "quarter": 93}
"""Days that a period has at most, and one for the change of the clocks."""


def beginning(own: Account) -> Iterator[RecordingRule]:
    """The rules that tell when the period began; in a zone whose clocks are changed it takes two more.

    Midnight there is as far from midnight in UTC as the clocks were then, and not as they are now.
    """
    period = own.objective.period
    if not period.calendar:
        return
    zone, now, began = period.time_zone, build.call("time"), f"When this {period.calendar} began"
    if not changes_clocks(zone):
        start = ahead(_start(local(now, zone), period.calendar), zone, "-")
        yield own.record(names.PERIOD_START, _vector(start), f"{began}, in Unix seconds.")
        return
    yield own.record(names.LOCAL_TIME, _vector(local(now, zone)), f"What clocks in {zone} show.")
    shown = build.call("scalar", own.select(names.LOCAL_TIME))
    start = build.binary(_start(shown, period.calendar), "-", build.binary(shown, "-", now))
    yield own.record(names.NEAR_START, _vector(start), f"{began}, if the clocks have not been changed since.")
    near = build.call("scalar", own.select(names.NEAR_START))
    # A midnight that comes twice, as in Havana, begins the period the first time: its offset is the one before.
    changed = build.binary(build.binary(shown, "-", now), "-", offset(near, zone, ">"))
    yield own.record(names.PERIOD_START, _vector(build.binary(near, "+", changed)), f"{began}, in Unix seconds.")


def _vector(scalar: Expr) -> Expr:
    return build.call("vector", scalar)


def _start(now: Expr, calendar: str) -> Expr:
    """The midnight at which a week (on its Monday), a month or a quarter began; `now` is a scalar, in seconds."""
    midnight = build.binary(now, "-", build.binary(now, "%", build.number(DAY)))
    if calendar == "week":
        since_monday = build.binary(build.binary(_date("day_of_week", now), "+", build.number(6)), "%", build.number(7))
        return _days_before(midnight, since_monday)
    month = _days_before(midnight, build.binary(_date("day_of_month", now), "-", build.number(1)))
    if calendar == "month":
        return month
    # The days of the quarter's earlier months: of one, of two, or of none.
    into = build.binary(build.binary(_date("month", now), "-", build.number(1)), "%", build.number(3))
    one = build.binary(_length_before(month), "*", build.flag(into, ">=", build.number(1)))
    earlier = _days_before(month, _length_before(month))
    two = build.binary(_length_before(earlier), "*", build.flag(into, "==", build.number(2)))
    return _days_before(month, build.binary(one, "+", two))


def _length_before(month: Expr) -> Expr:
    """The days of the month before one that begins at a time: the number of its last day."""
    return _date("day_of_month", build.binary(month, "-", build.number(DAY)))


def _days_before(time: Expr, days: Expr) -> Expr:
    return build.binary(time, "-", build.binary(build.number(DAY), "*", days))


def _date(function: str, seconds: Expr) -> Expr:
    return build.call("scalar", build.call(function, _vector(seconds)))


def current(own: Account, series: VectorSelector, step: int, function: str = "sum_over_time") -> Expr:
    """What was counted since the period began, by a series of the steps of `step` ms before each, summed or counted."""
    began = build.call("scalar", build.at(own.select(names.PERIOD_START), "end"))
    since = build.compare(_vector(build.call("time")), ">", build.binary(began, "+", build.number(step / 1000)))
    # Each sample once: also where one is missing, and the one before would be taken for it.
    once = build.call("last_over_time", build.over(series, own.tiled(step)))
    longest = _LONGEST[own.objective.period.calendar] * DAY * 1000
    return build.call(function, build.over(build.binary(once, "and", since, on=()), longest, step))
