"""An objective to its plan: what is recorded, what alerts, and how often."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.plan.objectives import composite
from tocsin.plan.objectives.account import Account, account
from tocsin.plan.objectives.budget import budget, exhausted, standing
from tocsin.plan.objectives.burn import Burn, burns, ratios
from tocsin.plan.objectives.calendar import beginning
from tocsin.plan.objectives.events import counting
from tocsin.promql.ast import Expr
from tocsin.rules import RecordingRule
from tocsin.spec.load import IGNORE
from tocsin.spec.model import Objective, Spec
from tocsin.spec.settings import Settings


@dataclass(frozen=True, slots=True)
class PlannedObjective:
    """The rules of an objective: events and burn rates every `account.step`, the budget every `account.coarse_step`.

    `exhausted` is the condition and the severity of the alert that the budget is spent, None where there is none.
    """

    account: Account
    events: tuple[RecordingRule, ...]
    burns: tuple[Burn, ...]
    budget: tuple[RecordingRule, ...]
    exhausted: tuple[Expr, str] | None


def lower_objective(spec: Spec, objective: Objective, settings: Settings) -> PlannedObjective:
    """The plan of one objective of a spec."""
    own = account(spec, objective, settings)
    least = objective.exhausted or settings.severities[-1].name
    over = None if least == IGNORE else (exhausted(own), least)
    if objective.parts:
        parts = composite.parts(own, settings)
        shares = tuple(ratios(own, lambda window: composite.share(parts, window)))
        share, seen = composite.share_in_period(own, parts), composite.covered_parts(own, parts)
        sums = (*beginning(own), *standing(own, share, seen))
        return PlannedObjective(own, shares, tuple(burns(own)), sums, over)
    events = (*counting(own), *ratios(own, own.ratio))
    return PlannedObjective(own, events, tuple(burns(own)), tuple(budget(own)), over)
