"""Whether a server has samples in a stretch of time to when the first and the last one are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Has: TypeAlias = Callable[[int, int], bool]
"""Whether there is something from a time to a time, both inclusive, in Unix milliseconds."""

_MINUTE = 60_000


def extent(indexed: Has, sampled: Has, latest: int) -> tuple[int, int] | None:
    """The times of the first and last sample up to `latest`; None where there is none.

    `indexed` is cheap and may be true for all of the hours that a block spans; `sampled` looks at samples, and so is
    asked for short stretches at the edges only.
    """
    if not indexed(0, latest):
        return None
    first = _first(lambda time: indexed(0, time), 0, latest)
    last = latest - _first(lambda back: indexed(latest - back, latest), 0, latest)
    begin = first + _reaching(lambda length: sampled(first, first + length), last - first)
    return begin, last - _reaching(lambda length: sampled(last - length, last), last - begin)


def _reaching(true: Callable[[int], bool], longest: int) -> int:
    """The smallest length for which it is true, looked for near zero first."""
    length = min(_MINUTE, longest)
    while length < longest and not true(length):
        length = min(2 * length, longest)
    return _first(true, 0, length)


def _first(true: Callable[[int], bool], low: int, high: int) -> int:
    """The smallest number up to `high` for which it is true, as it is for all after that."""
    while low < high:
        middle = (low + high) // 2
        if true(middle):
            high = middle
        else:
            low = middle + 1
    return low
