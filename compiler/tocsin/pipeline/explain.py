"""A name to the page that explains it: a lint rule's, or an alert's."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.backtest.findings.api import FINDINGS
from tocsin.lint.api import RULES, rule_names
from tocsin.pipeline.inputs import Inputs
from tocsin.plan.emit import Compiled
from tocsin.registry import discover
from tocsin.report.explain import explain_alert
from tocsin.rules import AlertingRule


def lint_rule_names() -> list[str]:
    """The names of all rules on what is written."""
    return rule_names()


def data_rule_names() -> list[str]:
    """The names of all rules on what a backtest finds."""
    discover("tocsin.backtest.findings")
    return list(FINDINGS)


def explain_rule(name: str) -> str:
    """The page of a rule."""
    rule = RULES.get(name) or FINDINGS[name]
    off = ", off by default" if rule.optional else ""
    return f"{name} ({rule.severity}{off})\n\n{rule.page}\n"


def explain_alerts(inputs: Inputs, compiled: Sequence[Compiled]) -> dict[str, str]:
    """The pages of all alerts, by name."""
    pages = {}
    for one in compiled:
        for rule, group in one.alerts:
            planned = one.planned.get(rule.name)
            pages[rule.name] = explain_alert(rule, group, planned, inputs.settings.evaluation_interval)
    for group in inputs.groups:
        interval = group.interval or inputs.settings.evaluation_interval
        alerts = [rule for rule in group.rules if isinstance(rule, AlertingRule)]
        pages |= {rule.name: explain_alert(rule, group, None, interval) for rule in alerts}
    return pages
