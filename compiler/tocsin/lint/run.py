"""Alerts to problems: every rule on every alert, less what a comment allows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date

from tocsin.diagnostics import Problem, Source
from tocsin.lint.api import RULES, Subject
from tocsin.lint.suppress import apply
from tocsin.registry import discover


def lint(
    subjects: Sequence[Subject], sources: Iterable[Source], today: date, elsewhere: Collection[str] = ()
) -> Iterator[Problem]:
    """The problems of all alerts. `sources` are the files whose comments may allow some; `today` ends allowances.

    `elsewhere` names rules that comments may allow too, for they are checked on data.
    """
    discover("tocsin.lint.rules")
    rules = [RULES[name] for name in RULES]
    found = [
        (problem, subject.place("rule")) for subject in subjects for rule in rules for problem in rule.problems(subject)
    ]
    return apply(found, sources, list(RULES), today, elsewhere)
