"""`tocsin check`: paths to their problems, in the format that was asked for."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from tocsin.cli.options import Paths, SettingsFile
from tocsin.diagnostics import ProblemError, Problems
from tocsin.report import problems as reporting


class ProblemFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


def check(
    paths: Paths,
    settings: SettingsFile = None,
    format: Annotated[ProblemFormat, typer.Option(help="How problems are shown.")] = ProblemFormat.TEXT,
) -> None:
    """Validate and lint specs, and any Prometheus rule file or PrometheusRule."""
    from tocsin.pipeline import compile as compiling

    problems = Problems()
    try:
        compiling.check(paths, settings, problems, datetime.now(UTC).date())
    except ProblemError as error:
        problems.add(error.problem)
    if format is ProblemFormat.JSON:
        sys.stdout.write(reporting.to_json(problems))
    else:
        reporting.write(problems, sys.stderr)
    raise typer.Exit(problems.exit_code)
