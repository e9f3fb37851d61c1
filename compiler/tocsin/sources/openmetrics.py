"""OpenMetrics, or Prometheus's older text format, with a timestamp on every sample, to a recording in memory.

OpenMetrics has seconds and ends in `# EOF`; the older format has milliseconds and no end. A sample costs one split
of its line and one look-up of its series: 236,907 samples in 24 MiB take about 0.2 s.
"""

from __future__ import annotations

import re
from dataclasses import replace

from tocsin.diagnostics import ProblemError
from tocsin.sources.api import KINDS, Kind, refuse_line
from tocsin.sources.blocks import Block, blocks, line_at
from tocsin.sources.memory import Columns, MemoryRecording
from tocsin.sources.rows import SampleRows, to_recording
from tocsin.sources.sample_line import MalformedError, parse_sample
from tocsin.sources.time import LATEST

_COMMENT = re.compile(rb"#[ \t]*(HELP|TYPE|UNIT)[ \t]|#[ \t]*EOF[ \t]*$")
_SAMPLE = re.compile(rb"([a-zA-Z_:][a-zA-Z0-9_:]*)?[ \t]*(\{.*\})?[ \t]+[-+.0-9nNiI][^ \t]*([ \t]|$)")
_END = re.compile(rb"#[ \t]*EOF[ \t]*")


def accepts(_path: str, head: bytes) -> bool:
    """Whether the first line that says anything is one of a text format."""
    lines = head.replace(b"\r\n", b"\n").split(b"\n")
    spoken = next((line for line in lines if line.strip() and (line[:1] != b"#" or _COMMENT.match(line))), b"")
    return bool(_COMMENT.match(spoken) or _SAMPLE.match(spoken))


def read(path: str) -> MemoryRecording:
    reader = _Reader(path)
    for block in blocks(path):
        reader.read(block)
    return to_recording(path, reader.finish())


class _Reader:
    """The samples of a file, and the line of its end."""

    def __init__(self, path: str) -> None:
        self._rows = SampleRows(path, _locate)
        self._known: dict[bytes, int] = {}
        self._end = 0

    def read(self, block: Block) -> None:
        rows, known = self._rows, self._known
        lines = block.text.split(b"\n")
        self._check_cut(block.number + len(lines) - 1, lines[-1])
        add_series, add_value = rows.series.append, rows.values.append
        add_time, add_line = rows.times.append, rows.lines.append
        for number, line in enumerate(lines, block.number):
            try:
                series, value, time = line.rsplit(b" ", 2)
                index = known[series]
            except (ValueError, KeyError):
                if self._is_remark(number, line):
                    continue
                index, value, time = self._parse(number, line)
            add_series(index)
            add_value(value)
            add_time(time)
            add_line(number)
        if self._end and rows.lines and rows.lines[-1] > self._end:
            raise self._refuse("bad-sample", rows.lines[-1], "a sample after `# EOF`")
        rows.flush()

    def finish(self) -> Columns:
        """All samples; refuses a file without its end."""
        columns = self._rows.columns()
        if self._end:
            return columns
        # Prometheus's older format: milliseconds, and no end. Taken for seconds they are after the year 5138.
        if columns.times.min() >= LATEST * 1000:
            return replace(columns, times=columns.times // 1000)
        message = "the file does not end in `# EOF`: it was cut after this line"
        raise self._refuse("truncated", int(columns.lines[-1]), message)

    def _check_cut(self, number: int, last: bytes) -> None:
        if last and not _END.fullmatch(last):
            raise self._refuse("truncated", number, "the file was cut in the middle of this line")

    def _is_remark(self, number: int, line: bytes) -> bool:
        if _END.fullmatch(line) and not self._end:
            self._end = number
        return line.startswith(b"#") or not line.strip()

    def _parse(self, number: int, line: bytes) -> tuple[int, bytes, bytes]:
        """A sample in any form that the grammar allows; its series is known from then on."""
        try:
            text = line.decode("utf-8")
            sample = parse_sample(text)
        except UnicodeDecodeError as error:
            place = len(line[: error.start].decode("utf-8", "replace"))
            raise self._refuse("bad-sample", number, "not UTF-8", (place, place + 1)) from None
        except MalformedError as error:
            raise self._refuse("bad-sample", number, str(error), (error.start, error.end)) from None
        index = self._rows.index(sample.labels)
        self._known[text[: sample.series_end].encode()] = index
        return index, sample.value.encode(), sample.time.encode()

    def _refuse(self, code: str, number: int, message: str, place: tuple[int, int] | None = None) -> ProblemError:
        line = line_at(self._rows.path, number)
        help = "record or copy it again" if code == "truncated" else ""
        return refuse_line(code, self._rows.path, number, line, place or (0, len(line)), message, help)


def _locate(line: str, what: str, text: str) -> tuple[int, int]:
    try:
        sample = parse_sample(line)
    except MalformedError as error:  # two blanks in a row where a value was expected
        return error.start, error.end
    at = sample.value_at if what == "value" else sample.time_at
    return at, at + len(text)


KINDS.add("openmetrics", Kind("OpenMetrics", 'lines such as `up{job="api"} 1 1700000000`, and `# EOF`', accepts, read))
