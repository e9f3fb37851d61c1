"""An expression to how far back it looks, and a recording to the stretches of time where that finds samples.

Where an expression that is empty without samples finds none, nothing needs to be evaluated: recordings have gaps of
hours and months.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from tocsin.promql.ast import (
    Aggregation,
    Binary,
    Call,
    Expr,
    Matcher,
    MatrixSelector,
    Paren,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
    value_type,
    walk,
)
from tocsin.promql.match import matchers_of
from tocsin.series import Mask, Recording, Resident, Times

ReadsRecorded: TypeAlias = Callable[[VectorSelector], int | None]
"""How far behind the samples of a recording the series may last that rules record and a selector reads."""

_NEVER_EMPTY = frozenset({"absent", "absent_over_time", "scalar", "vector"})
_VECTORS = (ValueType.VECTOR, ValueType.MATRIX)


def reach(expr: Expr, lookback: int, recorded: ReadsRecorded) -> int | None:
    """How long, in milliseconds, after the last sample the expression can still give something.

    None where it may give something without any samples (`vector(1)`, `absent(up)`), or looks elsewhere than back
    (`@`, a negative offset).
    """
    match expr:
        case VectorSelector():
            return _back(expr, lookback, recorded(expr))
        case MatrixSelector(selector=selector):
            return _back(selector, expr.range, recorded(selector))
        case Subquery():
            return _back(expr, expr.range, reach(expr.expr, lookback, recorded))
        case Aggregation(expr=inner) | Paren(expr=inner) | Unary(expr=inner):
            return reach(inner, lookback, recorded)
        case Call():
            vectors = [reach(arg, lookback, recorded) for arg in expr.args if value_type(arg) in _VECTORS]
            return None if expr.function in _NEVER_EMPTY else _all(*vectors)
        case Binary():
            return _binary(expr, reach(expr.lhs, lookback, recorded), reach(expr.rhs, lookback, recorded))
    return None


def _back(selector: VectorSelector | Subquery, length: int, inner: int | None) -> int | None:
    if inner is None or selector.at is not None or selector.offset < 0:
        return None
    return length + selector.offset + inner


def _all(*reaches: int | None) -> int | None:
    """Of a value that is empty where all of these are."""
    known = [one for one in reaches if one is not None]
    return max(known) if known and len(known) == len(reaches) else None


def _any(*reaches: int | None) -> int | None:
    """Of a value that is empty where one of these is."""
    return max((one for one in reaches if one is not None), default=None)


def _binary(expr: Binary, lhs: int | None, rhs: int | None) -> int | None:
    filled = expr.matching.fill_left is not None or expr.matching.fill_right is not None
    if expr.op == "or" or filled:
        return _all(lhs, rhs)
    if expr.op == "unless":
        return None if lhs is None else _any(lhs, rhs)
    return _any(lhs, rhs)


def sample_times(recording: Recording, start: int, end: int) -> Times:
    """int64[N], rising: every time from `start` to `end` at which any series has a sample."""
    found = [_distinct(recording.read((), low, high).times) for low, high in _days(start, end)]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def covering_times(recording: Recording, start: int, end: int, exprs: Iterable[Expr], lookback: int) -> Times:
    """As `sample_times`, without times that change nothing for what these expressions reach.

    Where samples follow each other within the least of the lookback and all ranges, samples between them do not. So
    what the expressions read anyway is looked at first, and all of the recording only where that leaves a gap.
    """
    nodes = [node for expr in exprs for node in walk(expr)]
    selectors = list(dict.fromkeys(matchers_of(node) for node in nodes if isinstance(node, VectorSelector)))
    near = min([lookback, *(node.range for node in nodes if isinstance(node, MatrixSelector | Subquery))])
    first, last = recording.extent
    low, high = max(start, first), min(end, last)
    found = [time for time in (first, last) if low <= time <= high]
    looks = [_Look(recording, matchers, (start, end)) for matchers in selectors]
    times = [np.array(found, dtype=np.int64), *(_close(looks, day, near) for day in _days(low, high))]
    known = _distinct(np.concatenate(times))
    gaps = list(_gaps(known, low, high, near))
    if len(gaps) > _GAPS:
        gaps = [(gaps[0][0], gaps[-1][1])]
    return _distinct(np.concatenate([known, *(sample_times(recording, *gap) for gap in gaps)]))


_DAY = 86_400_000
"""What is read at a time, so that a long recording is never in memory as a whole."""

_GAPS = 100
"""More are read as one."""

_Stretch = tuple[int, int]


def _days(start: int, end: int) -> Iterator[_Stretch]:
    """Stretches of a day, of more where there were more than a hundred, both ends inclusive."""
    length = max(_DAY, (end - start) // 100)
    return ((low, min(low + length - 1, end)) for low in range(start, end + 1, length))


@dataclass
class _Look:
    """The times at which a selector of a recording has samples, some time within the `whole`."""

    recording: Recording
    matchers: tuple[Matcher, ...]
    whole: _Stretch

    def one_then_all(self, start: int, end: int) -> Iterator[Times]:
        """The times of the samples of one series, which are often enough, and of all; both ends inclusive."""
        if self._one is not None:
            yield self._one[slice(*np.searchsorted(self._one, (start, end + 1)))]
        series = self.recording.read(self.matchers, start, end)
        if self._one is None:
            yield series.times[: series.offsets[1] if series.labels else 0]
        yield series.times

    @cached_property
    def _one(self) -> Times | None:
        """The times of the first series, where they need not be read."""
        if not isinstance(self.recording, Resident):
            return None
        held = self.recording.resident(self.matchers, *self.whole, stale=True)
        return None if held is None else held.times[held.offsets[0] : held.offsets[1]]


def _close(looks: Iterable[_Look], day: _Stretch, near: int) -> Times:
    """Times in a stretch at which what is selected has samples: no more of them than it takes to leave no gaps."""
    times = np.zeros(0, dtype=np.int64)
    for some in (some for look in looks for some in look.one_then_all(*day)):
        times = _distinct(np.concatenate([times, some]))
        if np.diff(np.concatenate([day[:1], times, day[1:]])).max() <= near:
            return times
    return times


def _gaps(times: Times, start: int, end: int, near: int) -> Iterator[_Stretch]:
    """Stretches that may hold samples which count: before the first time, and after those with none near."""
    if not len(times):
        if start <= end:
            yield start, end
        return
    if start < times[0]:
        yield start, int(times[0])
    edges = np.append(times, max(end, int(times[-1])))
    for index in np.flatnonzero(np.diff(edges) > near):
        yield int(edges[index]), int(edges[index + 1])


def _distinct(times: Times) -> Times:
    """The times sorted, each once. `np.unique` hashes integers, 40 times slower on four million (numpy 2.4)."""
    ordered = np.sort(times)
    first = np.ones(len(ordered), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def in_reach(samples: Times, times: Times, reach: int) -> Mask:
    """bool[T]: whether any sample is at most `reach` older than each of the `times`."""
    if not len(samples):
        return np.zeros(len(times), dtype=np.bool_)
    last = np.searchsorted(samples, times, side="right") - 1
    near: Mask = (last >= 0) & (times - samples[last] <= reach)
    return near


def covered(samples: Times, reach: int, start: int, end: int) -> int:
    """Milliseconds between `start` and `end` at which the last sample is less than `reach` old."""
    if not len(samples):
        return 0
    begins = np.maximum(samples, start)
    ends = np.minimum(np.minimum(samples + reach, np.append(samples[1:], end)), end)
    return int(np.maximum(ends - begins, 0).sum())
