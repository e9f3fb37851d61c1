"""What `promtool tsdb dump` prints to a recording: `{__name__="up", job="api"} 1 1700000000000`, in milliseconds.

Floats come without loss, but every NaN alike, so that staleness markers are NaN here.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from tocsin.diagnostics import ProblemError
from tocsin.labels import Labels, from_mapping
from tocsin.promql.ast import VectorSelector
from tocsin.promql.match import matchers_of
from tocsin.promql.parse import parse
from tocsin.sources.api import KINDS, Kind, refuse_line, warning
from tocsin.sources.blocks import Block, blocks, line_at
from tocsin.sources.memory import MemoryRecording
from tocsin.sources.rows import SampleRows, to_recording
from tocsin.sources.runs import NORMAL_NAN

_FIRST = re.compile(rb'\{(|.*[ ,])__name__="([^"\\]|\\.)*".*\} (\{.*\}|[^ ]+) [0-9]{12,15}(\r?\n|$)')
_HISTOGRAM = b"} {"


def accepts(_path: str, head: bytes) -> bool:
    """Whether the first line is a series in braces alone, and its time in milliseconds of 1973 or later."""
    return _FIRST.match(head) is not None


def read(path: str) -> MemoryRecording:
    reader = _Reader(path)
    for block in blocks(path):
        reader.read(block)
    return reader.finish()


class _Reader:
    """The samples of a file, and how many native histograms were left out."""

    def __init__(self, path: str) -> None:
        self._rows = SampleRows(path, _locate)
        self._known: dict[bytes, int] = {}
        self._histograms = 0

    def read(self, block: Block) -> None:
        rows, known = self._rows, self._known
        lines = block.text.split(b"\n")
        if lines[-1]:
            raise self._refuse(
                "truncated", block.number + len(lines) - 1, "the file was cut in the middle of this line"
            )
        for number, line in enumerate(lines[:-1], block.number):
            series, value, time = _split(line)
            if series not in known:
                if _HISTOGRAM in line and value.endswith(b"}"):
                    self._histograms += 1
                    continue
                known[series] = rows.index(self._labels(number, series))
            if not time.removeprefix(b"-").isdigit():
                raise self._refuse("bad-sample", number, "expected a series, a value and milliseconds")
            rows.series.append(known[series])
            rows.values.append(value)
            rows.times.append(time)
            rows.lines.append(number)
        rows.flush()

    def finish(self) -> MemoryRecording:
        columns = self._rows.columns()
        nan = np.isnan(columns.values)
        columns.values[nan] = NORMAL_NAN
        problems = []
        if nan.any():
            message = f"{nan.sum():,} of the values are NaN; some may be staleness markers, which promtool prints alike"
            problems.append(warning("no-staleness", self._rows.path, message, "read the data folder itself"))
        if self._histograms:
            message = f"{self._histograms:,} samples are native histograms, and left out: only floats are read"
            problems.append(warning("native-histograms", self._rows.path, message))
        # Milliseconds were read as if they were seconds.
        return to_recording(self._rows.path, replace(columns, times=columns.times // 1000), problems)

    def _labels(self, number: int, series: bytes) -> Labels:
        """The labels of a series, which is a selector of PromQL with the strings of Go."""
        try:
            found = parse(series.decode())
        except UnicodeDecodeError:
            raise self._refuse("bad-sample", number, "not UTF-8") from None
        except ProblemError as error:
            place = error.problem.span.start, error.problem.span.end
            raise self._refuse("bad-sample", number, error.problem.message, place) from None
        matchers = matchers_of(found) if isinstance(found, VectorSelector) and found.name is None else ()
        labels = {matcher.label: matcher.value for matcher in matchers if matcher.op == "="}
        if not labels or len(labels) < len(matchers):
            raise self._refuse("bad-sample", number, "expected labels in braces", (0, len(series)))
        return from_mapping(labels)

    def _refuse(self, code: str, number: int, message: str, place: tuple[int, int] | None = None) -> ProblemError:
        line = line_at(self._rows.path, number)
        help = "dump it again" if code == "truncated" else ""
        return refuse_line(code, self._rows.path, number, line, place or (0, len(line)), message, help)


def _split(line: bytes) -> tuple[bytes, bytes, bytes]:
    """The series, the value and the time of a line; a value may have blanks in it where it is a histogram."""
    series, _, time = line.rpartition(b" ")
    series, _, value = series.rpartition(b" ")
    return series, value, time


def _locate(line: str, what: str, text: str) -> tuple[int, int]:
    at = line.rfind(text, 0, line.rfind(" ") if what == "value" else len(line))
    return max(at, 0), max(at, 0) + len(text)


# Lines in braces are also OpenMetrics, whose times are seconds: this name stands before that one, and is asked first.
KINDS.add(
    "dump", Kind("a dump by promtool", 'lines such as `{__name__="up", job="api"} 1 1700000000000`', accepts, read)
)
