"""The noise that a team puts up with: limits that tocsin.yaml sets, and that a backtest is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tocsin.diagnostics import Severity, Span


@dataclass(frozen=True, slots=True)
class Limit:
    """The most (of precision, the least) that is accepted; `written` is where a team set it, None for a default."""

    value: float
    written: Span | None = None

    @property
    def severity(self) -> Severity:
        """What it means to exceed it: a limit that a team set is a gate, a default only warns."""
        return Severity.WARNING if self.written is None else Severity.ERROR


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of one owner.

    `pages_per_week` are of all of the owner's alerts; the others are of each alert: the share of its episodes that
    last less than five minutes, how often in an hour it fires again, the share of its episodes that are for an
    incident, and how many of it fire at once.

    The defaults: two pages in each twelve-hour shift of a week, as on-call work can bear (B. Beyer et al., "Site
    Reliability Engineering", chapter 11); half of the episodes too short to act on, or for nothing, is what makes
    people stop to look.
    """

    pages_per_week: Limit = Limit(14)
    short_episodes: Limit = Limit(0.5)
    flaps_per_hour: Limit = Limit(2)
    precision: Limit = Limit(0.5)
    alerts_at_once: Limit = Limit(10)


@dataclass(frozen=True, slots=True)
class Budgets:
    """The budget of everybody, and those of owners who have their own."""

    common: Budget = Budget()
    owners: Mapping[str, Budget] = field(default_factory=dict)

    def of(self, owner: str) -> Budget:
        return self.owners.get(owner, self.common)
