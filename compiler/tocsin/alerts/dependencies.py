"""Rule groups to the order in which whole columns of their rules can be evaluated, and the rules that have none.

A rule sees what was recorded before its own evaluation (rules/group.go `Eval`). So it can be evaluated for all times
at once after the rules that it reads; rules that read each other in a circle, or themselves, only step by step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tocsin.diagnostics import Source, Span
from tocsin.engine.read import Matchers
from tocsin.functions.info import describing
from tocsin.labels import NAME
from tocsin.promql.ast import Call, Matcher, VectorSelector, walk
from tocsin.promql.match import accepts, matchers_of
from tocsin.rules import AlertingRule, RecordingRule, Rule, RuleGroup, place
from tocsin.templates.actions import reads as template_reads

Key: TypeAlias = tuple[int, int]
"""A rule: the place of its group, and its own in the group. What is evaluated at the same moment is in this order.

Prometheus has no order of groups; here it is that of the files.
"""

Known: TypeAlias = Mapping[str, str]
"""Labels that all series have which a rule writes; empty ones are those that none has."""

ALERTS, STATE = "ALERTS", "ALERTS_FOR_STATE"


@dataclass(frozen=True, slots=True)
class Plan:
    """`reads` are the rules that may have written what the expression of a rule reads, `queries` those that its
    templates may query. Rules of one level need only earlier levels, but those of a circle, which needs itself.
    """

    rules: Mapping[Key, Rule]
    writers: Writers
    reads: Mapping[Key, frozenset[Key]]
    queries: Mapping[Key, frozenset[Key]]
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Level:
    rules: tuple[Key, ...]
    circle: bool = False


def plan(groups: Sequence[RuleGroup]) -> Plan:
    """The order of all rules. What lies between two circles is evaluated with them."""
    rules = {(place, index): rule for place, group in enumerate(groups) for index, rule in enumerate(group.rules)}
    writers = Writers.of(rules)
    reads = {key: frozenset(writers.read_by(rule)) for key, rule in rules.items()}
    queried = {key: frozenset(other for other in rules if other < key) for key, rule in rules.items() if queries(rule)}
    needed = {key: read | (queried[key] if names_by_query(rules[key]) else set()) for key, read in reads.items()}
    before, rest = _levels(list(rules), needed)
    needing: dict[Key, set[Key]] = {key: set() for key in rules}
    for key, others in needed.items():
        for other in others:
            needing[other].add(key)
    _, circle = _levels(rest, needing)
    around = set(circle)
    after, _ = _levels([key for key in rest if key not in around], needed)
    return Plan(
        rules, writers, reads, queried, (*before, *([Level(tuple(circle), circle=True)] if circle else []), *after)
    )


def _levels(keys: Sequence[Key], needed: Mapping[Key, Collection[Key]]) -> tuple[list[Level], list[Key]]:
    """Levels of which each needs only those before it (nothing outside of `keys` counts), and what has no level."""
    own = set(keys)
    waiting = {key: {other for other in needed[key] if other in own} for key in keys}
    behind: dict[Key, list[Key]] = {key: [] for key in keys}
    for key, others in waiting.items():
        for other in others:
            behind[other].append(key)
    levels, ready = [], [key for key in keys if not waiting[key]]
    while ready:
        levels.append(Level(tuple(sorted(ready))))
        freed = []
        for done in ready:
            del waiting[done]
            for key in behind[done]:
                waiting[key].discard(done)
                freed += [] if waiting[key] else [key]
        ready = freed
    return levels, sorted(waiting)


@dataclass(frozen=True, slots=True)
class Writers:
    """The rules by the names of the series that they write, and what is known of their other labels."""

    named: Mapping[str, Sequence[tuple[Key, Known]]]

    @staticmethod
    def of(rules: Mapping[Key, Rule]) -> Writers:
        named: dict[str, list[tuple[Key, Known]]] = {}
        for key, rule in rules.items():
            for known in written(rule):
                named.setdefault(known[NAME], []).append((key, known))
        return Writers(named)

    def of_selector(self, matchers: Matchers) -> Iterator[Key]:
        """The rules whose series these matchers may accept."""
        exact = next((one.value for one in matchers if one.label == NAME and one.op == "="), None)
        names = self.named if exact is None else [exact]
        for name in names:
            for key, known in self.named.get(name, ()):
                if _possible(matchers, known):
                    yield key

    def read_by(self, rule: Rule) -> Iterator[Key]:
        """The rules whose series the expression of a rule may read."""
        for node in walk(rule.expr):
            if isinstance(node, VectorSelector):
                yield from self.of_selector(matchers_of(node))
            elif isinstance(node, Call) and node.function == "info":
                yield from self.of_selector(matchers_of(describing(node)))


def written(rule: Rule) -> Iterator[Known]:
    """What is known of the series that a rule writes."""
    if isinstance(rule, RecordingRule):
        yield {**rule.labels, NAME: rule.name}
        return
    plain = {name: value for name, value in rule.labels.items() if "{{" not in value} | {"alertname": rule.name}
    yield {**plain, NAME: ALERTS, "alertstate": "pending"}
    yield {**plain, NAME: ALERTS, "alertstate": "firing"}
    yield {**plain, NAME: STATE}


def _possible(matchers: Iterable[Matcher], known: Known) -> bool:
    return all(accepts(one, known[one.label]) for one in matchers if one.label in known)


def queries(rule: Rule) -> bool:
    """Whether a template of an alert may query."""
    annotations = rule.annotations.values() if isinstance(rule, AlertingRule) else ()
    return names_by_query(rule) or any(template_reads(text, "query") for text in annotations)


def names_by_query(rule: Rule) -> bool:
    """Whether the labels of an alert may depend on queries; annotations can be told when all is done."""
    return isinstance(rule, AlertingRule) and any(template_reads(text, "query") for text in rule.labels.values())


def could_read(selector: VectorSelector, names: Collection[str]) -> str | None:
    """The first of `names` that the matchers of a selector leave possible."""
    by_name = [matcher for matcher in matchers_of(selector) if matcher.label == NAME]
    return next((name for name in names if all(accepts(matcher, name) for matcher in by_name)), None)


def where(rule: Rule, *parts: str) -> Span:
    """Where a rule was written; a rule that was built has its name for a text."""
    return place(rule, *parts) if rule.places else Source("<rule>", rule.name).span(0, len(rule.name))
