"""What a noise rule is, wherever it looks: a function from one subject to what is wrong with it, and a page."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from inspect import cleandoc
from typing import Generic, TypeAlias, TypeVar

from tocsin.diagnostics import Fix, Problem, Severity, Span
from tocsin.registry import Registry

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found. `label` stands beside the caret; a `severity` of None is the rule's own.

    `fix` is for what has one safe answer, and `numbers` are those that decided, in base units.
    """

    message: str
    span: Span
    label: str = ""
    help: str = ""
    severity: Severity | None = None
    fix: Fix | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Level:
    """How a team takes what a rule finds: as a severity, or None for not at all. `written` is where it says so."""

    severity: Severity | None
    written: Span


Check: TypeAlias = Callable[[S], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class NoiseRule(Generic[S]):
    """A rule with its page; one that is `optional` finds something only where a team gives it a level."""

    name: str
    severity: Severity
    check: Check[S]
    page: str
    optional: bool = field(default=False, kw_only=True)

    def problems(self, subject: S, level: Level | None = None) -> Iterator[Problem]:
        """What is wrong with a subject, as problems that name the page; `level` is how the team takes them."""
        if self.optional if level is None else level.severity is None:
            return
        for found in self.check(subject):
            page = f"see `tocsin explain {self.name}`"
            help = f"{found.help}; {page}" if found.help else page
            severity = (level and level.severity) or found.severity or self.severity
            yield Problem(self.name, found.message, found.span, found.label, help, severity, found.fix, found.numbers)


def register(rules: Registry[NoiseRule[S]], severity: Severity) -> Callable[[Check[S]], Check[S]]:
    """Registers a check as the rule that its module is named for; the module's docstring is its page."""

    def add(check: Check[S]) -> Check[S]:
        name, page = page_of(check)
        rules.add(name, NoiseRule(name, severity, check, page))
        return check

    return add


def name_of(module: str) -> str:
    """The name of the rule in a module: `noise/never-fired` for `tocsin.backtest.findings.never_fired`."""
    return "noise/" + module.rpartition(".")[2].replace("_", "-")


def page_of(check: Check[S]) -> tuple[str, str]:
    """The name of the rule that a check is, and its page."""
    return name_of(check.__module__), cleandoc(sys.modules[check.__module__].__doc__ or "")
