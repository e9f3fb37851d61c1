"""A finished backtest to what it says of each objective: the budget that was spent, and how much by the first page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import TypeAlias

import numpy as np

from tocsin.accounts import BAD_EVENTS, BURN, CALENDAR, INFO, OBJECTIVE, PERIOD, SERVICE, SPENT, TARGET, TOTAL_EVENTS
from tocsin.backtest.model import Backtest, ObjectiveVerdict, RuleVerdict, Spending
from tocsin.backtest.run import SEVERITY
from tocsin.diagnostics import Problem, Severity
from tocsin.duration import parse_duration
from tocsin.labels import NAME, Labels, drop, get
from tocsin.promql.ast import Binary, Matcher, Number, VectorSelector, selectors, walk
from tocsin.promql.grouped import groups as grouped
from tocsin.promql.match import matchers_of
from tocsin.registry import suggest
from tocsin.rules import RecordingRule, RuleGroup, place
from tocsin.series import STALE_BITS, Recording, Times, Values

Samples = Mapping[Labels, tuple[Times, Values]]
"""The times and values of a recorded series, for each of its groups."""


def objectives(
    backtest: Backtest, groups: Sequence[RuleGroup], wakes: Callable[[str], bool]
) -> tuple[ObjectiveVerdict, ...]:
    """The objectives whose rules are among `groups`, in their order; `wakes` tells which severities wake a person."""
    own = [rule for rule in _recording(groups) if {SERVICE, OBJECTIVE} <= set(rule.labels)]
    weights = {(rule.labels[SERVICE], rule.labels[OBJECTIVE]): _weights(rule) for rule in own if rule.name == SPENT}
    infos = [rule.labels for rule in own if rule.name == INFO and PERIOD in rule.labels]
    return tuple(_verdict(backtest, info, weights.get((info[SERVICE], info[OBJECTIVE]), {}), wakes) for info in infos)


def uncounted(backtest: Backtest, groups: Sequence[RuleGroup]) -> Iterator[Problem]:
    """That an objective counted nothing, or that nothing has a label that its groups are by."""
    recording = _recording(groups)
    for rule in recording if backtest.replay else ():
        if rule.name == TOTAL_EVENTS and {SERVICE, OBJECTIVE} <= set(rule.labels):
            for code, message, help in _faults(backtest, rule, {one.name for one in recording}):
                yield Problem(code, message, place(rule, "expr"), severity=Severity.WARNING, help=help)


def _recording(groups: Sequence[RuleGroup]) -> list[RecordingRule]:
    return [rule for group in groups for rule in group.rules if isinstance(rule, RecordingRule)]


def _faults(backtest: Backtest, rule: RecordingRule, made: Collection[str]) -> Iterator[tuple[str, str, str]]:
    assert backtest.replay is not None
    source, window, name = backtest.replay.source, backtest.window, rule.labels[OBJECTIVE]
    found = _recorded(source, rule.name, rule.labels, window.start, window.end)
    if not found:
        yield "backtest/no-events", f"the objective `{name}` counted nothing", "record what its indicator reads"
        return
    for label in sorted(grouped(rule.expr) or ()):
        if not any(get(labels, label) for labels in found):
            message = f"nothing that the objective `{name}` counts has the label `{label}`: all is one group"
            read = [node for node in walk(rule.expr) if isinstance(node, VectorSelector) and node.name not in made]
            series = [source.read(matchers_of(one), window.start, window.end) for one in dict.fromkeys(read)]
            known = {name for one in series for labels in one.labels for name, _ in labels} - {NAME}
            yield "backtest/no-label", message, suggest(label, known)


def _weights(spent: RecordingRule) -> dict[str, float]:
    """The objectives that one is made of, by the rule of what it has spent: `0.6 *` what another one counts."""
    weights: dict[str, float] = {}
    for node in walk(spent.expr):
        match node:
            case Binary(op="*", lhs=Number(value=weight), rhs=share):
                read = (by for one in selectors(share) for by in one.matchers)
                counted = {by.value for by in read if (by.label, by.op) == (OBJECTIVE, "=")}
                for part in counted - {spent.labels[OBJECTIVE]}:
                    weights.setdefault(part, weight)
    return weights


def _verdict(
    backtest: Backtest, info: Mapping[str, str], weights: Mapping[str, float], wakes: Callable[[str], bool]
) -> ObjectiveVerdict:
    rules = tuple(
        (one.rule.labels[BURN], one)
        for one in backtest.rules
        if BURN in one.rule.labels and all(one.rule.labels.get(name) == info[name] for name in (SERVICE, OBJECTIVE))
    )
    period = CALENDAR.get(info[PERIOD]) or parse_duration(info[PERIOD])
    account = _composite(backtest, info, period, weights) if weights else _account(backtest, info, info, period)
    told = tuple(_spendings(backtest, [one for _, one in rules], account, wakes))
    whole = (backtest.window.start - 1, backtest.window.end)
    spent = account.spent(*whole) if account else None
    events, bad = (account.events, account.counted(*whole)) if isinstance(account, _Account) else (None, None)
    return ObjectiveVerdict(info[SERVICE], info[OBJECTIVE], period, rules, events, bad, spent, told)


@dataclass(frozen=True, slots=True)
class _Account:
    """The bad events of an objective, and the budget of a whole period, in events; `events` are all that were seen."""

    bad: Samples
    budget: float
    events: float

    def counted(self, after: int, until: int) -> float:
        """The bad events after a time, and until another."""
        return fsum(fsum(values[(times > after) & (times <= until)]) for times, values in self.bad.values())

    def spent(self, after: int, until: int) -> float | None:
        """They as a share of the budget."""
        return self.counted(after, until) / self.budget if self.budget else None


@dataclass(frozen=True, slots=True)
class _Composite:
    """The accounts of what an objective is made of, each at its target and over its period, with their weights."""

    parts: tuple[tuple[_Account, float], ...]

    def spent(self, after: int, until: int) -> float | None:
        """The weighted share of the budget that went after a time, and until another."""
        found = [(one.spent(after, until), weight) for one, weight in self.parts]
        shares = [weight * share for share, weight in found if share is not None]
        return fsum(shares) if shares else None


_Spends: TypeAlias = _Account | _Composite


def _composite(
    backtest: Backtest, info: Mapping[str, str], period: int, weights: Mapping[str, float]
) -> _Composite | None:
    """The accounts of the parts, None where none counted events: a part without any is without fault."""
    found = [(_account(backtest, {**info, OBJECTIVE: part}, info, period), one) for part, one in weights.items()]
    parts = tuple((account, one) for account, one in found if account)
    return _Composite(parts) if parts else None


def _account(backtest: Backtest, counted: Mapping[str, str], held: Mapping[str, str], period: int) -> _Account | None:
    """What one objective counted, held against the target of the same or another; None where it counted nothing."""
    if backtest.replay is None or not backtest.observed:
        return None
    window = backtest.window

    def recorded(name: str, info: Mapping[str, str] = counted) -> Samples:
        assert backtest.replay is not None
        return _recorded(backtest.replay.source, name, info, window.start, window.end)

    total, targets = recorded(TOTAL_EVENTS), recorded(TARGET, held)
    if not total or not targets:
        return None
    whole = period / backtest.observed
    allowed = [(1 - _target(labels, targets)) * fsum(values) for labels, (_, values) in total.items()]
    events = fsum(fsum(values) for _, values in total.values())
    return _Account(recorded(BAD_EVENTS), fsum(allowed) * whole, events)


def _target(group: Labels, targets: Samples) -> float:
    """The target of a group: its own, or that of all."""
    _, values = targets.get(group) or targets.get(()) or next(iter(targets.values()))
    return float(values[-1])


def _recorded(source: Recording, name: str, info: Mapping[str, str], start: int, end: int) -> Samples:
    """The samples of a series of the objective, staleness markers apart, by the labels of its groups."""
    own = [Matcher(label, "=", info[label]) for label in (SERVICE, OBJECTIVE)]
    series = source.read([Matcher(NAME, "=", name), *own], start, end)
    found = {}
    for index, labels in enumerate(series.labels):
        cut = slice(series.offsets[index], series.offsets[index + 1])
        kept = series.values[cut].view(np.uint64) != STALE_BITS
        if kept.any():
            found[drop(labels, (NAME, SERVICE, OBJECTIVE))] = (series.times[cut][kept], series.values[cut][kept])
    return found


def _spendings(
    backtest: Backtest,
    rules: Sequence[RuleVerdict],
    account: _Spends | None,
    wakes: Callable[[str], bool],
) -> Iterator[Spending]:
    severities = {(one.group, one.rule.name): one.rule.labels.get(SEVERITY, "") for one in rules}
    for verdict in backtest.incidents:
        own = [one for one in verdict.detections if (one.group, one.rule) in severities]
        paging = [one for one in own if wakes(severities[(one.group, one.rule)])]
        for first in (paging or own)[:1]:
            spent = account.spent(verdict.incident.start, first.at) if account else None
            yield Spending(verdict.incident, first, severities[(first.group, first.rule)], spent)
