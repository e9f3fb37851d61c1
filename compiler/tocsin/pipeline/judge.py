"""A verdict to the verdict with what is only noise in it, less what a comment allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from tocsin.backtest import judge
from tocsin.backtest.model import Backtest
from tocsin.backtest.objectives import objectives, uncounted
from tocsin.diagnostics import Problems
from tocsin.engine.semantics import Semantics
from tocsin.lint.suppress import apply
from tocsin.pipeline.inputs import Inputs
from tocsin.pipeline.rules import data_rule_names, lint_rule_names
from tocsin.rules import RuleGroup
from tocsin.series import Recording


def judged(
    verdict: Backtest,
    groups: Sequence[RuleGroup],
    recording: Recording,
    semantics: Semantics,
    inputs: Inputs,
    today: date,
    problems: Problems,
) -> Backtest:
    """The verdict with its objectives, and the findings of the noise rules on data among its problems.

    They go to `problems` too. What is wrong with the comments themselves is told by `check`; whether one allows
    anything depends on the data.
    """
    settings = inputs.settings
    found = list(judge.judge(verdict, groups, recording, semantics, settings.budgets, settings.wakes))
    asked = [one for one in found if settings.selection.asks_of(one[0].code, one[0].span.source.path)]
    left = apply(asked, inputs.sources, data_rule_names(), today, lint_rule_names())
    kept = [problem for problem in left if problem.code.startswith("noise/")]
    kept += uncounted(verdict, groups)
    problems.extend(kept)
    told = objectives(verdict, groups, settings.wakes)
    return replace(verdict, problems=(*verdict.problems, *kept), objectives=told)
