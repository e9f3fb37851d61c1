"""A name to the page that explains it: an alert's, or an objective's."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from tocsin.lint.api import AnyRule
from tocsin.pipeline.inputs import Inputs
from tocsin.plan.emit import Compiled
from tocsin.plan.objectives.arithmetic import Pace
from tocsin.plan.objectives.cost import cost, recorded
from tocsin.plan.objectives.emit import alert_name, groups
from tocsin.plan.objectives.lower import PlannedObjective
from tocsin.promql.ast import VectorSelector, walk
from tocsin.report import objective
from tocsin.report.delays import AllDelays, Delays, of_alert, of_rule, of_tier
from tocsin.report.explain import explain_alert
from tocsin.report.objective import Setting, explain_burn
from tocsin.rules import AlertingRule, Rule, RuleGroup


def explain_alerts(inputs: Inputs, compiled: Sequence[Compiled]) -> dict[str, str]:
    """The pages of all alerts, by name."""
    pages = {}
    for one in compiled:
        burns = _burns(inputs, one)
        for rule, group in one.alerts:
            pace = _pace(inputs, rule, group)
            pages[rule.name] = explain_alert(rule, group, one.planned.get(rule.name), pace, burns.get(rule.name, ()))
    for group in inputs.groups:
        alerts = [rule for rule in group.rules if isinstance(rule, AlertingRule)]
        pages |= {rule.name: explain_alert(rule, group, None, _pace(inputs, rule, group)) for rule in alerts}
    return pages


def delays(inputs: Inputs, compiled: Sequence[Compiled]) -> AllDelays:
    """How long the alerts of specs take to fire, by their groups and names."""
    return {(group.name, told.rule.name): told for one in compiled for group, told in _all_delays(inputs, one)}


def _all_delays(inputs: Inputs, compiled: Compiled) -> Iterator[tuple[RuleGroup, Delays]]:
    known = recorded(compiled.groups, inputs.settings.evaluation_interval)
    paces = [(planned, _objective_pace(inputs, planned, known)) for planned in compiled.plan.objectives]
    tiers = {
        alert_name(planned.account, burn.tier): (planned.account, burn.tier.name, pace)
        for planned, pace in paces
        for burn in planned.burns
    }
    for rule, group in compiled.alerts:
        if rule.name in tiers:
            yield group, of_tier(rule, *tiers[rule.name])
        elif rule.name in compiled.planned:
            yield group, of_alert(rule, compiled.planned[rule.name], _pace(inputs, rule, group))
        else:
            yield group, of_rule(rule, _pace(inputs, rule, group).step)


def objectives(compiled: Sequence[Compiled]) -> dict[str, tuple[Compiled, PlannedObjective]]:
    """All objectives, as `SERVICE/NAME`, each with its spec."""
    return {
        f"{one.spec.service}/{planned.account.objective.name}": (one, planned)
        for one in compiled
        for planned in one.plan.objectives
    }


def explain_objective(
    inputs: Inputs, compiled: Compiled, planned: PlannedObjective, traffic: Mapping[str, Fraction] | None = None
) -> str:
    """The page of an objective; `traffic` takes the place of what is assumed, in events a second."""
    setting = _setting(inputs, compiled, planned)
    return objective.explain_objective(planned.account, replace(setting, traffic=traffic) if traffic else setting)


def explain_objectives(inputs: Inputs, compiled: Sequence[Compiled]) -> dict[str, str]:
    """The pages of all objectives, as `SERVICE/NAME`."""
    return {name: explain_objective(inputs, *one) for name, one in objectives(compiled).items()}


def _burns(inputs: Inputs, compiled: Compiled) -> dict[str, list[str]]:
    """The arithmetic of each burn-rate alert."""
    return {
        alert_name(planned.account, burn.tier): explain_burn(
            planned.account, burn.tier.name, _setting(inputs, compiled, planned)
        )
        for planned in compiled.plan.objectives
        for burn in planned.burns
    }


def _setting(inputs: Inputs, compiled: Compiled, planned: PlannedObjective) -> Setting:
    settings = inputs.settings
    own = list(groups(planned))
    reader = AnyRule(own[0].rules[0], own[0], settings)
    known = recorded(compiled.groups, settings.evaluation_interval)
    costs = tuple(
        (one.name, one.interval or planned.account.step, cost(one, known, reader.scrape_interval)) for one in own
    )
    waking = frozenset(severity.name for severity in settings.severities if severity.wakes)
    return Setting(_objective_pace(inputs, planned, known), costs, waking)


def _objective_pace(inputs: Inputs, planned: PlannedObjective, known: Container[str]) -> Pace:
    """That of the scraped series from which an objective's are recorded, which are `known`."""
    rules = [(rule, group) for group in groups(planned) for rule in group.rules]
    scrapes = [one for rule, group in rules for one in _scrapes(inputs, rule, group, known)]
    return Pace(max(scrapes, default=inputs.settings.scrape_interval), planned.account.step)


def _pace(inputs: Inputs, rule: AlertingRule, group: RuleGroup) -> Pace:
    settings = inputs.settings
    scrape = max(_scrapes(inputs, rule, group), default=settings.scrape_interval)
    return Pace(scrape, group.interval or settings.evaluation_interval)


def _scrapes(inputs: Inputs, rule: Rule, group: RuleGroup, known: Container[str] = ()) -> Iterator[int]:
    """How often what a rule reads is scraped, in ms, but for series that are `known` to be recorded."""
    reader = AnyRule(rule, group, inputs.settings)
    read = (node for node in walk(rule.expr) if isinstance(node, VectorSelector) and node.name not in known)
    return map(reader.scrape_interval, read)
