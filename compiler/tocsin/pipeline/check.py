"""Paths to what a check reports of them: problems, less those that are known or that stand where nothing changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tocsin.diagnostics import Problem, ProblemError, Problems, Severity
from tocsin.lint.suppress import FAULTS
from tocsin.pipeline import compile as compiling
from tocsin.pipeline.baseline import read_baseline, write_baseline
from tocsin.pipeline.changes import changes_since
from tocsin.pipeline.inputs import Inputs
from tocsin.pipeline.rules import all_rules, data_rule_names, lint_rule_names
from tocsin.registry import suggest
from tocsin.report.formats.api import Checked
from tocsin.spec.selection import Selector


@dataclass(frozen=True, slots=True)
class Order:
    """What to check, and which of its problems to report: see the options of `tocsin check`."""

    paths: tuple[Path, ...]
    settings: Path | None = None
    fail_on: Severity = Severity.ERROR
    baseline: Path | None = None
    new_baseline: Path | None = None
    changed_since: str = ""
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


def check(order: Order, today: date) -> Checked:
    """All problems of all files in one run, those that are asked for."""
    problems = Problems()
    files: tuple[str, ...] = ()
    try:
        inputs, _ = compiling.check(order.paths, order.settings, problems, today, order.select, order.ignore)
        files = tuple(dict.fromkeys(source.path for source in inputs.sources))
        problems = Problems(_reported(list(problems), order, inputs))
    except ProblemError as error:
        problems.add(error.problem)
    return Checked(tuple(problems), files, order.fail_on, all_rules)


def unknown_rules(names: Iterable[str]) -> dict[str, str]:
    """What selects no rule of all, each with a suggestion."""
    known = [*lint_rule_names(), *data_rule_names(), *FAULTS]
    return {name: suggest(name, known) for name in names if not any(map(Selector.of(name).covers, known))}


def _reported(problems: list[Problem], order: Order, inputs: Inputs) -> Iterable[Problem]:
    """The problems that are new, by the baseline and by git. Raises ProblemError and OSError."""
    read = [source.path for source in inputs.sources]
    if order.new_baseline:
        unread = [problem for problem in problems if problem.code.startswith("input/")]
        if not unread:
            write_baseline(order.new_baseline, problems)
        return unread
    if order.baseline:
        known = read_baseline(order.baseline)
        problems = list(known.new(problems, read, inputs.settings.selection.asks_of))
    if not order.changed_since:
        return problems
    settings = [str(inputs.settings_path)] if inputs.settings_path else []
    changes = changes_since(order.changed_since, order.paths, [*read, *settings])
    if any(path in changes for path in settings):
        return problems
    return [problem for problem in problems if changes.touch(problem)]
