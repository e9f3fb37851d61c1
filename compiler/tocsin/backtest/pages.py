"""A backtest to what woke people: when, whom, and by which alerts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from tocsin.backtest.model import Backtest, RuleVerdict
from tocsin.labels import EMPTY, Labels
from tocsin.notify.news import news
from tocsin.notify.notification import Notification

Wakes: TypeAlias = Callable[[str], bool]
"""Whether alerts of a severity wake a person."""

OWNER = "owner"
"""The label that says whom an alert is for."""


@dataclass(frozen=True, slots=True)
class Page:
    """An owner was woken, at a time in Unix milliseconds, by alerts of some rules.

    Where notifications are known: about which group, and by which receivers.
    """

    at: int
    owner: str
    verdicts: tuple[RuleVerdict, ...]
    group: Labels = EMPTY
    receivers: tuple[str, ...] = ()


def pages(backtest: Backtest, wakes: Wakes) -> tuple[Page, ...]:
    """Every page in the order of time.

    A notification wakes the owners of those alerts in it that wake a person, and that are new in it or told again. Of
    the same group at the same time they are woken once, however many ways they are told. Where no notifications are
    known, each episode that fires is a page.
    """
    told = backtest.notifications
    found = _of_episodes(backtest, wakes) if told is None else _of_notifications(told, backtest, wakes)
    return tuple(sorted(found, key=lambda page: (page.at, page.owner, page.group)))


def _of_episodes(backtest: Backtest, wakes: Wakes) -> Iterator[Page]:
    return (
        Page(episode.firing, owner_of(verdict), (verdict,))
        for verdict in backtest.rules
        if _wakes(verdict, wakes)
        for episode in verdict.episodes
        if episode.firing is not None
    )


def _of_notifications(told: Iterable[Notification], backtest: Backtest, wakes: Wakes) -> Iterator[Page]:
    rules = rules_of(backtest)
    woken: defaultdict[tuple[int, str, Labels], tuple[dict[str, None], dict[int, RuleVerdict]]]
    woken = defaultdict(lambda: ({}, {}))
    for one, fresh in news(told):
        for verdict in (rules[labels] for labels in fresh):
            if _wakes(verdict, wakes):
                receivers, verdicts = woken[one.at, owner_of(verdict), one.group]
                receivers[one.receiver] = None
                verdicts[id(verdict)] = verdict
    for (at, owner, group), (receivers, verdicts) in woken.items():
        yield Page(at, owner, tuple(verdicts.values()), group, tuple(receivers))


def rules_of(backtest: Backtest) -> dict[Labels, RuleVerdict]:
    """The rule of each alert, by its labels; the first where several rules make the same alert."""
    return {episode.labels: verdict for verdict in reversed(backtest.rules) for episode in verdict.episodes}


def owner_of(verdict: RuleVerdict) -> str:
    """Whom the alerts of a rule are for; empty where it does not say."""
    return verdict.rule.labels.get(OWNER, "")


def severity_of(verdict: RuleVerdict) -> str:
    """How urgent the alerts of a rule are; empty where it does not say."""
    return verdict.rule.labels.get("severity", "")


def _wakes(verdict: RuleVerdict, wakes: Wakes) -> bool:
    return wakes(severity_of(verdict))
