"""A recording that is computed where it is read, so that only what the engine holds is in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tocsin.labels import NAME, Labels
from tocsin.promql.ast import Matcher
from tocsin.promql.match import matches
from tocsin.series import Series

START = 1_700_000_040_000
RESET = 40_000
"""Samples between two restarts of a counter."""


@dataclass(frozen=True, slots=True)
class Synthetic:
    """`count` counters, scraped every `interval` milliseconds for `duration`, each at its own moment.

    A sample depends on nothing but its place, so any stretch of the recording can be had without what comes before.
    """

    count: int
    duration: int
    interval: int = 15_000

    @property
    def extent(self) -> tuple[int, int]:
        return START, START + self.duration

    @property
    def samples(self) -> int:
        return self.count * (self.duration // self.interval)

    def read(self, matchers: Sequence[Matcher], start: int, end: int) -> Series:
        chosen = [i for i in range(self.count) if matches(tuple(matchers), self._labels(i))]
        low, high = max(start, START), min(end, START + self.duration - 1)
        spans = []
        for i in chosen:
            first = START + _phase(i, self.interval)
            spans.append((max(0, -((first - low) // self.interval)), max(0, (high - first) // self.interval + 1)))
        kept = [(i, begin, stop) for i, (begin, stop) in zip(chosen, spans, strict=True) if begin < stop]
        offsets = np.cumsum([0, *(stop - begin for _i, begin, stop in kept)], dtype=np.int64)
        times, values = np.empty(offsets[-1], dtype=np.int64), np.empty(offsets[-1])
        for (i, begin, stop), low, high in zip(kept, offsets, offsets[1:], strict=False):
            k = np.arange(begin, stop, dtype=np.int64)
            times[low:high] = START + _phase(i, self.interval) + k * self.interval
            since = (k + 977 * i) % RESET
            values[low:high] = since * (8 + i % 50) + since * since % 7
        return Series(tuple(self._labels(i) for i, _begin, _stop in kept), offsets, times, values)

    def _labels(self, i: int) -> Labels:
        code = ("200", "404", "500", "503")[4 * i // self.count]
        return ((NAME, "http_requests_total"), ("code", code), ("instance", f"{i:05d}"))


def _phase(i: int, interval: int) -> int:
    return i * 7919 % interval
