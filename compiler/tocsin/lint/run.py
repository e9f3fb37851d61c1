"""Alerts, rule sets and configurations to problems: every rule on each, less what a comment allows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from tocsin.diagnostics import Problem, Source
from tocsin.findings import Level
from tocsin.lint.api import RULES, Linted, LintRule, rule_names
from tocsin.lint.suppress import apply
from tocsin.registry import suggest


def lint(
    subjects: Sequence[Linted], sources: Iterable[Source], today: date, elsewhere: Collection[str] = ()
) -> Iterator[Problem]:
    """The problems of all subjects. `sources` are the files whose comments may allow some; `today` ends allowances.

    `elsewhere` names rules that comments may allow too, for they are checked on data.
    """
    names = rule_names()
    rules = [RULES[name] for name in names]
    found = [
        (problem, subject.extent(problem.span))
        for subject in subjects
        for rule in rules
        if isinstance(subject, rule.takes)
        for problem in rule.problems(subject, subject.settings.levels.get(rule.name))
    ]
    levels = {name: level for subject in subjects for name, level in subject.settings.levels.items()}
    yield from _unknown(levels, names, elsewhere)
    asked = [name for name in names if _is_asked(RULES[name], levels.get(name))]
    yield from apply(found, sources, asked, today, {*names, *elsewhere})


def _is_asked(rule: LintRule[Any], level: Level | None) -> bool:
    return not rule.optional if level is None else level.severity is not None


def _unknown(levels: Mapping[str, Level], names: Collection[str], elsewhere: Collection[str]) -> Iterator[Problem]:
    """Levels for what is no rule, or for one that is checked on data."""
    for name, level in levels.items():
        if name in elsewhere and name not in names:
            message, help = f"`{name}` is checked on data, and has no level", "give it a limit under `budget`"
            yield Problem("lint/unknown-rule", message, level.written, help=help)
        elif name not in names:
            yield Problem("lint/unknown-rule", f"there is no rule `{name}`", level.written, help=suggest(name, names))
