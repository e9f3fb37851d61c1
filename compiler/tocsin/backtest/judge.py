"""A finished backtest to what is only noise in it: every rule of `findings` on every alert."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from tocsin.alerts.episodes import Episodes
from tocsin.alerts.timeline import Episode
from tocsin.backtest.findings.api import FINDINGS, Subject
from tocsin.backtest.model import Backtest, RuleVerdict
from tocsin.backtest.pages import Page, Wakes, owner_of, pages
from tocsin.backtest.what_if import Rerun, deciding
from tocsin.budget import Budgets
from tocsin.diagnostics import Problem, Span
from tocsin.engine.semantics import Semantics
from tocsin.registry import discover
from tocsin.rules import RuleGroup
from tocsin.series import Recording

DEADMAN = "none"
"""The severity of a dead-man's switch, which is meant to fire always."""


def judge(
    backtest: Backtest,
    groups: Sequence[RuleGroup],
    recording: Recording,
    semantics: Semantics,
    budgets: Budgets,
    wakes: Wakes,
) -> Iterator[tuple[Problem, Span]]:
    """The problems of all alerts, each with the place of its alert; `groups` and `recording` are the backtest's."""
    discover("tocsin.backtest.findings")
    woken = pages(backtest, wakes)
    for verdict in backtest.rules:
        rule = verdict.rule
        severity = rule.labels.get("severity", "")
        if severity == DEADMAN:
            continue
        what_if = Rerun(groups, rule, recording, backtest.window, semantics, backtest.replay)
        limits = (budgets.of(owner_of(verdict)), wakes(severity))
        pages_if = partial(_pages_if, backtest, wakes, verdict)
        subject = Subject(
            verdict, Episodes.of(verdict.episodes), backtest, *limits, woken, pages_if, deciding(rule.expr), what_if
        )
        for name in FINDINGS:
            yield from ((problem, subject.place("rule")) for problem in FINDINGS[name].problems(subject))


def _pages_if(backtest: Backtest, wakes: Wakes, verdict: RuleVerdict, episodes: Sequence[Episode]) -> tuple[Page, ...]:
    """The pages of a backtest, had the alert of a verdict had other episodes."""
    ordered = tuple(sorted(episodes, key=lambda one: (one.pending, one.labels)))
    other = replace(verdict, timeline=replace(verdict.timeline, episodes=ordered))
    changed = replace(backtest, rules=tuple(other if one is verdict else one for one in backtest.rules))
    if backtest.alertmanager is None:
        return pages(changed, wakes)
    from tocsin.backtest.noise import notified

    return pages(notified(changed, backtest.alertmanager), wakes)
