"""One line of the Prometheus text formats to its labels, value and timestamp, with the place of what is wrong.

Grammar: OpenMetrics 1.0 (sections "ABNF" and "Label"), and names in quotes as Prometheus 3 writes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tocsin.labels import NAME, Labels, from_mapping

_BLANK = re.compile(r"[ \t]*")
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_WORD = re.compile(r"[^ \t]+")
_ESCAPE = re.compile(r"\\(.)")
_PLAIN = {"n": "\n", '"': '"', "\\": "\\"}


class MalformedError(ValueError):
    """A line that is not a sample; `start` and `end` are the characters that are wrong."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start, self.end = start, max(end, start + 1)


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample as written; `series_end`, `value_at` and `time_at` are where its parts stand in the line."""

    labels: Labels
    series_end: int
    value: str
    value_at: int
    time: str
    time_at: int


def parse_sample(line: str) -> Sample:
    """The parts of a line such as `up{job="api"} 1 1700000000.5 # {trace="x"} 1`; the exemplar is left out."""
    start = _skip(line, 0)
    labels, series_end = _series(line, start)
    value = _word(line, series_end, "a value")
    if value[1] == series_end:
        raise MalformedError("expected a space between the series and the value", value[1], value[2])
    time = _word(line, value[2], "a timestamp: a recording needs one on every sample")
    rest = _skip(line, time[2])
    if rest < len(line) and not line.startswith("#", rest):
        raise MalformedError("unexpected text after the timestamp", rest, len(line))
    return Sample(labels, series_end, value[0], value[1], time[0], time[1])


def _skip(line: str, at: int) -> int:
    match = _BLANK.match(line, at)
    return match.end() if match else at


def _word(line: str, at: int, what: str) -> tuple[str, int, int]:
    match = _WORD.match(line, _skip(line, at))
    if match is None or match[0] == "#":
        place = match.span() if match else (len(line), len(line))
        raise MalformedError(f"expected {what}", *place)
    return match[0], match.start(), match.end()


def _series(line: str, at: int) -> tuple[Labels, int]:
    found: dict[str, str] = {}
    name = _METRIC.match(line, at)
    if name is not None:
        found[NAME] = name[0]
        at = name.end()
    brace = _skip(line, at)
    if line.startswith("{", brace):
        at = _labels(line, brace + 1, found)
    if NAME not in found:
        raise MalformedError("expected a metric name", min(at, brace), at)
    return from_mapping(found), at


def _labels(line: str, at: int, found: dict[str, str]) -> int:
    """Read up to the closing brace into `found`; returns the place after it."""
    while True:
        at = _skip(line, at)
        if line.startswith("}", at):
            return at + 1
        start = at
        name, at = _label_name(line, at)
        after = _skip(line, at)
        if line.startswith("=", after):
            value, at = _quoted(line, _skip(line, after + 1), "a label value in double quotes")
        elif line[start] == '"':
            name, value = NAME, name
        else:
            raise MalformedError("expected `=` and a label value", after, after + 1)
        if name in found:
            raise MalformedError(f"the label `{name}` is given twice", start, at)
        found[name] = value
        at = _skip(line, at)
        if line.startswith(",", at):
            at += 1
        elif not line.startswith("}", at):
            raise MalformedError("expected `,` or `}` after a label", at, at + 1)


def _label_name(line: str, at: int) -> tuple[str, int]:
    if line.startswith('"', at):
        return _quoted(line, at, "a name")
    match = _LABEL.match(line, at)
    if match is None:
        raise MalformedError("expected a label name", at, at + 1)
    return match[0], match.end()


def _quoted(line: str, at: int, what: str) -> tuple[str, int]:
    match = _QUOTED.match(line, at)
    if match is None:
        message = "the quote is not closed" if line.startswith('"', at) else f"expected {what}"
        raise MalformedError(message, at, len(line) if line.startswith('"', at) else at + 1)
    return _ESCAPE.sub(lambda escape: _PLAIN.get(escape[1], escape[0]), match[1]), match.end()
