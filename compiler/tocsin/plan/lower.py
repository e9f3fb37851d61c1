"""A Spec to a Plan: every alert as the PromQL condition that it means, with what it was made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tocsin.indicators.api import Indicator
from tocsin.plan import names
from tocsin.plan.objectives.lower import PlannedObjective, lower_objective
from tocsin.promql import build
from tocsin.promql.ast import Expr
from tocsin.quantity import Quantity
from tocsin.spec.load import IGNORE
from tocsin.spec.model import Alert, Condition, Objective, Spec
from tocsin.spec.settings import MINUTE, Settings

WINDOW = 5 * MINUTE
SCRAPES = 4
"""Scrapes that a window must hold at least, so that one lost scrape does not empty it."""

HOUR = 60 * MINUTE
VANISHED_WITHIN = HOUR
"""How long a group that vanished is missed."""

NO_DATA_FOR = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class PlannedAlert:
    """An alert of a spec as PromQL: it fires where `expr` has a result.

    `value` is what the thresholds are held against, None where there are none; `window` is what it is measured over,
    None for an instant value.
    """

    alert: Alert
    indicator: Indicator
    window: int | None
    value: Expr | None
    expr: Expr


@dataclass(frozen=True, slots=True)
class Plan:
    """What a spec means, alert by alert."""

    spec: Spec
    alerts: tuple[PlannedAlert, ...]
    objectives: tuple[PlannedObjective, ...] = ()


def lower(spec: Spec, settings: Settings) -> Plan:
    """The plan of a spec: its alerts, one for each indicator whose series may vanish unseen, and its objectives."""
    planned = tuple(_threshold(alert, spec, settings) for alert in spec.alerts)
    objectives = tuple(lower_objective(spec, objective, settings) for objective in spec.objectives)
    return Plan(spec, (*planned, *_no_data(spec, settings)), objectives)


def _threshold(alert: Alert, spec: Spec, settings: Settings) -> PlannedAlert:
    indicator = spec.indicators[alert.indicator]
    window = _window(alert, indicator, settings)
    expr = _condition(alert.condition, alert, indicator, window)
    if alert.min_events:
        counted = indicator.events(window or WINDOW)
        if counted is not None:
            expr = build.binary(expr, "and", build.compare(counted, ">=", build.number(alert.min_events)))
    if alert.guard:
        expr = _guarded(expr, indicator, alert, spec, settings)
    value = indicator.value(window) if alert.condition.thresholds else None
    return PlannedAlert(alert, indicator, window, value, expr)


def _window(alert: Alert, indicator: Indicator, settings: Settings) -> int | None:
    return alert.over if alert.over is not None else usual_window(indicator, settings)


def usual_window(indicator: Indicator, settings: Settings) -> int | None:
    """Where the spec does not ask for a window: five minutes, or four scrapes, if the indicator needs one."""
    return max(WINDOW, SCRAPES * settings.scrape_interval) if indicator.smoothed else None


def _condition(condition: Condition, alert: Alert, indicator: Indicator, window: int | None) -> Expr:
    match condition.kind:
        case "above":
            return _compare(indicator.value(window), ">", condition.thresholds[0], alert)
        case "below":
            return _compare(indicator.value(window), "<", condition.thresholds[0], alert)
        case "outside":
            low, high = condition.thresholds
            below = _compare(indicator.value(window), "<", low, alert)
            return build.binary(below, "or", _compare(indicator.value(window), ">", high, alert))
        case "fills_in":
            forecast = indicator.forecast(alert.over or HOUR, condition.horizon)
            assert forecast is not None
            return build.compare(forecast, ">=", build.number(1.0))
        case "absent":
            return _absent(indicator)


def _compare(value: Expr, op: str, threshold: Quantity, alert: Alert) -> Expr:
    span = alert.place("above", "below", "outside")
    return build.compare(value, op, replace(build.number(threshold.value), span=span))


def _guarded(expr: Expr, indicator: Indicator, alert: Alert, spec: Spec, settings: Settings) -> Expr:
    guard = alert.guard
    assert guard is not None
    other = spec.indicators[guard.indicator]
    window = _window(alert, other, settings) if other.smoothed else None
    condition = _condition(guard.condition, alert, other, window)
    if indicator.by == other.by and indicator.grouped == other.grouped:
        return build.binary(expr, "and", condition)
    shared = tuple(label for label in indicator.by if label in other.by)
    return build.binary(expr, "and", condition, on=shared)


def _absent(indicator: Indicator) -> Expr:
    """True while the watched series are gone: all of them, or with groups, a group that was there within the hour."""
    watched = indicator.watched()
    assert watched is not None
    if not indicator.by:
        return build.call("absent", watched)
    before = build.call("present_over_time", build.over(watched, VANISHED_WITHIN))
    now = build.aggregate("group", watched, indicator.by)
    return build.binary(build.aggregate("group", before, indicator.by), "unless", now)


def _no_data(spec: Spec, settings: Settings) -> Iterator[PlannedAlert]:
    """One alert for each indicator, as urgent as the first of its alerts that says so."""
    least = settings.severities[-1].name
    for name, indicator in spec.indicators.items():
        judged = [_as_alert(one) for one in spec.objectives if one.indicator == name]
        users = [*(alert for alert in spec.alerts if alert.indicator == name), *judged]
        wanted = [alert for alert in users if alert.no_data != IGNORE and alert.condition.kind != "absent"]
        if not wanted or indicator.watched() is None:
            continue
        first = next((alert for alert in wanted if alert.no_data), wanted[0])
        alert = replace(
            first,
            name=names.no_data_alert(spec.service, name),
            condition=Condition("absent"),
            for_=max(NO_DATA_FOR, 2 * settings.scrape_interval),
            keep_firing_for=0,
            severity=first.no_data or least,
            runbook="" if spec.runbook else first.runbook,
            summary=f"{name} of {spec.service} cannot be judged: its series are gone",
            action=f"Find out whether {spec.service} or its monitoring is down; restore the one that is.",
        )
        yield PlannedAlert(alert, indicator, None, None, _absent(indicator))


def _as_alert(objective: Objective) -> Alert:
    """What an objective says of its indicator's missing data, as an alert would say it."""
    return Alert(
        objective.name,
        objective.indicator,
        Condition("above"),
        no_data=objective.no_data,
        runbook=objective.runbook,
        labels=objective.labels,
        places=objective.places,
    )
