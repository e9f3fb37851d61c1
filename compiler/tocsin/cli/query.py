"""`tocsin query`: PromQL and a recording to values."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.console import announce_compiling, reported, wrong_call
from tocsin.cli.options import Compat, CompatOption, Data, End, ResultFormat, Start
from tocsin.diagnostics import Problems, Text
from tocsin.duration import parse_duration


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
        raise wrong_call("--start and --end want a --step")
    if time and step:
        raise wrong_call("give either --time, or --start, --end and --step")
    announce_compiling()
    problems = Problems()
    with reported(problems):
        exprs = [Text.of(text) for text in expr or ()] + (read_expressions(file) if file else [])
        if not exprs:
            raise wrong_call("give an expression, or a --file of them")
        times = Times(
            read_time("start" if step else "time", start if step else time), read_time("end", end), _step(step)
        )
        recording = open_data(data, problems)
        as_json = format is ResultFormat.JSON
        for line in answer(exprs, recording, times, Semantics(compat.version), problems, as_json=as_json):
            sys.stdout.write(line + "\n")
        problems.extend(recording.problems)


def _step(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        step = parse_duration(text)
    except ValueError as error:
        raise wrong_call(f"`{text}` is not a duration: {error}") from None
    if step == 0:
        raise wrong_call("a step of 0 never ends")
    return step
