"""`tocsin backtest`: rules and a recording to a verdict."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.console import announce_compiling, reported
from tocsin.cli.options import (
    Blocks,
    Compat,
    CompatOption,
    Configuration,
    Data,
    End,
    IncidentsFile,
    Outages,
    Paths,
    ReleaseOption,
    ResultFormat,
    SettingsFile,
    SilencesFile,
    Start,
    ZoneOption,
)
from tocsin.diagnostics import Problems
from tocsin.routingfile.release import Release

if TYPE_CHECKING:
    from tocsin.backtest.model import Backtest


def backtest(
    paths: Paths,
    data: Data,
    incidents: IncidentsFile = None,
    start: Start = None,
    end: End = None,
    alertmanager: Configuration = None,
    alertmanager_version: ReleaseOption = Release.CURRENT,
    silences: SilencesFile = None,
    time_zone: ZoneOption = "UTC",
    format: Annotated[ResultFormat, typer.Option(help="How the verdict is shown.")] = ResultFormat.TEXT,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Also write one self-contained page.")
    ] = None,
    write_blocks: Blocks = None,
    evaluation_offset: Annotated[
        str, typer.Option(metavar="DURATION|auto", help="When groups are evaluated; auto: as their server would.")
    ] = "0",
    outage: Outages = None,
    compat: CompatOption = Compat.V3,
    settings: SettingsFile = None,
) -> None:
    """Replay specs and rule files on a recording: what would have fired, when, and whether it should have."""
    from tocsin.engine.semantics import Semantics
    from tocsin.pipeline.data import Times, open_data, read_time
    from tocsin.pipeline.groups import compile_specs, rule_groups
    from tocsin.pipeline.inputs import read_inputs
    from tocsin.pipeline.judge import judged
    from tocsin.pipeline.notify import Given, read_desk
    from tocsin.pipeline.replay import page, replay, write_recorded
    from tocsin.pipeline.schedule import read_schedule
    from tocsin.targets import files

    announce_compiling()
    problems = Problems()
    with reported(problems):
        inputs = read_inputs(paths, settings, problems)
        groups = rule_groups(inputs, compiled := compile_specs(inputs))
        times = Times(read_time("start", start), read_time("end", end))
        schedule = read_schedule(evaluation_offset, outage or ())
        given = Given(alertmanager, silences, alertmanager_version, time_zone)
        desk = read_desk(given, inputs, compiled, schedule, problems)
        if problems.errors:
            return
        recording = open_data(data, problems)
        semantics = Semantics(compat.version, evaluation_interval=inputs.settings.evaluation_interval)
        verdict = desk.notify(replay(groups, recording, incidents, times, semantics, problems, schedule))
        verdict = judged(verdict, groups, recording, semantics, inputs, datetime.now(UTC).date(), problems)
        problems.extend(recording.problems)  # some kinds are read only as far as a rule asks for
        _write(verdict, format)
        if report:
            files.replace(report, page(verdict, inputs, compiled, recording, semantics))
        if write_blocks:
            write_recorded(verdict, str(write_blocks))


def _write(verdict: Backtest, format: ResultFormat) -> None:
    if format is ResultFormat.JSON:
        from tocsin.report.json import to_json

        sys.stdout.write(to_json(verdict))
    else:
        from tocsin.report import text  # it draws tables

        text.write(verdict, sys.stdout)
