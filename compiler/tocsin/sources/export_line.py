"""A line of VictoriaMetrics's export to the samples of a series.

`{"metric":{"__name__":"up","job":"api"},"values":[1,null],"timestamps":[1700000000000,1700000015000]}`: null is a
staleness marker, since VictoriaMetrics keeps no other NaN; times are in milliseconds. Infinity is a string in newer
versions, and in older ones `+Inf`, which is no JSON.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np

from tocsin.diagnostics import Problem, Severity, Source
from tocsin.labels import Labels
from tocsin.series import STALE, Times, Values
from tocsin.sources.runs import NORMAL_NAN, labels_of
from tocsin.sources.time import LATEST

_VALUES = re.compile(rb'"values":\[[^\]]*\]')  # in a string, the quotes would be escaped
_INFINITY = re.compile(rb"([\[,]-?)\+?Inf(?=[,\]])")
_WORDS = {"Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}


class NotExportedError(ValueError):
    """A line that is no line of an export; `at` is the character where that shows."""

    def __init__(self, message: str, at: int = 0) -> None:
        super().__init__(message)
        self.at = at


def rounded(path: str) -> Problem:
    """What is to be said of anything that comes from VictoriaMetrics."""
    message = "VictoriaMetrics keeps decimal numbers: values may be rounded, to fewer digits beside large ones"
    return Problem("input/rounded", message, Source(path, "").span(0, 0), severity=Severity.INFO)


def parse_line(line: bytes) -> tuple[Labels, Times, Values]:
    """Labels, times in Unix milliseconds, and values; raises NotExportedError."""
    one = _loaded(line)
    try:
        labels, values, times = labels_of(one["metric"]), one["values"], one["timestamps"]
        if len(values) != len(times):
            raise NotExportedError(f"{len(values):,} values and {len(times):,} timestamps")
        return labels, _times(times), _values(values)
    except KeyError as error:
        raise NotExportedError(f"no {error.args[0]!r}") from None
    except (TypeError, OverflowError):
        raise NotExportedError("expected labels, and lists of values and of timestamps in milliseconds") from None


def _loaded(line: bytes) -> Any:
    try:
        return json.loads(line)
    except UnicodeDecodeError as error:
        raise NotExportedError("not UTF-8", error.start) from None
    except RecursionError:
        raise NotExportedError("nested too deeply") from None
    except ValueError as error:
        if mended := _mended(line):
            return _loaded(mended)
        raise NotExportedError(f"not JSON: {error}", getattr(error, "pos", 0)) from None


def _mended(line: bytes) -> bytes | None:
    """The line with infinities that JSON has words for in Python, where there are others."""
    found = _VALUES.search(line)
    if found is None:
        return None
    values = _INFINITY.sub(rb"\1Infinity", found[0])
    return line[: found.start()] + values + line[found.end() :] if values != found[0] else None


def _times(times: list[Any]) -> Times:
    if not set(map(type, times)) <= {int}:
        raise TypeError
    column = np.array(times, dtype=np.int64)
    if (np.abs(column) >= LATEST * 1000).any():
        raise NotExportedError("a timestamp after the year 5000: expected milliseconds")
    return column


def _values(values: list[Any]) -> Values:
    kinds = set(map(type, values))
    if not kinds <= {int, float, str, type(None)}:
        raise TypeError
    if str in kinds:
        if unknown := next((one for one in values if isinstance(one, str) and one not in _WORDS), None):
            raise NotExportedError(f"the value {unknown!r} is no number")
        values = [_WORDS[one] if isinstance(one, str) else one for one in values]
    column = np.array(values, dtype=np.float64)
    column[np.isnan(column)] = NORMAL_NAN
    if type(None) in kinds:
        column[[index for index, one in enumerate(values) if one is None]] = STALE
    return column
