"""Rule groups and a recording to a verdict: the half that knows samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tocsin.alerts.replay import STEADY, Schedule
from tocsin.backtest.incidents import read_incidents
from tocsin.backtest.model import Backtest
from tocsin.backtest.run import backtest
from tocsin.diagnostics import Problems
from tocsin.engine.read import needs
from tocsin.engine.semantics import Semantics
from tocsin.pipeline.data import Times
from tocsin.pipeline.groups import rule_groups
from tocsin.pipeline.inputs import Inputs
from tocsin.pipeline.limits import check_subqueries, check_times
from tocsin.rules import RuleGroup
from tocsin.series import Recording
from tocsin.sources.api import Selective

if TYPE_CHECKING:
    from tocsin.plan.emit import Compiled


def replay(
    groups: Sequence[RuleGroup],
    recording: Recording,
    incidents: str | None,
    times: Times,
    semantics: Semantics,
    problems: Problems,
    schedule: Schedule = STEADY,
) -> Backtest:
    """Replays rule groups on a recording, and scores them where a file of incidents is given.

    Raises ProblemError where the times or the incidents cannot be read.
    """
    known = read_incidents(incidents, problems) if incidents else None
    if isinstance(recording, Selective):
        exprs = [rule.expr for group in groups for rule in group.rules]
        recording.restrict(need.matchers for expr in exprs for need in needs(expr, 0, 0, semantics))
    start = recording.extent[0] if times.start is None else times.start
    end = recording.extent[1] if times.end is None else times.end
    for group in groups:
        check_times(start, end, group.interval or semantics.evaluation_interval)
        check_subqueries([rule.expr for rule in group.rules], semantics)
    verdict = backtest(groups, recording, known, start, end, semantics, schedule=schedule)
    problems.extend(verdict.problems)
    return verdict


def write_recorded(verdict: Backtest, folder: str) -> None:
    """Writes the series that the rules recorded, `ALERTS` among them, as blocks of a Prometheus database.

    Raises ProblemError where the folder cannot be written.
    """
    from tocsin.sources.tsdb.write import write_blocks

    assert verdict.replay is not None
    write_blocks(verdict.replay.recorded(), folder)


def page(
    verdict: Backtest,
    inputs: Inputs,
    compiled: Sequence[Compiled],
    recording: Recording,
    semantics: Semantics,
) -> str:
    """The HTML report: the verdict, what every alert compared, and how long those of specs take to fire."""
    from tocsin.backtest.trace import recorded, traces
    from tocsin.pipeline.explain import delays
    from tocsin.report import html  # its libraries are large, and few commands draw

    compared = traces(verdict, rule_groups(inputs, compiled), recording, semantics)
    seen = recorded(recording, verdict.window, semantics)
    return html.render(verdict, compared, seen, delays(inputs, compiled))
