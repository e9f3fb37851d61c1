"""The command line: arguments and exit codes, nothing else.

Exit codes: 0 clean, 1 findings (or a stale `out`), 2 a wrong call or an input that cannot be read. Problems go to
standard error, results to standard output. Each half is imported by the commands that need it: the one that evaluates
loads numpy and numba, and the one that compiles takes a tenth of a second too.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from tocsin.diagnostics import Problem, ProblemError, Problems, Source, Text, printable
from tocsin.duration import parse_duration
from tocsin.registry import suggest
from tocsin.report import problems as reporting
from tocsin.routingfile.release import Release

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Declarative alert specs to Prometheus and Alertmanager files: noisy ones are refused, the rest is proved on "
    "recorded series. Every alert should require human action.",
)


class ProblemFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class ResultFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class Compat(StrEnum):
    V3 = "3"
    V2 = "2"


Paths = Annotated[list[Path], typer.Argument(metavar="PATH", help="Specs, rule files, or folders of them.")]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings", metavar="FILE", help="The settings; default: the nearest tocsin.yaml.", show_default=False
    ),
]
Data = Annotated[
    str,
    typer.Option("--data", metavar="SOURCE", help="A recording: a file, a Prometheus data folder, or a server's URL."),
]
CompatOption = Annotated[
    Compat, typer.Option("--compat", help="Evaluate as Prometheus 3, or as Prometheus 2.42.", show_default=True)
]
Start = Annotated[str | None, typer.Option(metavar="TIME", help="First time: RFC 3339 or Unix seconds.")]
End = Annotated[str | None, typer.Option(metavar="TIME", help="Last time: RFC 3339 or Unix seconds.")]
IncidentsFile = Annotated[
    str | None, typer.Option(metavar="FILE", help="What people should act on, with times: the alerts are scored.")
]
Blocks = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Also write what the rules recorded, and ALERTS, as TSDB blocks.")
]
Outages = Annotated[
    list[str] | None, typer.Option(metavar="START/END", help="The server is down, and restarts. Repeatable.")
]
Configuration = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Alertmanager's configuration; default: what specs compile to.")
]
SilencesFile = Annotated[Path | None, typer.Option(metavar="FILE", help="Silences, as `amtool silence query -o json`.")]
ReleaseOption = Annotated[Release, typer.Option("--alertmanager-version", help="Notify as this release.")]
ZoneOption = Annotated[str, typer.Option(metavar="NAME", help="When it is night: a time zone.")]


@contextmanager
def _reported(problems: Problems) -> Iterator[None]:
    """Shows the problems at the end of a command, and leaves with the exit code that they ask for."""
    try:
        yield
    except ProblemError as error:
        problems.add(error.problem)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        source = Source(str(error.filename or "output"), "")
        problems.add(Problem("input/write", f"cannot write: {error.strerror or error}", source.span()))
    except MemoryError:
        problems.add(Problem("input/too-large", "needs more memory than there is", Source("<memory>", "").span()))
    reporting.write(problems, sys.stderr)
    if problems.exit_code:
        raise typer.Exit(problems.exit_code)


@app.command()
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


@app.command("compile")
def compile_(
    paths: Paths,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder to write to.")] = Path("out"),
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Write only this target; may be repeated.", show_default=False),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 with a diff where DIR is stale.")
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """Write the rules and the routing that specs mean. Where any problem is an error, nothing is written."""
    from tocsin.pipeline import compile as compiling
    from tocsin.targets import files

    problems = Problems()
    with _reported(problems):
        inputs, compiled = compiling.check(paths, settings, problems, datetime.now(UTC).date())
        targets = _targets(target)
        if problems.errors:
            return
        artifacts = compiling.artifacts(compiled, inputs.settings, targets)
        stale = files.unwanted(artifacts, out, targets) if all(path.is_dir() for path in paths) else []
        if check:
            difference = "".join(files.differences(artifacts, out, stale))
            sys.stdout.write("".join(map(_shown, difference.splitlines(keepends=True))))
            if difference:
                span = Source(str(out), "").span()
                problems.add(
                    Problem("compile/stale", "not what the specs compile to", span, help="run `tocsin compile`")
                )
        else:
            touched = [f"{printable(str(path))}\n" for path in files.write(artifacts, out, stale)]
            sys.stdout.writelines(
                touched
                or [f"{printable(str(out))} is up to date: {len(artifacts)} file{'s' * (len(artifacts) != 1)}\n"]
            )


def _shown(line: str) -> str:
    return printable(line.removesuffix("\n").expandtabs()) + "\n"


def _targets(chosen: Sequence[str] | None) -> list[str]:
    from tocsin.pipeline.compile import target_names

    known = target_names()
    for name in chosen or ():
        if name not in known:
            raise _wrong_call(f"there is no target `{name}`: {suggest(name, known)}")
    return list(dict.fromkeys(chosen)) if chosen else known


def _wrong_call(message: str) -> typer.BadParameter:
    return typer.BadParameter(printable(message))


@app.command()
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
    from tocsin.pipeline import compile as compiling
    from tocsin.pipeline.data import Times, open_data, read_time
    from tocsin.pipeline.inputs import read_inputs
    from tocsin.pipeline.judge import judged
    from tocsin.pipeline.notify import Given, read_desk
    from tocsin.pipeline.replay import page, replay, write_recorded
    from tocsin.pipeline.schedule import read_schedule
    from tocsin.report import json as json_report
    from tocsin.report import text
    from tocsin.targets import files

    _announce_compiling()
    problems = Problems()
    with _reported(problems):
        inputs = read_inputs(paths, settings, problems)
        groups = compiling.rule_groups(inputs, compiled := compiling.compile_specs(inputs))
        times = Times(read_time("start", start), read_time("end", end))
        schedule = read_schedule(evaluation_offset, outage or ())
        given = Given(alertmanager, silences, alertmanager_version, time_zone)
        desk = read_desk(given, inputs, compiled, schedule, problems)
        if problems.errors:
            return
        recording = open_data(data, problems)
        semantics = Semantics(_version(compat), evaluation_interval=inputs.settings.evaluation_interval)
        verdict = desk.notify(replay(groups, recording, incidents, times, semantics, problems, schedule))
        verdict = judged(verdict, groups, recording, semantics, inputs, datetime.now(UTC).date(), problems)
        problems.extend(recording.problems)  # some kinds are read only as far as a rule asks for
        if format is ResultFormat.JSON:
            sys.stdout.write(json_report.to_json(verdict))
        else:
            text.write(verdict, sys.stdout)
        if report:
            files.replace(report, page(verdict, groups, recording, semantics))
        if write_blocks:
            write_recorded(verdict, str(write_blocks))


def _announce_compiling() -> None:
    """On a terminal, say what the first evaluation on a machine waits for."""
    from tocsin.kernels.compile import before_compiling

    if sys.stderr.isatty():
        before_compiling(lambda: print("compiling the kernels, once on this machine ...", file=sys.stderr, flush=True))


def _version(compat: Compat) -> Literal[2, 3]:
    return 3 if compat is Compat.V3 else 2


@app.command()
def record(
    paths: Paths,
    source: Annotated[
        str, typer.Option("--from", metavar="URL", help="A server, or any other SOURCE that `backtest` reads.")
    ],
    since: Annotated[
        str, typer.Option(metavar="TIME", help="First time: a duration before now, RFC 3339 or Unix seconds.")
    ],
    out: Annotated[str, typer.Option("--out", "-o", metavar="FILE", help="FILE.parquet, or DIR/ for TSDB blocks.")],
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
    with _reported(problems):
        inputs = read_inputs(paths, settings, problems)
        groups = compiling.rule_groups(inputs, compiling.compile_specs(inputs))
        if problems.errors:
            return
        order = Order(source, since, until or "", int(datetime.now(UTC).timestamp()) * 1000, out, restart)
        semantics = Semantics(evaluation_interval=inputs.settings.evaluation_interval)
        with progress(sys.stderr) as tell:
            recorded = recording(groups, order, semantics, problems, tell)
        sys.stdout.write(summary(recorded, Path(out)) + "\n")


@app.command()
def query(
    data: Data,
    expr: Annotated[list[str] | None, typer.Argument(metavar="EXPR", help="PromQL.", show_default=False)] = None,
    file: Annotated[Path | None, typer.Option(metavar="FILE", help="Expressions, one a line.")] = None,
    time: Annotated[
        str | None, typer.Option(metavar="TIME", help="When; default: the recording's last sample.")
    ] = None,
    start: Start = None,
    end: End = None,
    step: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Evaluate every step, from start to end.")
    ] = None,
    format: Annotated[
        ResultFormat, typer.Option(help="json: Prometheus's HTTP API JSON, one line an expression.")
    ] = ResultFormat.TEXT,
    compat: CompatOption = Compat.V3,
) -> None:
    """Evaluate PromQL on a recording, at one time or over a range."""
    from tocsin.engine.semantics import Semantics
    from tocsin.pipeline.data import Times, open_data, read_time
    from tocsin.pipeline.query import answer, read_expressions

    if (start or end) and not step:
        raise _wrong_call("--start and --end want a --step")
    if time and step:
        raise _wrong_call("give either --time, or --start, --end and --step")
    _announce_compiling()
    problems = Problems()
    with _reported(problems):
        exprs = [Text.of(text) for text in expr or ()] + (read_expressions(file) if file else [])
        if not exprs:
            raise _wrong_call("give an expression, or a --file of them")
        times = Times(
            read_time("start" if step else "time", start if step else time), read_time("end", end), _step(step)
        )
        recording = open_data(data, problems)
        as_json = format is ResultFormat.JSON
        for line in answer(exprs, recording, times, Semantics(_version(compat)), problems, as_json=as_json):
            sys.stdout.write(line + "\n")
        problems.extend(recording.problems)


def _step(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        step = parse_duration(text)
    except ValueError as error:
        raise _wrong_call(f"`{text}` is not a duration: {error}") from None
    if step == 0:
        raise _wrong_call("a step of 0 never ends")
    return step


@app.command()
def explain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A lint rule, such as noise/single-event, or an alert.")],
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Where the alert is; default: specs.")
    ] = None,
    settings: SettingsFile = None,
) -> None:
    """Show a lint rule's page, or an alert's PromQL, its arithmetic and its detection times."""
    from tocsin.pipeline import compile as compiling
    from tocsin.pipeline.explain import data_rule_names, explain_alerts, explain_rule, lint_rule_names
    from tocsin.pipeline.inputs import read_inputs

    rules = [*lint_rule_names(), *data_rule_names()]
    if name in rules:
        sys.stdout.write(explain_rule(name))
        return
    problems = Problems()
    folders = paths or [path for path in [Path("specs")] if path.is_dir()]
    with _reported(problems):
        inputs = read_inputs(folders, settings, problems)
        pages = explain_alerts(inputs, compiling.compile_specs(inputs))
        if name in pages:
            sys.stdout.write(pages[name])
        else:
            raise _wrong_call(f"`{name}` is no lint rule and no alert: {suggest(name, [*rules, *pages])}")


@app.command()
def schema(
    settings: Annotated[bool, typer.Option("--settings", help="The schema of tocsin.yaml instead.")] = False,
) -> None:
    """Print the JSON Schema of a spec, for completion and hover help in an editor."""
    from tocsin.spec.validate import settings_schema, spec_schema

    document = settings_schema() if settings else spec_schema()
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def main() -> None:
    """The command line as a process: a reader that goes away ends it quietly."""
    try:
        app(prog_name="tocsin")
    except BrokenPipeError:
        # The reader has gone; nothing more is to be said, not even by the interpreter when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
