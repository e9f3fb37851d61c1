"""`tocsin check`: paths to their problems, in the format that was asked for."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from tocsin.cli.console import reported, shown, uncollected, wrong_call
from tocsin.cli.options import Paths, SettingsFile
from tocsin.diagnostics import Problems, Severity
from tocsin.report import problems as reporting

if TYPE_CHECKING:
    from tocsin.report.formats.api import Checked


class ProblemFormat(StrEnum):
    """Text for people on standard error, the others for programs on standard output."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    JUNIT = "junit"
    CHECKSTYLE = "checkstyle"


def check(
    paths: Paths,
    settings: SettingsFile = None,
    format: Annotated[ProblemFormat, typer.Option(help="How problems are shown.")] = ProblemFormat.TEXT,
    fail_on: Annotated[
        Severity, typer.Option(help="Exit with 1 where there is a problem of this severity, or a more urgent one.")
    ] = Severity.ERROR,
    select: Annotated[
        list[str] | None,
        typer.Option(metavar="RULE", help="Ask this lint rule, or all of `noise/`, and no others. Repeatable."),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="RULE", help="Ask all but this lint rule. Repeatable.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Report only problems that are not in this file.")
    ] = None,
    write_baseline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all problems to this file: they are known from now on.")
    ] = None,
    changed_since: Annotated[
        str, typer.Option(metavar="REVISION", help="Report only problems of alerts that have changed since, by git.")
    ] = "",
    fix: Annotated[bool, typer.Option("--fix", help="Answer what has one safe answer; shows the diff first.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Only show what --fix would write.")] = False,
) -> None:
    """Validate and lint specs, Prometheus rule files, PrometheusRules and Alertmanager's configurations."""
    from tocsin.pipeline.check import Order, unknown_rules
    from tocsin.pipeline.check import check as checking
    from tocsin.report.formats.api import FORMATS, format_names

    if baseline and write_baseline:
        raise wrong_call("give either --baseline or --write-baseline")
    chosen, ignored = tuple(select or ()), tuple(ignore or ())
    for name, help in unknown_rules((*chosen, *ignored)).items():
        raise wrong_call(f"there is no rule `{name}`: {help}")
    problems = Problems()
    with reported(problems):
        order = Order(tuple(paths), settings, fail_on, baseline, write_baseline, changed_since, chosen, ignored)
        today = datetime.now(UTC).date()
        with uncollected():
            checked = checking(order, today)
        if (fix or diff) and _repaired(checked, sys.stdout if format is ProblemFormat.TEXT else sys.stderr, fix=fix):
            checked = checking(order, today)
    found = Problems(checked.problems)
    if format is ProblemFormat.TEXT:
        reporting.write(found, sys.stderr)
    else:
        format_names()
        sys.stdout.write(FORMATS[format](checked))
    raise typer.Exit(found.exit_code_at(fail_on))


def _repaired(checked: Checked, file: TextIO, *, fix: bool) -> bool:
    """Shows the answers as a diff, and gives them if so asked; whether any was given. Raises OSError."""
    from tocsin.pipeline.fix import repairs

    found = list(repairs(checked.problems))
    for repair in found:
        file.writelines(map(shown, repair.diff()))
    file.flush()
    if not fix:
        return False
    for repair in found:
        repair.write()
    return bool(found)
