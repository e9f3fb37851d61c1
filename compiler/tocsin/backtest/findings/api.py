"""What a noise rule on data is: a function from one alert's backtest to what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from tocsin.alerts.timeline import Episode
from tocsin.backtest.measure import columns, fired
from tocsin.backtest.model import Backtest, Incident, RuleVerdict
from tocsin.backtest.pages import OWNER, Page
from tocsin.backtest.score import TOLERANCE, Claim, claims, fits
from tocsin.budget import Budget
from tocsin.diagnostics import Severity, Span
from tocsin.findings import Check, NoiseRule, register
from tocsin.findings import Finding as Finding
from tocsin.labels import Labels, format_labels
from tocsin.promql.compare import Comparison
from tocsin.registry import Registry
from tocsin.rules import AlertingRule, place

if TYPE_CHECKING:
    from tocsin.alerts.episodes import Episodes


class WhatIf(Protocol):
    """The same alert on the same recording with something changed. It is evaluated when it is first asked."""

    def episodes(self, *, for_: int, keep_firing_for: int, threshold: float | None = None) -> Episodes:
        """What the alert does with this `for` and `keep_firing_for` (milliseconds), and with a stricter threshold."""
        ...

    def thresholds(self, excluded: Sequence[tuple[int, int]]) -> tuple[float, ...]:
        """Stricter thresholds, mildest first: quantiles of the values beyond it at times that are not `excluded`."""
        ...

    def unread(self) -> tuple[str, ...]:
        """The selectors of the alert's expression that find no sample in the window."""
        ...


@dataclass(frozen=True, slots=True)
class Subject:
    """An alert and what it did in a backtest, the `episodes` of its verdict as columns.

    `limit` is the comparison that a stricter threshold can change, `wakes` whether it wakes a person, and `pages` are
    those of all alerts, and `pages_if` those that there would be, had this alert had other episodes.
    """

    verdict: RuleVerdict
    episodes: Episodes
    backtest: Backtest
    budget: Budget
    wakes: bool
    pages: tuple[Page, ...]
    pages_if: Callable[[Sequence[Episode]], tuple[Page, ...]]
    limit: Comparison | None
    what_if: WhatIf

    @property
    def rule(self) -> AlertingRule:
        return self.verdict.rule

    @property
    def owner(self) -> str:
        return self.rule.labels.get(OWNER, "")

    @property
    def knows_incidents(self) -> bool:
        """Whether it can be told what is for an incident."""
        return self.backtest.score.true is not None

    def place(self, *parts: str) -> Span:
        """Where the first of the alert's parts that was written stands, else its name."""
        return place(self.rule, *parts, "alert")

    def which(self, labels: Labels) -> str:
        """Which of the rule's alerts has these labels, for the end of a message; nothing where there is only one."""
        own = tuple(pair for pair in labels if pair[0] not in (*self.rule.labels, "alertname"))
        alone = len(self.episodes.labels) == 1
        return "" if alone else f": {format_labels(own)}"

    def caught(self, episodes: Sequence[Episode]) -> frozenset[str]:
        """The incidents that some of the episodes fired for."""
        return frozenset(incident.name for incident, told in self._told(episodes) if told)

    def shared(self) -> frozenset[str]:
        """The incidents that other alerts caught too: those that wake a person, where this one does."""
        waking = {(one.group, one.rule.name) for page in self.pages for one in page.verdicts}
        own = (self.verdict.group, self.rule.name)
        found = self.backtest.incidents
        others = {one.incident.name: {(each.group, each.rule) for each in one.detections} - {own} for one in found}
        return frozenset(name for name, some in others.items() if (some & waking if self.wakes else some))

    def news(self, episodes: Sequence[Episode]) -> set[Episode]:
        """The episodes that were the first to fire for some incident."""
        return {told[0] for _, told in self._told(episodes) if told}

    def idle(self, episodes: Sequence[Episode]) -> Episodes:
        """The episodes that no incident explains, those among them that never fired."""
        some = columns(episodes)
        for start, end in self.incident_spans():
            some = some.where((some.pending < start) | (some.pending > end))
        return some

    def incident_spans(self) -> list[tuple[int, int]]:
        """When incidents were, with what fires for them shortly before and after."""
        return [(one.since, one.until) for one in self._claims()]

    def useful(self, episodes: Sequence[Episode]) -> int:
        """How many of the episodes fired for an incident."""
        return len({episode for _, told in self._told(episodes) for episode in told})

    def _told(self, episodes: Sequence[Episode]) -> Iterator[tuple[Incident, list[Episode]]]:
        """Each incident, and the episodes that fired for it in the order of firing."""
        ordered = fired(episodes).by_firing()
        for claim in self._claims():
            first, last = ordered.firing.searchsorted((claim.since, claim.until + 1)).tolist()
            yield claim.incident, [episode for episode in ordered[first:last] if fits(episode, claim)]

    def _claims(self) -> Sequence[Claim]:
        real = [one.incident for one in self.backtest.incidents]
        harmless = [one.incident for one in self.backtest.not_incidents]
        return claims(real, harmless, self.backtest.window, TOLERANCE)


FINDINGS: Registry[NoiseRule[Subject]] = Registry("noise rule on data")


def data_rule(severity: Severity = Severity.WARNING) -> Callable[[Check[Subject]], Check[Subject]]:
    """Registers a check as the rule that its module is named for; the module's docstring is its page."""
    return register(FINDINGS, severity)


def moment(ms: int) -> str:
    """A time as problems tell it, to the second.

    >>> moment(1_681_333_550_000)
    '2023-04-12T21:05:50Z'
    """
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def times(count: int) -> str:
    """How often, in words.

    >>> times(0), times(1), times(3)
    ('never', 'once', '3 times')
    """
    return ("never", "once")[count] if count < 2 else f"{count:,} times"
