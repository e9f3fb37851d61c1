"""Alerts, rule sets and configurations to problems: every rule on each, less what a comment allows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date

from tocsin.diagnostics import Problem, Source
from tocsin.lint.api import RULES, Linted, rule_names
from tocsin.lint.suppress import apply


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
    return apply(found, sources, names, today, elsewhere)
