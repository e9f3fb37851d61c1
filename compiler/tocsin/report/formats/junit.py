"""Problems to JUnit XML, in which CI servers show tests: a file is a suite, and a rule that found something a test."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from xml.etree.ElementTree import Element

from tocsin.diagnostics import Problem, render
from tocsin.report.formats.api import Checked, problem_format
from tocsin.report.paths import relative
from tocsin.report.xml import document, element


@problem_format
def write(checked: Checked) -> str:
    """A suite for each file. A test fails where a problem fails the check, and else only prints; no problem passes."""
    files = checked.by_file()
    root = element(None, "testsuites", {"name": "tocsin", **_counts(files.values(), checked)})
    for name, problems in files.items():
        path = relative(name)
        suite = element(root, "testsuite", {"name": path, **_counts([problems], checked)})
        if not problems:
            element(suite, "testcase", {"classname": path, "name": "check", "time": 0})
        for code, found in groupby(sorted(problems, key=_code), key=_code):
            _test(suite, path, code, list(found), checked)
    return document(root)


def _code(problem: Problem) -> str:
    return problem.code


def _fails(problem: Problem, checked: Checked) -> bool:
    return problem.severity.fails(checked.fail_on)


def _counts(files: Collection[Sequence[Problem]], checked: Checked) -> dict[str, int]:
    """How many tests there are, and how many of them fail, or could not be made."""
    tests = sum(len({problem.code for problem in file}) or 1 for file in files)
    failed = [code for file in files for code in {problem.code for problem in file if _fails(problem, checked)}]
    errors = sum(code.startswith("input/") for code in failed)
    return {"tests": tests, "failures": len(failed) - errors, "errors": errors, "skipped": 0, "time": 0}


def _test(suite: Element, path: str, code: str, problems: Sequence[Problem], checked: Checked) -> None:
    case = {"classname": path, "name": code, "file": path, "line": problems[0].span.line, "time": 0}
    test = element(suite, "testcase", case)
    failed = [problem for problem in problems if _fails(problem, checked)]
    if failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        tag = "error" if code.startswith("input/") else "failure"
        element(test, tag, {"message": failed[0].message + more, "type": code}, _text(failed))
    if told := [problem for problem in problems if problem not in failed]:
        element(test, "system-out", {}, _text(told))


def _text(problems: Iterable[Problem]) -> str:
    return "\n".join(map(render, problems))
