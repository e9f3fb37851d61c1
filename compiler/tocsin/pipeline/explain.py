"""A name to the page that explains it: an alert's, or an objective's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from tocsin.report.explain import explain_alert
from tocsin.report.objective import Setting, explain_burn
from tocsin.rules import AlertingRule


def explain_alerts(inputs: Inputs, compiled: Sequence[Compiled]) -> dict[str, str]:
    """The pages of all alerts, by name."""
    pages = {}
    for one in compiled:
        burns = _burns(inputs, one)
        for rule, group in one.alerts:
            planned = one.planned.get(rule.name)
            interval = group.interval or inputs.settings.evaluation_interval
            pages[rule.name] = explain_alert(rule, group, planned, interval, burns.get(rule.name, ()))
    for group in inputs.groups:
        interval = group.interval or inputs.settings.evaluation_interval
        alerts = [rule for rule in group.rules if isinstance(rule, AlertingRule)]
        pages |= {rule.name: explain_alert(rule, group, None, interval) for rule in alerts}
    return pages


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

    def scraped(selector: VectorSelector) -> int:
        rule = AnyRule(own[0].rules[0], own[0], settings)
        return rule.scrape_interval(selector)

    known = recorded(compiled.groups, settings.evaluation_interval)
    read = [node for group in own for rule in group.rules for node in walk(rule.expr)]
    scrapes = [scraped(node) for node in read if isinstance(node, VectorSelector) and node.name not in known]
    costs = tuple((one.name, one.interval or planned.account.step, cost(one, known, scraped)) for one in own)
    waking = frozenset(severity.name for severity in settings.severities if severity.wakes)
    return Setting(Pace(max(scrapes, default=settings.scrape_interval), planned.account.step), costs, waking)
