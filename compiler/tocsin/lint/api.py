"""What a lint rule is: a function from one subject, which its argument's type names, to what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar, get_type_hints

from tocsin.diagnostics import Severity, Span
from tocsin.findings import Check, NoiseRule, page_of
from tocsin.findings import Finding as Finding
from tocsin.plan.lower import PlannedAlert
from tocsin.promql.ast import Expr, Matcher, VectorSelector
from tocsin.promql.match import matchers_of
from tocsin.registry import Registry, discover
from tocsin.routing import Routing
from tocsin.rules import AlertingRule, RecordingRule, Rule, RuleGroup, place
from tocsin.spec.settings import Settings


@dataclass(frozen=True, slots=True)
class AnyRule:
    """A rule of either kind, the group that it is evaluated in, and the settings."""

    rule: Rule
    group: RuleGroup
    settings: Settings

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

    def extent(self, span: Span) -> Span:  # noqa: ARG002 - what is said of a rule is said of all of it
        """What a comment stands in, or directly above, that allows a finding at `span`: the whole rule."""
        return self.place("rule")


def _names_job(matcher: Matcher) -> bool:
    return matcher.label == "job" and matcher.op == "="


@dataclass(frozen=True, slots=True)
class Subject(AnyRule):
    """An alert, and what decides whether it is noise; `planned` is the alert of a spec that it was compiled from.

    `compiled` is set for the alerts of objectives too, which are not planned one by one.
    """

    rule: AlertingRule
    planned: PlannedAlert | None = None
    compiled: bool = False

    @property
    def ours(self) -> bool:
        """Whether no author wrote its condition: an alert of an objective."""
        return self.compiled and self.planned is None

    @property
    def wakes(self) -> bool:
        """Whether it wakes a person."""
        return self.settings.wakes(self.rule.labels.get("severity", ""))


@dataclass(frozen=True, slots=True)
class Recording(AnyRule):
    """A recording rule."""

    rule: RecordingRule


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of one run, in the order of the files, and the routing that their alerts take, where it is known."""

    rules: tuple[AnyRule, ...]
    routings: tuple[Routing, ...]
    settings: Settings

    @property
    def alerts(self) -> tuple[Subject, ...]:
        return tuple(rule for rule in self.rules if isinstance(rule, Subject))

    @property
    def recordings(self) -> tuple[Recording, ...]:
        return tuple(rule for rule in self.rules if isinstance(rule, Recording))

    @property
    def groups(self) -> tuple[RuleGroup, ...]:
        """The groups that have rules."""
        return tuple({id(rule.group): rule.group for rule in self.rules}.values())

    @property
    def is_whole(self) -> bool:
        """Whether these seem to be all rules of a server, and not one team's part of what is elsewhere.

        A few groups that come with Alertmanager's configuration, or a collection of many.
        """
        alerts = [one for one in self.alerts if not one.compiled]
        groups = len({id(one.group) for one in alerts})
        routed = any("route" in routing.places for routing in self.routings)
        return (routed and groups >= 3) or (groups >= 5 and len(alerts) >= 20)

    def extent(self, span: Span) -> Span:
        """The rule that `span` lies in."""
        return next((whole for rule in self.rules if span in (whole := rule.place("rule"))), span)


@dataclass(frozen=True, slots=True)
class Routed:
    """An Alertmanager configuration, and the alerts of the same run, which it routes; there may be none."""

    routing: Routing
    alerts: tuple[Subject, ...]
    settings: Settings

    def extent(self, span: Span) -> Span:
        """The inhibition rule or the innermost route (the root apart) that `span` lies in."""
        parts = [rule.places for rule in self.routing.inhibit_rules]
        parts += [route.places for root in self.routing.root.routes for route in root.walk()]
        around = [part["whole"] for part in parts if "whole" in part and span in part["whole"]]
        return min(around, key=lambda whole: whole.end - whole.start, default=span)


Linted: TypeAlias = AnyRule | RuleSet | Routed

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class LintRule(NoiseRule[S], Generic[S]):
    """A rule with its page, and the type of subject that it looks at.

    One on `texts` looks at what an author says, and not at how it is written in PromQL: it is asked of the alerts of
    objectives too, whose expressions are the compiler's.
    """

    takes: type[S]
    texts: bool = False

    def concerns(self, subject: Linted) -> bool:
        """Whether the rule has anything to say of a subject."""
        return isinstance(subject, self.takes) and (self.texts or not isinstance(subject, Subject) or not subject.ours)


RULES: Registry[LintRule[Any]] = Registry("lint rule")

ROOMS = ("rules", "ruleset", "routing")
"""Where rules stand: those on one alert or recording rule, on all rules together, on Alertmanager's configuration."""


def rule_names() -> list[str]:
    """The names of all lint rules, which are read in from their files."""
    for room in ROOMS:
        discover(f"tocsin.lint.{room}")
    return list(RULES)


def lint_rule(
    severity: Severity = Severity.ERROR, *, optional: bool = False, texts: bool = False
) -> Callable[[Check[S]], Check[S]]:
    """Registers a check as the rule that its module is named for; the module's docstring is its page.

    The type of the check's argument is what it looks at: `Subject` (an alert), `Recording`, `AnyRule` (both of these),
    `RuleSet`, `Routed`. An optional rule is a matter of policy: it is asked only where the settings give it a level.
    One on `texts` is asked of the alerts of objectives too.
    """

    def add(check: Check[S]) -> Check[S]:
        name, page = page_of(check)
        takes: type[S] = get_type_hints(check)["subject"]
        RULES.add(name, LintRule(name, severity, check, page, takes, texts, optional=optional))
        return check

    return add
