"""Alerts, rule sets and configurations to problems: every rule on each, less what a comment allows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from tocsin.diagnostics import Problem, Source, Span
from tocsin.findings import Level
from tocsin.lint.api import RULES, AnyRule, Linted, LintRule, Subject, rule_names
from tocsin.lint.suppress import FAULTS, apply
from tocsin.registry import suggest
from tocsin.spec.selection import Selection


def lint(
    subjects: Sequence[Linted],
    sources: Iterable[Source],
    today: date,
    elsewhere: Collection[str] = (),
    selection: Selection = Selection(),  # noqa: B008 - it is frozen
) -> Iterator[Problem]:
    """The problems of all subjects. `sources` are the files whose comments may allow some; `today` ends allowances.

    `elsewhere` names rules that comments may allow too, for they are checked on data; `selection` says which are asked.
    """
    names = rule_names()
    levels = {name: level for subject in subjects for name, level in subject.settings.levels.items()}
    yield from _unknown(levels, names, elsewhere)
    yield from _unknown_selectors(selection, {*names, *elsewhere, *FAULTS})
    levels |= {name: level for name in names if (level := _wanted(RULES[name], levels.get(name), selection))}
    asked = [name for name in names if selection.asks(name) and _is_asked(RULES[name], levels.get(name))]
    found = [
        (replace(problem, about=(whole, *_measured(subject))), whole)
        for subject, rules in _concerned(subjects, [RULES[name] for name in asked])
        for rule in rules
        for problem in rule.problems(subject, levels.get(rule.name))
        if not selection.ignored_in(rule.name, problem.span.source.path)
        for whole in [subject.extent(problem.span)]
    ]
    left = apply(found, sources, asked, today, {*names, *elsewhere}, selection.ignored_in)
    yield from (one for one in left if not selection.ignored_in(one.code, one.span.source.path))


def _concerned(
    subjects: Sequence[Linted], rules: Sequence[LintRule[Any]]
) -> Iterator[tuple[Linted, Sequence[LintRule[Any]]]]:
    """Each subject with the rules that have anything to say of it, which are the same for all of its kind."""
    of_kind: dict[tuple[type, bool], list[LintRule[Any]]] = {}
    for subject in subjects:
        kind = type(subject), isinstance(subject, Subject) and subject.ours
        if kind not in of_kind:
            of_kind[kind] = [rule for rule in rules if rule.concerns(subject)]
        yield subject, of_kind[kind]


def _measured(subject: Linted) -> Iterator[Span]:
    """Where an alert's indicator stands, if it has one: what is said of the alert is said of that too."""
    if isinstance(subject, AnyRule) and (whole := subject.rule.places.get("indicator.whole")):
        yield whole


def _wanted(rule: LintRule[Any], level: Level | None, selection: Selection) -> Level | None:
    """The level of a rule that is off, and that is selected by its name all the same."""
    if selection.names(rule.name) and not _is_asked(rule, level):
        return Level(rule.severity, level.written if level else selection.select[0].span)
    return None


def _unknown_selectors(selection: Selection, known: Collection[str]) -> Iterator[Problem]:
    for one in selection.selectors():
        if not any(map(one.covers, known)):
            message = f"there is no rule `{one.text}`"
            yield Problem("lint/unknown-rule", message, one.span, help=suggest(one.text, known))


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
