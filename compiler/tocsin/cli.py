"""The command line: arguments and exit codes, nothing else.

Exit codes: 0 clean, 1 findings (or a stale `out`), 2 a wrong call or an input that cannot be read. Problems go to
standard error, results to standard output. The half that evaluates is imported by the commands that need it, for it
loads numpy and numba.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from tocsin.diagnostics import Problem, ProblemError, Problems, Source, Text, printable
from tocsin.document import MapNode
from tocsin.duration import parse_duration
from tocsin.pipeline import compile as compiling
from tocsin.pipeline.explain import explain_name
from tocsin.registry import suggest
from tocsin.report import problems as reporting
from tocsin.spec.validate import settings_schema, spec_schema
from tocsin.targets import files

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Compiles declarative alert specs to Prometheus and Alertmanager files, refuses the noisy ones, and "
    "backtests the rest on recorded series. Every alert should require human action.",
)
