"""Problems to the workflow commands that GitHub Actions shows beside the lines of a pull request.

Source: GitHub Docs, "Workflow commands for GitHub Actions"; the escapes are those of actions/toolkit.
"""

from __future__ import annotations

from tocsin.diagnostics import Problem, Severity, printable
from tocsin.report.formats.api import Checked, problem_format
from tocsin.report.paths import relative

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


@problem_format
def write(checked: Checked) -> str:
    """One line a problem; nothing where there is none."""
    return "".join(f"{_command(problem)}\n" for problem in checked.problems)


def _command(problem: Problem) -> str:
    span = problem.span
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(max(span.start, span.end - 1))
    place = {"file": relative(span.source.path), "line": line, "endLine": end_line}
    columns = {"col": column, "endColumn": end_column} if line == end_line else {}  # shown within one line only
    properties = place | columns | {"title": problem.code}
    said = (problem.message, problem.label, problem.help and f"help: {problem.help}")
    text = "\n".join(printable(one) for one in said if one)
    written = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{_COMMANDS[problem.severity]} {written}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")
