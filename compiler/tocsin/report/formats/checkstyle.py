"""Problems to Checkstyle's XML, which reviewdog, Jenkins and many editors read."""

from __future__ import annotations

from tocsin.diagnostics import Problem
from tocsin.report.formats.api import Checked, problem_format
from tocsin.report.paths import relative
from tocsin.report.xml import document, element


@problem_format
def write(checked: Checked) -> str:
    """Every file that was read, with its problems."""
    root = element(None, "checkstyle", {"version": "4.3"})
    for path, problems in checked.by_file().items():
        file = element(root, "file", {"name": relative(path)})
        for problem in problems:
            element(file, "error", _attributes(problem))
    return document(root)


def _attributes(problem: Problem) -> dict[str, object]:
    line, column = problem.span.source.position(problem.span.start)
    return {
        "line": line,
        "column": column,
        "severity": problem.severity.value,
        "message": f"{problem.message}; {problem.help}" if problem.help else problem.message,
        "source": f"tocsin.{problem.code}",
    }
