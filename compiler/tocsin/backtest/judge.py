"""A finished backtest to what is only noise in it: every rule of `findings` on every alert."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tocsin.backtest.findings.api import FINDINGS, Subject
from tocsin.backtest.model import Backtest
from tocsin.backtest.pages import OWNER, Wakes, pages
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
        what_if = Rerun(groups, rule, recording, backtest.window, semantics)
        budget = budgets.of(rule.labels.get(OWNER, ""))
        subject = Subject(verdict, backtest, budget, wakes(severity), woken, deciding(rule.expr), what_if)
        for name in FINDINGS:
            yield from ((problem, subject.place("rule")) for problem in FINDINGS[name].problems(subject))
