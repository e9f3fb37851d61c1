"""The objectives of a backtest as rows of tables, the same for text and page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter

from tocsin.backtest.model import ObjectiveVerdict, Spending
from tocsin.duration import format_duration
from tocsin.labels import Labels, format_labels
from tocsin.report.delays import SIZES, AllDelays, Outages, most, told_by
from tocsin.report.notifications import Rows
from tocsin.report.numbers import NOTHING, duration, share

TIMES = ("median time\nto detect", "median time\nto reset")


def tables(objectives: Sequence[ObjectiveVerdict]) -> Iterator[Rows]:
    """What was spent of each budget, how each tier told of it, and how much was spent by the first page of incidents.

    Budgets are those of a whole period, at the traffic of the recording.
    """
    if not objectives:
        return
    yield Rows(("objective", "period", "events", "bad", "budget spent"), tuple(map(_spent, objectives)))
    titles = ("tier", "severity", "fired", "precision", "recall", *TIMES)
    yield Rows(titles, tuple(row for one in objectives for row in _tiers(one)))
    incidents = tuple(_incident(told, one) for one in objectives for told in one.incidents)
    if incidents:
        yield Rows(("incident", "objective", "first alert", "severity", "after", "budget spent by then"), incidents)


def detected(objectives: Sequence[ObjectiveVerdict], delays: AllDelays) -> Rows | None:
    """How long an outage lasts at most until the first alert of each objective, by its size; None where not known."""
    rows = tuple(row for one in objectives for row in _first(one, delays))
    return Rows(("objective", *SIZES), rows) if rows else None


def _first(one: ObjectiveVerdict, delays: AllDelays) -> Iterator[tuple[str, ...]]:
    """One row, or one for the groups of each target."""
    told = [(verdict.rule, told_by(delays, verdict)) for _, verdict in one.rules]
    tiers = [(rule.labels.get("severity", ""), found.outages) for rule, found in told if found and found.outages]
    for labels in dict.fromkeys(labels for _, outages in tiers for labels, _ in outages.times):
        groups = f" {format_labels(labels)}" if labels else ""
        yield _name(one) + groups, *(_soonest(tiers, labels, size) for size in SIZES)


def _soonest(tiers: Sequence[tuple[str, Outages]], labels: Labels, size: str) -> str:
    times = [(time, severity) for severity, one in tiers if (time := one.longest(labels, size)) is not None]
    time, severity = min(times, key=itemgetter(0), default=(None, ""))
    return f"{most(time)} {severity}".strip()


def _spent(one: ObjectiveVerdict) -> tuple[str, ...]:
    return _name(one), format_duration(one.period), _count(one.events), _count(one.bad), _budget(one.spent)


def _tiers(one: ObjectiveVerdict) -> Iterator[tuple[str, ...]]:
    for tier, verdict in one.rules:
        score = verdict.score
        times = (duration(score.time_to_detect), duration(score.time_to_reset))
        shares = (share(score.precision), share(score.recall))
        yield f"{_name(one)} {tier}", verdict.rule.labels.get("severity", ""), f"{score.fired}", *shares, *times


def _incident(told: Spending, one: ObjectiveVerdict) -> tuple[str, ...]:
    after = duration(max(0, told.first.at - told.incident.start))
    return told.incident.name, _name(one), told.first.rule, told.severity, after, _budget(told.spent)


def _name(one: ObjectiveVerdict) -> str:
    return f"{one.service}/{one.name}"


def _count(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.4g}"


def _budget(value: float | None) -> str:
    """A share that may be small, or more than all, to two digits."""
    return NOTHING if value is None else f"{value * 100:,.0f}%" if value >= 0.1 else f"{value * 100:.2g}%"
