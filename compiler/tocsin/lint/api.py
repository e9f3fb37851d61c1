"""What a lint rule is: a function from one alert to what is wrong with it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import cleandoc
from typing import TypeAlias

from tocsin.diagnostics import Severity, Span
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
        name = self.rule.labels.get("severity", "")
        severity = self.settings.severity(name)
        return severity.wakes if severity else name in ("page", "critical")

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


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found. `label` stands beside the caret; a `severity` of None is the rule's own."""

    message: str
    span: Span
    label: str = ""
    help: str = ""
    severity: Severity | None = None


Check: TypeAlias = Callable[[Subject], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class LintRule:
    """A rule with its page."""

    name: str
    severity: Severity
    check: Check
    page: str


RULES: Registry[LintRule] = Registry("lint rule")


def lint_rule(severity: Severity = Severity.ERROR) -> Callable[[Check], Check]:
    """Registers a check as the rule that its module is named for; the module's docstring is its page."""

    def register(check: Check) -> Check:
        name = "noise/" + check.__module__.rpartition(".")[2].replace("_", "-")
        page = cleandoc(sys.modules[check.__module__].__doc__ or "")
        RULES.add(name, LintRule(name, severity, check, page))
        return check

    return register
