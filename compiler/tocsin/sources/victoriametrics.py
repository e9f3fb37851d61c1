"""VictoriaMetrics's export, as JSON lines in a file or from a server, to a recording: with staleness markers, rounded.

A million samples in a file take 0.7 seconds.
"""

from __future__ import annotations

import re

import numpy as np

from tocsin.labels import Labels
from tocsin.series import Times, Values
from tocsin.sources.api import KINDS, Kind, OpenedRecording, refuse, refuse_line
from tocsin.sources.blocks import blocks
from tocsin.sources.export_line import NotExportedError, parse_line, rounded
from tocsin.sources.http.needs import needs
from tocsin.sources.memory import Columns, MemoryRecording
from tocsin.sources.rows import to_recording

_LINE = re.compile(rb'\s*\{\s*"(metric|values|timestamps)"\s*:')
_LONGEST = 1 << 30
"""Bytes of a line, which holds all samples of a series."""


def accepts(_path: str, head: bytes) -> bool:
    """Whether the first line is an object as VictoriaMetrics exports them."""
    return _LINE.match(head) is not None


def read(path: str) -> MemoryRecording:
    known: dict[Labels, int] = {}
    runs: list[tuple[int, int, int, Times, Values]] = []
    for block in blocks(path, _LONGEST):
        for number, line in enumerate(block.text.split(b"\n"), block.number):
            if line.strip():
                labels, times, values = _parsed(path, number, line, ends=block.text.endswith(b"\n"))
                if len(times):
                    runs.append((known.setdefault(labels, len(known)), int(times[0]), number, times, values))
    if not runs:
        raise refuse("not-a-recording", path, "holds no samples")
    rising = all((run[3][1:] >= run[3][:-1]).all() for run in runs)
    runs.sort(key=lambda run: run[:3])  # a series may come in several lines, in any order
    sizes = [len(run[3]) for run in runs]
    columns = Columns(
        tuple(known),
        np.repeat(np.array([run[0] for run in runs], dtype=np.int64), sizes),
        np.concatenate([run[3] for run in runs]),
        np.concatenate([run[4] for run in runs]),
        np.repeat(np.array([run[2] for run in runs], dtype=np.int64), sizes),
    )
    return to_recording(path, _in_time(columns) if rising else columns, [rounded(path)])


def _in_time(columns: Columns) -> Columns:
    """The samples of lines that overlap in order; of those at one time, that of the first line first."""
    place = np.lexsort((columns.times, columns.series))
    return Columns(
        columns.labels, columns.series[place], columns.times[place], columns.values[place], columns.lines[place]
    )


def _parsed(path: str, number: int, line: bytes, *, ends: bool) -> tuple[Labels, Times, Values]:
    try:
        return parse_line(line)
    except NotExportedError as error:
        text = line.decode("utf-8", "replace")
        if not ends and error.at:
            message = "the file was cut in the middle of this line"
            raise refuse_line("truncated", path, number, text, (0, len(text)), message, "export it again") from None
        place = (error.at, error.at + 1) if error.at else (0, len(text))
        raise refuse_line("bad-sample", path, number, text, place, str(error)) from None


def read_server(url: str) -> OpenedRecording:
    """The recording of a server whose `/api/v1/export` is below `url`; raises ProblemError."""
    with needs(url):
        from tocsin.sources.http.export import ExportClient
        from tocsin.sources.http.open import open_server

    return open_server(url, ExportClient)


KINDS.add(
    "victoriametrics",
    Kind("VictoriaMetrics's export", 'lines such as `{"metric":{...},"values":[1],"timestamps":[...]}`', accepts, read),
)
KINDS.add(
    "victoriametrics-api",
    Kind(
        "a VictoriaMetrics server",
        "`victoriametrics+http://` and the URL below which `/api/v1/export` answers",
        lambda _path, _head: False,
        read_server,
        ("victoriametrics+http", "victoriametrics+https"),
    ),
)
