"""A selector and a stretch of time to pieces of it, in order, each as long as the server gives at once.

The function that `record` builds on: what has been written up to the end of one piece need not be asked for again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from threading import Thread
from typing import TypeAlias

from tocsin.promql.ast import Matcher
from tocsin.series import Series
from tocsin.sources.http.server import THREADS, TooMuchError
from tocsin.sources.runs import Piece, Tally

Matchers: TypeAlias = tuple[Matcher, ...]

FIRST = 3_600_000
"""Milliseconds of a piece where it is not known how dense the samples are."""

_LONGEST = 30 * 24 * 3_600_000
_SHORTEST = 1000
_GOAL = 500_000
"""Samples in a piece: a second for the server and for us, and some 20 MB of JSON."""


Fetch: TypeAlias = Callable[[Matchers, int, int], tuple[Series, Tally]]
"""The samples of a selector from a time to a time, both inclusive; may raise TooMuchError or ProblemError."""

TooMuch: TypeAlias = Callable[[TooMuchError], Exception]
"""What to raise where the server will not give even the shortest piece."""


def pieces(
    fetch: Fetch, matchers: Sequence[Matcher], start: int, end: int, refuse: TooMuch, width: int = FIRST
) -> Generator[Piece, None, int]:
    """Pieces that together are all of the time from `start` to `end`, each once, earlier ones first.

    Some are fetched ahead, at the same time. Pieces are `width` long at first, and longer while they hold little,
    shorter where the server refuses one. Returns how long the next one would have been.
    """
    key, at = tuple(matchers), start
    waiting: deque[Future[list[Piece]]] = deque()
    while waiting or at <= end:
        while at <= end and len(waiting) < THREADS:
            last = min(at + width - 1, end)
            waiting.append(_started(fetch, key, at, last, refuse))
            at = last + 1
        parts = waiting.popleft().result()
        yield from parts
        width = _next_width(width, parts)
    return width


def _next_width(width: int, parts: Sequence[Piece]) -> int:
    size = max(len(part.series.times) for part in parts)
    if len(parts) > 1 or size > 2 * _GOAL:
        return max(width // 2, _SHORTEST)
    sparse = size < _GOAL // 2 and parts[0].end - parts[0].start + 1 >= width
    return min(width * 2, _LONGEST) if sparse else width


def _started(fetch: Fetch, matchers: Matchers, start: int, end: int, refuse: TooMuch) -> Future[list[Piece]]:
    """A thread of its own, which does not keep the process from ending when it is interrupted."""
    future: Future[list[Piece]] = Future()

    def run() -> None:
        try:
            future.set_result(list(_parts(fetch, matchers, start, end, refuse)))
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future


def _parts(fetch: Fetch, matchers: Matchers, start: int, end: int, refuse: TooMuch) -> Iterator[Piece]:
    """A stretch, in halves as often as the server wants it."""
    try:
        yield Piece(start, end, *fetch(matchers, start, end))
    except TooMuchError as error:
        if end - start < _SHORTEST:
            raise refuse(error) from None
        middle = (start + end) // 2
        yield from _parts(fetch, matchers, start, middle, refuse)
        yield from _parts(fetch, matchers, middle + 1, end, refuse)
