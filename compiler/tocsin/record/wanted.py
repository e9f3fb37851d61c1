"""Rule groups and a stretch of time to the samples that their rules read in it, each wanted once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tocsin.alerts.dependencies import ALERTS, STATE, Key, Writers
from tocsin.diagnostics import Problem
from tocsin.engine.read import Matchers, Stretch, joined, needs
from tocsin.engine.semantics import Semantics
from tocsin.labels import NAME
from tocsin.promql.ast import Expr, Matcher, VectorSelector
from tocsin.promql.print import print_expr
from tocsin.record.queries import queries
from tocsin.rules import AlertingRule, RecordingRule, Rule, RuleGroup


@dataclass(frozen=True, slots=True)
class Wanted:
    """The samples of a selector from `start` to `end`, both inclusive, in Unix milliseconds."""

    matchers: Matchers
    start: int
    end: int

    @property
    def selector(self) -> str:
        """The selector as PromQL.

        >>> Wanted((Matcher("__name__", "=", "up"), Matcher("job", "=~", "a|b")), 0, 0).selector
        'up{job=~"a|b"}'
        """
        name = next((one.value for one in self.matchers if one.label == NAME and one.op == "="), None)
        others = tuple(one for one in self.matchers if name is None or one != Matcher(NAME, "=", name))
        return print_expr(VectorSelector(name, others))


def wanted(
    groups: Sequence[RuleGroup], start: int, end: int, semantics: Semantics
) -> tuple[list[Wanted], list[Problem]]:
    """What rules read that are evaluated from `start` to `end`, and what of that cannot be told.

    What the rules record themselves is not wanted, but what it takes to have it as early as it is read. Of a selector
    that selects nothing but what another does, only the times are wanted that the other lacks.
    """
    search = _Search.of(groups, semantics)
    for key in search.rules:
        search.visit(key, start, end)
    return list(_apart(search.found)), search.problems


@dataclass(slots=True)
class _Search:
    rules: dict[Key, Rule]
    shifts: Sequence[int]
    semantics: Semantics
    writers: Writers
    found: dict[Matchers, list[Stretch]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _visited: dict[Key, list[Stretch]] = field(default_factory=dict)
    _queries: dict[Key, list[Expr]] = field(default_factory=dict)

    @staticmethod
    def of(groups: Sequence[RuleGroup], semantics: Semantics) -> _Search:
        rules = {(place, index): rule for place, group in enumerate(groups) for index, rule in enumerate(group.rules)}
        search = _Search(rules, [group.query_offset or 0 for group in groups], semantics, Writers.of(rules))
        for key, rule in rules.items():
            search._queries[key] = queries(rule, search.problems) if isinstance(rule, AlertingRule) else []
        return search

    def visit(self, key: Key, start: int, end: int, above: frozenset[Key] = frozenset()) -> None:
        """Note what a rule reads, and what the rules do that it reads; `above` are rules that read this one."""
        known = self._visited.setdefault(key, [])
        if any(low <= start and end <= high for low, high in known):
            return
        known.append((start, end))
        shift, above = self.shifts[key[0]], above | {key}
        for expr in (self.rules[key].expr, *self._queries[key]):
            for need in needs(expr, start - shift, end - shift, self.semantics):
                writers = list(self.writers.of_selector(need.matchers))
                if not (writers and self._is_recorded(need.matchers)):
                    matchers = tuple(sorted(set(need.matchers), key=_order))
                    self.found.setdefault(matchers, []).append((need.start, need.end))
                for other in writers:
                    if other not in above:
                        # A sample of a recording rule has the time that its expression was evaluated at.
                        shifted = self.shifts[other[0]]
                        self.visit(other, need.start + shifted, need.end + shifted, above)

    def _is_recorded(self, matchers: Matchers) -> bool:
        """Whether the rules alone write what a selector selects, as `tocsin.alerts.recorded` has it."""
        exact = {one.label: one.value for one in matchers if one.op == "="}
        name, alert = exact.get(NAME), exact.get("alertname")
        if name in (ALERTS, STATE):
            return any(isinstance(rule, AlertingRule) and rule.name == alert for rule in self.rules.values())
        return any(isinstance(rule, RecordingRule) and rule.name == name for rule in self.rules.values())


def _order(matcher: Matcher) -> tuple[bool, str, str, str]:
    return matcher.label != NAME, matcher.label, matcher.op, matcher.value


def _apart(found: dict[Matchers, list[Stretch]]) -> Iterator[Wanted]:
    """Each selector with the times that no wider one covers, in an order that depends on the rules alone."""
    for matchers in sorted(found, key=lambda every: [_order(one) for one in every]):
        own = set(matchers)
        wider = [stretch for other in found if set(other) < own for stretch in found[other]]
        for start, end in _without(joined(found[matchers]), wider):
            yield Wanted(matchers, start, end)


def _without(stretches: Iterable[Stretch], covered: Iterable[Stretch]) -> Iterator[Stretch]:
    """What of rising stretches others do not cover."""
    others = joined(covered)
    for start, end in stretches:
        for low, high in others:
            if low <= end and high >= start:
                if start < low:
                    yield start, low - 1
                start = high + 1
        if start <= end:
            yield start, end
