"""The arguments and options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from tocsin.routingfile.release import Release


class ResultFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class Compat(StrEnum):
    V3 = "3"
    V2 = "2"

    @property
    def version(self) -> Literal[2, 3]:
        return 3 if self is Compat.V3 else 2


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
