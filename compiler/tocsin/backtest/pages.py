"""A backtest to what woke people: when, whom, and by which alert."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tocsin.backtest.model import Backtest, RuleVerdict

Wakes: TypeAlias = Callable[[str], bool]
"""Whether alerts of a severity wake a person."""

OWNER = "owner"
"""The label that says whom an alert is for."""


@dataclass(frozen=True, slots=True)
class Page:
    """A person was woken, at a time in Unix milliseconds."""

    at: int
    owner: str
    verdict: RuleVerdict


def pages(backtest: Backtest, wakes: Wakes) -> tuple[Page, ...]:
    """Every page in the order of time: each episode that fires is one, where its severity wakes a person."""
    found = [
        Page(episode.firing, verdict.rule.labels.get(OWNER, ""), verdict)
        for verdict in backtest.rules
        if wakes(verdict.rule.labels.get("severity", ""))
        for episode in verdict.episodes
        if episode.firing is not None
    ]
    return tuple(sorted(found, key=lambda page: page.at))
