"""What a noise rule is, wherever it looks: a function from one subject to what is wrong with it, and a page."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import cleandoc
from typing import Generic, TypeAlias, TypeVar

from tocsin.diagnostics import Problem, Severity, Span
from tocsin.registry import Registry

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found. `label` stands beside the caret; a `severity` of None is the rule's own."""

    message: str
    span: Span
    label: str = ""
    help: str = ""
    severity: Severity | None = None


Check: TypeAlias = Callable[[S], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class NoiseRule(Generic[S]):
    """A rule with its page."""

    name: str
    severity: Severity
    check: Check[S]
    page: str

    def problems(self, subject: S) -> Iterator[Problem]:
        """What is wrong with a subject, as problems that name the page."""
        for found in self.check(subject):
            page = f"see `tocsin explain {self.name}`"
            help = f"{found.help}; {page}" if found.help else page
            yield Problem(self.name, found.message, found.span, found.label, help, found.severity or self.severity)


def register(rules: Registry[NoiseRule[S]], severity: Severity) -> Callable[[Check[S]], Check[S]]:
    """Registers a check as the rule that its module is named for; the module's docstring is its page."""

    def add(check: Check[S]) -> Check[S]:
        name = "noise/" + check.__module__.rpartition(".")[2].replace("_", "-")
        page = cleandoc(sys.modules[check.__module__].__doc__ or "")
        rules.add(name, NoiseRule(name, severity, check, page))
        return check

    return add
