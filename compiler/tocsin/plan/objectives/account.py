"""An objective to the series that its rules record: how they are named, selected and added up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from tocsin.indicators.api import Indicator
from tocsin.plan import names
from tocsin.promql import build
from tocsin.promql.ast import Expr, Matcher, VectorSelector
from tocsin.rules import Places, RecordingRule
from tocsin.spec.model import Objective, Spec
from tocsin.spec.settings import MINUTE, Settings

SAMPLES = 10_800
"""How many samples a period is added up from, at most, where the interval below allows it."""

LONGEST = 4 * MINUTE
"""The longest interval of a rule group whose series are always there for a query, which looks back five minutes."""

QUARTER = 15 * MINUTE


@dataclass(frozen=True, slots=True)
class Account:
    """One objective of a spec with its indicator (None for a composite), and how often its rules are evaluated.

    Its series carry the service, the objective and the groups, and no label that an author may edit: an edit would
    begin new series, and leave their sums without a past.
    """

    spec: Spec
    objective: Objective
    indicator: Indicator | None
    by: tuple[str, ...]
    step: int
    closed: bool

    @property
    def identity(self) -> Mapping[str, str]:
        """The labels of everything that is recorded."""
        return {names.OBJECTIVE: self.objective.name, names.SERVICE: self.spec.service}

    @property
    def coarse_step(self) -> int:
        """The interval in ms at which the sums over the period are evaluated: whole steps.

        Days of the calendar begin between two of them, in every time zone: all are quarters of an hour from UTC.
        """
        wanted = ceil(self.objective.period.length / SAMPLES / self.step) * self.step
        longest = min(wanted, LONGEST // self.step * self.step)
        if self.objective.period.calendar:
            longest = next((step for step in range(longest, 0, -self.step) if QUARTER % step == 0), longest)
        return max(self.step, longest)

    def tiled(self, window: int) -> int:
        """The range in ms that holds the samples of whole steps once each.

        Prometheus 2 counts the samples at both ends of a range, so that neighbouring ranges would share one.
        """
        return window - 1 if self.closed else window

    def select(self, name: str) -> VectorSelector:
        """A recorded series of this objective."""
        return build.selector(name, *(Matcher(label, "=", value) for label, value in self.identity.items()))

    def sum(self, name: str, window: int) -> Expr:
        """The sum of a recorded series over a window in ms."""
        return build.call("sum_over_time", build.over(self.select(name), self.tiled(window)))

    def ratio(self, window: int) -> Expr:
        """The bad events of a window among as many events as it has at its average; none where there were no events.

        Time that was not seen (the rules are new, or the target was gone) counts as time without fault: else the first
        error after a start would be all that a long window knows, and a page.
        """
        average = build.call("avg_over_time", build.over(self.select(names.TOTAL_EVENTS), self.tiled(window)))
        expected = build.binary(average, "*", build.number(window // self.step))
        return build.binary(self.sum(names.BAD_EVENTS, window), "/", build.compare(expected, ">", build.number(0)))

    def record(self, name: str, expr: Expr, comment: str) -> RecordingRule:
        """A rule that records a series; `comment` tells an operator what it is for."""
        return RecordingRule(name, expr, self.identity, self.places, comment)

    @property
    def places(self) -> Places:
        """Where the objective was written."""
        own = self.objective.places
        return {"rule": own["rule"], "expr": own["name"]}


def account(spec: Spec, objective: Objective, settings: Settings) -> Account:
    """The account of an objective. A composite has the groups of its parts."""
    parts = [one.indicator for one in spec.objectives if one.name in {part.objective for part in objective.parts}]
    name = objective.indicator or next(iter(parts), "")
    judged = spec.indicators.get(name)
    indicator = judged if objective.indicator else None
    step = objective.slices.every if objective.slices else settings.evaluation_interval
    return Account(spec, objective, indicator, judged.by if judged else (), step, settings.version < (3, 0))
