"""A Plan to the rule group that ships: labels that route, annotations that tell a person what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tocsin.diagnostics import Span
from tocsin.duration import format_duration
from tocsin.labels import from_mapping
from tocsin.plan import names
from tocsin.plan.lower import Plan, PlannedAlert
from tocsin.plan.objectives.emit import groups
from tocsin.quantity import Unit, format_quantity
from tocsin.rules import AlertingRule, RuleGroup
from tocsin.spec.model import Condition, Spec
from tocsin.spec.settings import Settings


@dataclass(frozen=True, slots=True)
class Compiled:
    """A spec with the rule groups that it compiles to, and what each of its threshold alerts was made from, by name."""

    spec: Spec
    plan: Plan
    groups: tuple[RuleGroup, ...]
    planned: Mapping[str, PlannedAlert]

    @property
    def alerts(self) -> Iterator[tuple[AlertingRule, RuleGroup]]:
        """All alerts, each with its group."""
        return ((rule, group) for group in self.groups for rule in group.rules if isinstance(rule, AlertingRule))


def emit(plan: Plan, settings: Settings) -> Compiled:
    """The rule groups of a plan: one for its threshold alerts, named for its service, and those of its objectives."""
    planned = {one.alert.name: one for one in plan.alerts}
    thresholds = () if plan.objectives and not plan.alerts else (_thresholds(plan, settings),)
    objectives = (group for objective in plan.objectives for group in groups(objective))
    return Compiled(plan.spec, plan, (*thresholds, *objectives), planned)


def _thresholds(plan: Plan, settings: Settings) -> RuleGroup:
    rules = tuple(_rule(planned, plan.spec) for planned in plan.alerts)
    places = {"rule": plan.spec.places["service"]}
    return RuleGroup(plan.spec.service, rules, settings.evaluation_interval, places=places)


def _rule(planned: PlannedAlert, spec: Spec) -> AlertingRule:
    alert = planned.alert
    return AlertingRule(
        alert.name,
        planned.expr,
        alert.for_,
        alert.keep_firing_for,
        dict(from_mapping(_labels(planned, spec))),
        {name: text for name, text in _annotations(planned, spec) if text},
        dict(_places(planned, spec)),
    )


def _labels(planned: PlannedAlert, spec: Spec) -> Mapping[str, str]:
    alert = planned.alert
    own = {
        names.SERVICE: spec.service,
        names.OWNER: spec.owner,
        names.INDICATOR: alert.indicator,
        names.SEVERITY: alert.severity,
    }
    return {**spec.labels, **alert.labels, **own}


def _annotations(planned: PlannedAlert, spec: Spec) -> Iterator[tuple[str, str]]:
    alert = planned.alert
    yield names.SUMMARY, alert.summary
    yield names.DESCRIPTION, _description(planned)
    yield names.ACTION, alert.action
    yield names.RUNBOOK, alert.runbook or names.runbook_section(spec.runbook, alert.name)


def _description(planned: PlannedAlert) -> str:
    """The value beside what it is held against: `errors is 3.2%, above 1% for 5m (measured over 5m)`."""
    alert = planned.alert
    if alert.condition.kind == "absent":
        return ""
    held = f" for {format_duration(alert.for_)}" if alert.for_ else ""
    over = f" (measured over {format_duration(planned.window)})" if planned.window else ""
    if alert.condition.kind == "fills_in":
        return f"{alert.indicator} will be {_value(planned)} in {format_duration(alert.condition.horizon)}{over}"
    return f"{alert.indicator} is {_value(planned)}, {condition_text(alert.condition)}{held}{over}"


_FORMATS = {
    Unit.RATIO: "{{ $value | humanizePercentage }}",
    Unit.SECONDS: "{{ $value | humanizeDuration }}",
    Unit.BYTES: "{{ $value | humanize1024 }}B",
    Unit.BYTES_PER_SECOND: "{{ $value | humanize1024 }}B/s",
    Unit.PER_SECOND: "{{ $value | humanize }}/s",
    Unit.CELSIUS: "{{ $value | humanize }}°C",
    Unit.COUNT: "{{ $value | humanize }}",
}


def _value(planned: PlannedAlert) -> str:
    return _FORMATS[planned.indicator.unit]


def condition_text(condition: Condition) -> str:
    """A condition in words: `above 1%`.

    >>> condition_text(Condition("fills_in", horizon=14_400_000))
    'full within 4h'
    """
    values = [format_quantity(quantity.value, quantity.unit) for quantity in condition.thresholds]
    match condition.kind:
        case "outside":
            return f"outside {values[0]} to {values[1]}"
        case "fills_in":
            return f"full within {format_duration(condition.horizon)}"
        case "absent":
            return "absent"
    return f"{condition.kind} {values[0]}"


def _places(planned: PlannedAlert, spec: Spec) -> Iterator[tuple[str, Span]]:
    """Where each part of the rule was written in the spec."""
    alert = planned.alert
    origin = alert.places
    yield "rule", origin["rule"]
    yield "alert", origin["name"]
    yield "expr", alert.place("above", "below", "outside", "fills_in", "absent")
    yield "indicator", spec.places[f"indicators.{alert.indicator}"]
    if whole := spec.places.get(f"indicators.{alert.indicator}.whole"):
        yield "indicator.whole", whole
    same = ("for", "keep_firing_for", "over", "while", "min_events")
    yield from ((key, origin[key]) for key in same if key in origin)
    written = {
        f"labels.{names.SEVERITY}": origin.get("severity"),
        f"labels.{names.OWNER}": spec.places.get("owner"),
        f"annotations.{names.SUMMARY}": origin.get("summary"),
        f"annotations.{names.ACTION}": origin.get("action"),
        f"annotations.{names.RUNBOOK}": origin.get("runbook") or spec.places.get("runbook"),
    }
    yield from ((key, span) for key, span in written.items() if span)
    yield from ((key, span) for key, span in origin.items() if key.startswith("labels."))
