"""An objective and a recording to the traffic that its rules count there."""

from __future__ import annotations

from fractions import Fraction

from tocsin.backtest.objectives import objectives
from tocsin.diagnostics import Problems
from tocsin.engine.semantics import Semantics
from tocsin.pipeline.data import Times, open_data
from tocsin.pipeline.replay import replay
from tocsin.plan.objectives.emit import groups
from tocsin.plan.objectives.lower import PlannedObjective
from tocsin.report.numbers import rate
from tocsin.spec.settings import Settings


def measured(planned: PlannedObjective, data: str, settings: Settings, problems: Problems) -> dict[str, Fraction]:
    """The events a second by how they are called; empty where none were counted.

    Raises ProblemError where the recording cannot be read.
    """
    own = list(groups(planned))
    semantics = Semantics(compat=3 if settings.version >= (3, 0) else 2)
    verdict = replay(own, open_data(data, problems), None, Times(), semantics, problems)
    found = objectives(verdict, own, settings.wakes)
    if not found or not found[0].events or not verdict.observed:
        return {}
    traffic = Fraction(found[0].events) * 1000 / verdict.observed
    return {f"{rate(float(traffic))}/s": traffic}
