"""Problems to a JSON list, each with its place, what decided it, and what repairs it."""

from __future__ import annotations

import json
from collections.abc import Container
from typing import Any

from tocsin.diagnostics import Fix, Problem, Span
from tocsin.report.formats.api import Checked, problem_format


@problem_format
def write(checked: Checked) -> str:
    """A list of objects; lines and columns count from 1, and the end is the last character.

    ASCII alone, for it may go to a terminal, and a text of a file can hold what drives one.
    """
    rules = checked.rules
    return json.dumps([_problem(problem, rules) for problem in checked.problems], indent=2) + "\n"


def _problem(problem: Problem, rules: Container[str]) -> dict[str, Any]:
    return {
        "code": problem.code,
        "severity": problem.severity.value,
        "message": problem.message,
        "path": problem.span.source.path,
        **_place(problem.span),
        "label": problem.label,
        "help": problem.help,
        "numbers": dict(problem.numbers),
        "page": f"tocsin explain {problem.code}" if problem.code in rules else None,
        "fix": _fix(problem.fix),
    }


def _place(span: Span) -> dict[str, int]:
    end_line, end_column = span.source.position(max(span.start, span.end - 1))
    return {"line": span.line, "column": span.column, "end_line": end_line, "end_column": end_column}


def _fix(fix: Fix | None) -> dict[str, Any] | None:
    return None if fix is None else {**_place(fix.span), "replacement": fix.replacement}
