"""What a format of problems is: a function from what a check found to a text, ASCII or UTF-8, that ends its line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tocsin.diagnostics import Problem, Severity
from tocsin.findings import NoiseRule
from tocsin.registry import Registry, discover


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: problems in the order of their places, in which files, with the pages of all rules.

    Problems of the severity `fail_on`, and more urgent ones, fail the check.
    """

    problems: tuple[Problem, ...]
    files: tuple[str, ...] = ()
    fail_on: Severity = Severity.ERROR
    known_rules: Callable[[], Mapping[str, NoiseRule[Any]]] = dict

    @property
    def rules(self) -> Mapping[str, NoiseRule[Any]]:
        """All rules by name, read in only by the formats that have pages."""
        return self.known_rules()

    def by_file(self) -> dict[str, list[Problem]]:
        """The problems of every file, in the order of their paths; also of those that have none."""
        found: dict[str, list[Problem]] = {path: [] for path in self.files}
        for problem in self.problems:
            found.setdefault(problem.span.source.path, []).append(problem)
        return dict(sorted(found.items()))


Writer: TypeAlias = Callable[[Checked], str]

FORMATS: Registry[Writer] = Registry("format")


def problem_format(write: Writer) -> Writer:
    """Registers a writer as the format that its module is named for."""
    return FORMATS.add(write.__module__.rpartition(".")[2], write)


def format_names() -> list[str]:
    """The names of all formats, which are read in from their files."""
    discover("tocsin.report.formats")
    return list(FORMATS)
