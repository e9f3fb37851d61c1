"""What a lint rule is: a function from one alert to what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tocsin.diagnostics import Severity, Span
from tocsin.findings import Check, NoiseRule, register
from tocsin.findings import Finding as Finding
from tocsin.plan.lower import PlannedAlert
from tocsin.promql.ast import Expr, Matcher, VectorSelector
from tocsin.promql.match import matchers_of
from tocsin.registry import Registry
from tocsin.rules import AlertingRule, RuleGroup, place
from tocsin.spec.settings import Settings


@dataclass(frozen=True, slots=True)
class Subject:
    """An alert, and what decides whether it is noise; `planned` is what it was compiled from, if it was."""

    rule: AlertingRule
    group: RuleGroup
    settings: Settings
    planned: PlannedAlert | None = None

    @property
    def wakes(self) -> bool:
        """Whether it wakes a person."""
        return self.settings.wakes(self.rule.labels.get("severity", ""))

    @property
    def interval(self) -> int:
        """How often it is evaluated, in milliseconds."""
        return self.group.interval or self.settings.evaluation_interval

    def scrape_interval(self, selector: VectorSelector) -> int:
        """How often the series of a selector are scraped, in milliseconds."""
        jobs = self.settings.jobs
        named = (jobs[m.value] for m in matchers_of(selector) if _names_job(m) and m.value in jobs)
        return next(named, self.settings.scrape_interval)

    def place(self, *parts: str) -> Span:
        """Where the first of the rule's parts that was written stands."""
        return place(self.rule, *parts)

    def span(self, node: Expr) -> Span:
        """Where a part of the expression was written, else where the condition was."""
        return node.span or self.place("expr")


def _names_job(matcher: Matcher) -> bool:
    return matcher.label == "job" and matcher.op == "="


LintRule: TypeAlias = NoiseRule[Subject]

RULES: Registry[LintRule] = Registry("lint rule")


def lint_rule(severity: Severity = Severity.ERROR) -> Callable[[Check[Subject]], Check[Subject]]:
    """Registers a check as the rule that its module is named for; the module's docstring is its page."""
    return register(RULES, severity)
