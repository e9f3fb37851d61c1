"""Problems to text with carets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from tocsin.diagnostics import Problem, Problems, Severity, render

_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def write(problems: Problems, file: TextIO) -> None:
    """Every problem with its line and caret, then how many there are."""
    if not len(problems):
        return
    from rich.console import Console  # which takes as long as a small check, and most checks find nothing
    from rich.text import Text

    console = Console(file=file, highlight=False, soft_wrap=True)
    for problem in problems:
        head, _, rest = render(problem).partition("\n")
        text = Text(head)
        text.highlight_words([f"{problem.severity}[{problem.code}]"], _COLOURS[problem.severity])
        console.print(text)
        if rest:
            console.print(Text(rest))
    console.print(Text(summary(problems), style="bold"))


def summary(problems: Iterable[Problem]) -> str:
    """How many problems there are of each severity: `2 errors, 1 warning`."""
    found = list(problems)
    counts = ((sum(problem.severity is severity for problem in found), severity) for severity in Severity)
    nouns = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
    return ", ".join(f"{count} {nouns[severity]}{'s' * (count != 1)}" for count, severity in counts if count)
