"""An indicator to the rules that count: events, or slices of time, since the evaluation before."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from tocsin.indicators.api import Counts
from tocsin.plan import names
from tocsin.plan.objectives.account import Account
from tocsin.plan.objectives.maintenance import outside
from tocsin.promql import build
from tocsin.promql.ast import Expr, VectorSelector
from tocsin.rules import RecordingRule
from tocsin.spec.model import TimeSlices


def counting(own: Account) -> Iterator[RecordingRule]:
    """The rules that count all events, then the bad ones among them."""
    return _slices(own, own.objective.slices) if own.objective.slices else _events(own)


def _events(own: Account) -> Iterator[RecordingRule]:
    assert own.indicator is not None
    counts = own.indicator.counts(own.step, own.tiled(own.step))
    assert counts is not None
    total, good = own.select(names.TOTAL_EVENTS), own.select(names.GOOD_EVENTS)
    yield own.record(names.TOTAL_EVENTS, outside(own, counts.total), "All events since the evaluation before.")
    if counts.good:
        yield own.record(names.GOOD_EVENTS, outside(own, counts.part), "The good ones among them.")
        yield own.record(names.BAD_EVENTS, _rest(total, good), "The bad ones: the rest.")
    else:
        zero = build.binary(build.number(0), "*", total)
        bad = build.binary(outside(own, counts.part), "or", zero, on=own.by)
        yield own.record(names.BAD_EVENTS, bad, "The bad ones among them.")


def _rest(total: Expr, good: Expr) -> Expr:
    """All less the good events.

    Where they come from two targets, which are scraped one after the other, a step may have more good ones than all,
    or only the good ones; the next step has the fewer, and the sum is right.
    """
    late = build.binary(build.number(0), "-", good)
    return build.binary(build.binary(build.binary(total, "-", good), "or", total), "or", late)


def _slices(own: Account, slices: TimeSlices | None) -> Iterator[RecordingRule]:
    assert slices is not None
    value = own.select(names.SLICE)
    yield own.record(names.SLICE, outside(own, _value(own, slices)), "The indicator over one slice of time.")
    total: Expr = build.aggregate("group", value, own.by)
    bad = _verdict(slices, value)
    if slices.no_data != "skip":
        missing = _missing(own, value)
        worth = build.number(1 if slices.no_data == "bad" else 0)
        total = build.binary(total, "or", missing)
        bad = build.binary(bad, "or", build.binary(worth, "*", missing), on=own.by)
    yield own.record(names.TOTAL_EVENTS, total, "One for each slice.")
    yield own.record(names.BAD_EVENTS, bad, "One for each bad slice, or the share of it that is bad.")


def _value(own: Account, slices: TimeSlices) -> Expr:
    """What a slice is judged by. NaN is no value (a quantile without requests is NaN), and drops out."""
    assert own.indicator is not None
    counts = None if slices.condition else own.indicator.counts(own.step, own.tiled(own.step))
    if counts is None:
        value = own.indicator.value(own.step if own.indicator.smoothed else None)
        summed = value if own.indicator.grouped else build.aggregate("max", value)
        return build.compare(summed, ">=", build.number(-inf))
    idle = build.binary(build.number(0), "*", _seen(own, counts))
    share = build.binary(counts.part, "/", build.compare(counts.total, ">", build.number(0)))
    if counts.good:
        return build.binary(build.binary(build.number(1), "-", share), "or", idle)
    return build.binary(share, "or", idle)


def _seen(own: Account, counts: Counts) -> Expr:
    """The groups that have a sample in the slice: without events it is idle, and without samples nothing is known."""
    assert own.indicator is not None
    watched = own.indicator.watched()
    if watched is None:
        return counts.total
    return build.aggregate("group", build.call("present_over_time", build.over(watched, own.tiled(own.step))), own.by)


def _verdict(slices: TimeSlices, value: VectorSelector) -> Expr:
    if slices.condition:
        op = ">" if slices.condition.kind == "above" else "<"
        return build.flag(value, op, build.number(slices.condition.thresholds[0].value))
    if slices.bad_share is None:
        return value
    return build.flag(value, ">", build.number(float(slices.bad_share)))


def _missing(own: Account, value: VectorSelector) -> Expr:
    """One for each slice without a value: of a group, within an hour (or a slice) after its last."""
    if not own.by:
        expected: Expr = build.call("vector", build.number(1))
    else:
        recent = build.call("last_over_time", build.over(value, own.tiled(max(60 * 60_000, 2 * own.step))))
        expected = build.aggregate("group", recent, own.by)
    return outside(own, build.binary(expected, "unless", value, on=own.by))
