"""Sets of times as disjoint half-open spans, to ask whether a time is in them and when that changes next."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

FOREVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Spans:
    """Spans from `starts[i]` to before `ends[i]`, in Unix milliseconds, in order and apart from each other."""

    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()

    def __contains__(self, time: int) -> bool:
        index = bisect_right(self.starts, time) - 1
        return index >= 0 and time < self.ends[index]

    def __bool__(self) -> bool:
        return bool(self.starts)

    def change(self, time: int) -> int:
        """The first time after `time` at which a span begins or ends."""
        index = bisect_right(self.starts, time)
        if index and time < self.ends[index - 1]:
            return self.ends[index - 1]
        return self.starts[index] if index < len(self.starts) else FOREVER


NEVER = Spans()


def union(pairs: Iterable[tuple[int, int]]) -> Spans:
    """All times in one of the pairs of start and end; pairs may overlap, and be empty."""
    starts: list[int] = []
    ends: list[int] = []
    for start, end in sorted(pair for pair in pairs if pair[0] < pair[1]):
        if ends and start <= ends[-1]:
            ends[-1] = max(ends[-1], end)
        else:
            starts.append(start)
            ends.append(end)
    return Spans(tuple(starts), tuple(ends)) if starts else NEVER


def together(sets: Iterable[Spans]) -> Spans:
    given = [one for one in sets if one]
    if len(given) < 2:
        return given[0] if given else NEVER
    return union(pair for one in given for pair in zip(one.starts, one.ends, strict=True))


def outside(spans: Spans) -> Spans:
    """All times that are not in `spans`."""
    return union(zip((-FOREVER, *spans.ends), (*spans.starts, FOREVER), strict=True))
