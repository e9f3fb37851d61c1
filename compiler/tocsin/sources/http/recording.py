"""A server that can be asked for samples to a recording: what was read is kept for the rules that read it again."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from tocsin.diagnostics import Problem
from tocsin.promql.ast import Matcher
from tocsin.series import Series
from tocsin.sources.api import warning
from tocsin.sources.http.extent import extent
from tocsin.sources.http.pieces import FIRST, Matchers, pieces
from tocsin.sources.http.server import Server, TooMuchError
from tocsin.sources.runs import Piece, Tally, clipped, in_time, union

_KEPT = 32_000_000
"""Samples that are kept, 512 MiB of them."""

_AHEAD = 86_400_000
"""How far a server's clock, or a sample, may be ahead of us."""


class Client(Protocol):
    """One way to ask a server."""

    @property
    def server(self) -> Server: ...

    @property
    def notes(self) -> tuple[Problem, ...]:
        """What is always to be said of recordings that are read so."""
        ...

    def check(self) -> None:
        """Raise ProblemError where nobody answers, or not as expected."""
        ...

    def fetch(self, matchers: Matchers, start: int, end: int) -> tuple[Series, Tally]:
        """The samples from `start` to `end`, both inclusive; may raise TooMuchError or ProblemError."""
        ...

    def indexed(self, start: int, end: int) -> bool:
        """Whether the server may have a sample from `start` to `end`: false only where it has none."""
        ...

    def sampled(self, start: int, end: int) -> bool:
        """Whether the server has a sample from `start` to `end`, both inclusive."""
        ...


@dataclass(frozen=True, slots=True)
class _Kept:
    start: int
    end: int
    series: Series


class HttpRecording:
    """What a server holds."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._kept: OrderedDict[Matchers, _Kept] = OrderedDict()
        self._widths: dict[Matchers, int] = {}
        self._tallies: dict[tuple[Matchers, int, int], Tally] = {}
        self._extent: tuple[int, int] | None = None
        self._scope: list[Matchers] | None = None

    def restrict(self, selectors: Iterable[Matchers]) -> None:
        """From now on, what is read without any matcher is what these selectors select."""
        self._scope = sorted({one for one in selectors if one}, key=repr)

    @property
    def extent(self) -> tuple[int, int]:
        """Found by some dozens of requests, once; where the server does not tell, as exactly as its index does."""
        if self._extent is None:
            latest = time.time_ns() // 1_000_000 + _AHEAD
            found = extent(self._client.indexed, self._client.sampled, latest)
            if found is None:
                raise self._client.server.refuse("has no samples")
            self._extent = found
        return self._extent

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is to be said of this source, and what was odd about the samples that were read so far."""
        return self.tell(sum(list(self._tallies.values()), Tally()))

    def tell(self, tally: Tally) -> tuple[Problem, ...]:
        """What is to be said of this source, and of samples with that tally."""
        return (*self._client.notes, *told(self._client.server.name, tally))

    def read(self, matchers: Sequence[Matcher], start: int, end: int) -> Series:
        """The series that all matchers accept and that have samples from `start` to `end`, both inclusive."""
        key = tuple(matchers)
        if not key and self._scope is not None:
            return union(self.read(one, start, end) for one in self._scope)
        kept = self._kept.pop(key, None)
        if kept is None or start > kept.end + 1 or end < kept.start - 1:
            kept = _Kept(start, end, self._fetched(key, start, end))
        else:
            before = [self._fetched(key, start, kept.start - 1)] if start < kept.start else []
            last = self._ahead(key, kept.end, end) if end > kept.end else kept.end
            after = [self._fetched(key, kept.end + 1, last)] if last > kept.end else []
            if before or after:
                kept = _Kept(min(start, kept.start), last, in_time([*before, kept.series, *after]))
        if len(kept.series.times) > _KEPT:
            kept = _Kept(start, kept.end, clipped(kept.series, start, kept.end))
        found = clipped(kept.series, start, end)
        self._kept[key] = kept
        while len(self._kept) > 1 and sum(len(one.series.times) for one in self._kept.values()) > _KEPT:
            self._kept.popitem(last=False)
        return found

    def pieces(self, matchers: Sequence[Matcher], start: int, end: int) -> Iterator[Piece]:
        """The same samples piece by piece in order of time, none of them kept."""

        def refuse(error: TooMuchError) -> Exception:
            return self._client.server.refuse(f"would not give even a second of samples: {error}")

        key = tuple(matchers)
        self._widths[key] = yield from pieces(self._fetch, key, start, end, refuse, self._widths.get(key, FIRST))

    def _fetch(self, matchers: Matchers, start: int, end: int) -> tuple[Series, Tally]:
        series, tally = self._client.fetch(matchers, start, end)
        if tally != Tally():
            self._tallies[matchers, start, end] = tally
        return series, tally

    def _ahead(self, matchers: Matchers, known: int, end: int) -> int:
        """How far to read where what is known ends before `end`: rules are evaluated stretch by stretch, and many
        short ones would cost a request each.
        """
        latest = time.time_ns() // 1_000_000 if self._extent is None else self._extent[1]
        return max(end, min(known + self._widths.get(matchers, FIRST), latest))

    def _fetched(self, matchers: Matchers, start: int, end: int) -> Series:
        return in_time(piece.series for piece in self.pieces(matchers, start, end))


def told(path: str, tally: Tally) -> Iterator[Problem]:
    """What was odd, as warnings."""
    counts = (
        (tally.backward, "out-of-order", "older than the one before in the same series: put in order"),
        (tally.contradicting, "out-of-order", "dropped: the series has another value at that time"),
        (tally.repeated, "out-of-order", "given more than once"),
        (tally.histograms, "native-histograms", "native histograms, and left out: only floats are read"),
    )
    for count, code, what in counts:
        if count:
            yield warning(code, path, f"{count:,} sample{'s are' if count > 1 else ' is'} {what}")
    for text in sorted(tally.warnings):
        yield warning("server", path, f"the server warns: {text}")
