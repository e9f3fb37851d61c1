"""Rule groups to the order in which whole columns of their rules can be evaluated, and what has no such order.

Within an evaluation, rules see what earlier rules of their group recorded in it (rules/group.go `Eval`). So a rule
can be evaluated for all times at once after those that it reads; one that reads itself, a later rule or another
group cannot, and is refused rather than answered wrongly.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from tocsin.diagnostics import Problem, Source, Span
from tocsin.labels import NAME
from tocsin.promql.ast import Expr, VectorSelector, walk
from tocsin.promql.match import accepts, matchers_of
from tocsin.rules import AlertingRule, RecordingRule, Rule, RuleGroup, place
from tocsin.templates.expand import reads as template_reads

_OWN = ("ALERTS", "ALERTS_FOR_STATE")


@dataclass(frozen=True, slots=True)
class Order:
    """`levels` holds indices of a group's rules: those of one level read only what earlier levels record."""

    levels: tuple[tuple[int, ...], ...]
    problems: tuple[Problem, ...]


def order(group: RuleGroup, foreign: Collection[str]) -> Order:
    """The order of a group; `foreign` are the names that other groups record."""
    level: dict[int, int] = {}
    problems = []
    for index, rule in enumerate(group.rules):
        problem = _reads(group, index, foreign, level)
        if problem is not None:
            problems.append(problem)
            continue
        every = _queries(rule)
        read = [other for other in level if every or reads(rule.expr, _recorded(group.rules[other]))]
        level[index] = max((level[other] + 1 for other in read), default=0)
    depth = max(level.values(), default=-1) + 1
    return Order(
        tuple(tuple(index for index, own in level.items() if own == number) for number in range(depth)), tuple(problems)
    )


def recorded_names(groups: Sequence[RuleGroup]) -> frozenset[str]:
    return frozenset(rule.name for group in groups for rule in group.rules if isinstance(rule, RecordingRule))


def could_read(selector: VectorSelector, names: Collection[str]) -> str | None:
    """The first of `names` that the matchers of a selector leave possible."""
    by_name = [matcher for matcher in matchers_of(selector) if matcher.label == NAME]
    return next((name for name in names if all(accepts(matcher, name) for matcher in by_name)), None)


def reads(expr: Expr, names: Collection[str]) -> bool:
    return any(could_read(selector, names) for selector in _selectors(expr))


def where(rule: Rule, *parts: str) -> Span:
    """Where a rule was written; a rule that was built has its name for a text."""
    return place(rule, *parts) if rule.places else Source("<rule>", rule.name).span(0, len(rule.name))


def _selectors(expr: Expr) -> Iterator[VectorSelector]:
    return (node for node in walk(expr) if isinstance(node, VectorSelector))


def _recorded(rule: Rule) -> tuple[str, ...]:
    return (rule.name,) if isinstance(rule, RecordingRule) else ()


def _queries(rule: Rule) -> bool:
    """Whether a template of an alert may query, so that it comes after all that stands before it."""
    texts = (*rule.labels.values(), *rule.annotations.values()) if isinstance(rule, AlertingRule) else ()
    return any(template_reads(text, "query") for text in texts)


def unknown_names(group: RuleGroup, index: int, foreign: Collection[str], known: Collection[int]) -> tuple[str, ...]:
    """The series that rules record which the templates of a rule cannot query: only earlier ones of its group can."""
    own = [name for i, rule in enumerate(group.rules) if i >= index or i not in known for name in _recorded(rule)]
    return (*own, *foreign, *_OWN)


def _reads(group: RuleGroup, index: int, foreign: Collection[str], known: Collection[int]) -> Problem | None:
    """Why a rule cannot be evaluated after those that stand before it and are known."""
    rule = group.rules[index]
    late = [name for other in group.rules[index:] for name in _recorded(other)]
    left_out = [name for i, other in enumerate(group.rules[:index]) if i not in known for name in _recorded(other)]
    causes = (
        (late, "which it or a later rule of its group records", "put the recording rule before it"),
        (foreign, "which another group records", "put both rules into one group, the recording rule first"),
        (left_out, "whose rule is left out", ""),
        (_OWN, "which a backtest does not write as a series", "name the metric that it reads"),
    )
    for selector in _selectors(rule.expr):
        for names, cause, help in causes:
            name = could_read(selector, names)
            if name is not None:
                message = f"`{rule.name}` is left out: it reads `{name}`, {cause}"
                span = selector.span or where(rule, "expr")
                return Problem("backtest/unsupported", message, span, help=help)
    return None
