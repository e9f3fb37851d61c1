"""`tocsin record`: the series that rules read, from a server to a recording."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.console import reported
from tocsin.cli.options import Paths, SettingsFile
from tocsin.diagnostics import Problems


def record(
    paths: Paths,
    source: Annotated[
        str, typer.Option("--from", metavar="URL", help="A server, or any other SOURCE that `backtest` reads.")
    ],
    since: Annotated[
        str, typer.Option(metavar="TIME", help="First time: a duration before now, RFC 3339 or Unix seconds.")
    ],
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="FILE", help="FILE.parquet, FILE.arrow, or DIR/ for TSDB blocks.")
    ],
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Last time, in the same forms; default: now.")
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew where an interrupted recording would be resumed.")
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """Fetch exactly the series that specs and rule files read. Interrupted, the same command goes on."""
    from tocsin.engine.semantics import Semantics
    from tocsin.pipeline import compile as compiling
    from tocsin.pipeline.inputs import read_inputs
    from tocsin.pipeline.record import Order
    from tocsin.pipeline.record import record as recording
    from tocsin.report.record import progress, summary

    problems = Problems()
    with reported(problems):
        inputs = read_inputs(paths, settings, problems)
        groups = compiling.rule_groups(inputs, compiling.compile_specs(inputs))
        if problems.errors:
            return
        order = Order(source, since, until or "", int(datetime.now(UTC).timestamp()) * 1000, out, restart)
        semantics = Semantics(evaluation_interval=inputs.settings.evaluation_interval)
        with progress(sys.stderr) as tell:
            recorded = recording(groups, order, semantics, problems, tell)
        sys.stdout.write(summary(recorded, Path(out)) + "\n")
