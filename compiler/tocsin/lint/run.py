"""Alerts to problems: every rule on every alert, less what a comment allows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from tocsin.diagnostics import Problem, Source
from tocsin.lint.api import RULES, Finding, LintRule, Subject
from tocsin.lint.suppress import apply
from tocsin.registry import discover


def lint(subjects: Sequence[Subject], sources: Iterable[Source], today: date) -> Iterator[Problem]:
    """The problems of all alerts. `sources` are the files whose comments may allow some; `today` ends allowances."""
    discover("tocsin.lint.rules")
    rules = [RULES[name] for name in RULES]
    found = [
        (_problem(rule, finding), subject.place("rule"))
        for subject in subjects
        for rule in rules
        for finding in rule.check(subject)
    ]
    return apply(found, sources, list(RULES), today)


def _problem(rule: LintRule, finding: Finding) -> Problem:
    page = f"see `tocsin explain {rule.name}`"
    help = f"{finding.help}; {page}" if finding.help else page
    return Problem(rule.name, finding.message, finding.span, finding.label, help, finding.severity or rule.severity)
