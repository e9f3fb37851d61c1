"""CSV with the columns `timestamp` and `value`, every other column a label, to a recording in memory.

Timestamps are Unix seconds or RFC 3339. Quoting is RFC 4180's.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from tocsin.diagnostics import ProblemError, Severity
from tocsin.labels import NAME, from_mapping
from tocsin.sources.api import KINDS, Kind, refuse_line
from tocsin.sources.blocks import blocks, ends_in_the_middle, line_at
from tocsin.sources.memory import MemoryRecording
from tocsin.sources.rows import SampleRows, to_recording
from tocsin.sources.time import parse_time

_BLOCK = 100_000
_TIME, _VALUE = "timestamp", "value"


def accepts(_path: str, head: bytes) -> bool:
    """Whether the first line names the columns `timestamp` and `value`."""
    first = head.partition(b"\n")[0].decode("utf-8", "replace")
    try:
        return {_TIME, _VALUE} <= set(_header(next(csv.reader([first]), [])))
    except csv.Error:
        return False


def read(path: str) -> MemoryRecording:
    rows = SampleRows(path, _locate)
    reader = csv.reader(_lines(path), strict=True)
    try:
        header = _header(next(reader))
        _check_header(path, header)
        for row in reader:
            if row:
                _add(rows, header, row, reader.line_num)
    except csv.Error as error:
        raise _cut(path, reader.line_num) or _refuse(path, reader.line_num, str(error)) from None
    columns = rows.columns()
    cut = _cut(path, reader.line_num)
    return to_recording(path, columns, [replace(cut.problem, severity=Severity.WARNING)] if cut else [])


def _lines(path: str) -> Iterator[str]:
    for block in blocks(path):
        try:
            text = block.text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _refuse(path, block.number + block.text.count(b"\n", 0, error.start), "not UTF-8") from None
        yield from io.StringIO(text.removeprefix("\ufeff"), newline="\n")


def _header(cells: Sequence[str]) -> list[str]:
    return [cell.strip().removeprefix("\ufeff") for cell in cells]


def _check_header(path: str, header: Sequence[str]) -> None:
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise _refuse(path, 1, f"the column `{twice}` is there twice")
    if NAME not in header:
        raise _refuse(path, 1, f"no column `{NAME}`", "name the metric of each row in it")


def _add(rows: SampleRows, header: Sequence[str], row: Sequence[str], number: int) -> None:
    if len(row) != len(header):
        wrong = _refuse(rows.path, number, f"{len(row)} fields where the header has {len(header)}")
        raise _cut(rows.path, number) or wrong
    cells = dict(zip(header, row, strict=True))
    time, value = cells.pop(_TIME).strip(), cells.pop(_VALUE).strip()
    if not cells[NAME]:
        raise _refuse(rows.path, number, f"no metric name in column `{NAME}`")
    rows.series.append(rows.index(from_mapping(cells)))
    rows.values.append(value.encode())
    rows.times.append(_seconds(rows.path, number, time).encode() if ":" in time else time.encode())
    rows.lines.append(number)
    if len(rows.lines) >= _BLOCK:
        rows.flush()


def _seconds(path: str, number: int, time: str) -> str:
    try:
        return str(Decimal(parse_time(time)).scaleb(-3))
    except ValueError as error:
        line = line_at(path, number)
        message = f"bad timestamp `{time}`: {error}"
        raise refuse_line("bad-sample", path, number, line, _locate(line, _TIME, time), message) from None


def _locate(line: str, _what: str, text: str) -> tuple[int, int]:
    at = max(line.rfind(text), 0)
    return at, at + len(text)


def _cut(path: str, number: int) -> ProblemError | None:
    """That line `number` is the last and has no line break, where it is so."""
    if not ends_in_the_middle(path, number):
        return None
    line = line_at(path, number)
    message = "no line break after the last row: the file may have been cut in the middle of it"
    return refuse_line("truncated", path, number, line, (0, len(line)), message)


def _refuse(path: str, number: int, message: str, help: str = "") -> ProblemError:
    line = line_at(path, number)
    return refuse_line("bad-sample", path, number, line, (0, len(line)), message, help)


KINDS.add("csv", Kind("CSV", "a first line such as `__name__,job,timestamp,value`", accepts, read))
