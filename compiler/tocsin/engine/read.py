"""The selectors of expressions to the samples that they need, each stretch of a recording read once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from tocsin.engine.semantics import Semantics
from tocsin.functions.info import describing
from tocsin.promql.ast import At, Call, Expr, Matcher, MatrixSelector, Subquery, VectorSelector, children
from tocsin.promql.match import matchers_of
from tocsin.series import STALE_BITS, Mask, Recording, Series

Matchers = tuple[Matcher, ...]
Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Need:
    """Samples that some selector looks at, from `start` to `end`, both inclusive."""

    matchers: Matchers
    start: int
    end: int


def needs(expr: Expr, start: int, end: int, semantics: Semantics) -> Iterator[Need]:
    """What an expression reads when it is evaluated from `start` to `end`, in milliseconds."""
    ends = semantics.ends

    def shifted(at: At | None, offset: int) -> Stretch:
        if isinstance(at, int):
            return at - offset, at - offset
        if at is not None and ends is not None:
            return ends[at == "end"] - offset, ends[at == "end"] - offset
        return start - offset, end - offset

    match expr:
        case VectorSelector():
            low, high = shifted(expr.at, expr.offset)
            after = semantics.lookback if expr.extended == "smoothed" else 0
            yield Need(matchers_of(expr), low - semantics.lookback, high + after)
        case MatrixSelector(selector=selector):
            low, high = shifted(selector.at, selector.offset)
            before = semantics.lookback if selector.extended else 0
            after = semantics.lookback if selector.extended == "smoothed" else 0
            yield Need(matchers_of(selector), low - expr.range - before, high + after)
        case Subquery():
            low, high = shifted(expr.at, expr.offset)
            if ends is None and start == end:
                semantics = replace(semantics, ends=(start, end))  # as in `Tile.inner`
            yield from needs(expr.expr, low - expr.range, high, semantics)
        case Call(function="info", args=(described, *_)):
            yield from needs(described, start, end, semantics)
            yield from needs(describing(expr), start, end, semantics)
        case _:
            for child in children(expr):
                yield from needs(child, start, end, semantics)


def longest(expr: Expr) -> int:
    """How far before its own time an expression looks, not counting offsets."""
    own = expr.range if isinstance(expr, MatrixSelector | Subquery) else 0
    return own + max((longest(child) for child in children(expr)), default=0)


def _joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Overlapping stretches made one."""
    joined: list[Stretch] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


@dataclass(slots=True)
class Reader:
    """Reads a recording for one tile: what was asked for is known before the first read."""

    recording: Recording
    stretches: dict[Matchers, list[Stretch]]
    _read: dict[tuple[Matchers, Stretch], Series] = field(default_factory=dict)
    _fresh: dict[tuple[Matchers, Stretch], Series] = field(default_factory=dict)

    @staticmethod
    def of(recording: Recording, wanted: Iterable[Need]) -> Reader:
        stretches: dict[Matchers, list[Stretch]] = {}
        for need in wanted:
            stretches.setdefault(need.matchers, []).append((need.start, need.end))
        return Reader(recording, {matchers: _joined(found) for matchers, found in stretches.items()})

    def _key(self, need: Need) -> tuple[Matchers, Stretch]:
        for stretch in self.stretches[need.matchers]:
            if stretch[0] <= need.start and need.end <= stretch[1]:
                return need.matchers, stretch
        raise LookupError(f"{need} was not planned")

    def with_stale(self, need: Need) -> Series:
        """At least the samples that are needed, with the staleness markers among them."""
        key = self._key(need)
        if key not in self._read:
            matchers, (start, end) = key
            self._read[key] = with_samples(self.recording.read(matchers, start, end))
        return self._read[key]

    def without_stale(self, need: Need) -> Series:
        """At least the samples that are needed, without staleness markers."""
        key = self._key(need)
        if key not in self._fresh:
            series = self.with_stale(need)
            self._fresh[key] = only(series, series.values.view(np.uint64) != STALE_BITS)
        return self._fresh[key]


def only(series: Series, kept: Mask) -> Series:
    """The samples of a mask (bool[N]); series without any are dropped."""
    if kept.all():
        return series
    before = np.concatenate([[0], np.cumsum(kept)])
    histograms = None if series.histograms is None else series.histograms[kept]
    columns = before[series.offsets], series.times[kept], series.values[kept]
    return with_samples(Series(series.labels, *columns, histograms))


def with_samples(series: Series) -> Series:
    """Only the series that have a sample."""
    filled = np.diff(series.offsets) > 0
    if filled.all():
        return series
    labels = tuple(labels for labels, some in zip(series.labels, filled, strict=True) if some)
    ends = series.offsets[1:][filled]
    offsets = np.concatenate([series.offsets[:1], ends])
    return replace(series, labels=labels, offsets=offsets)
