"""Scraped processes under traffic that is told, with what scraping does to it: the samples of one recording."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from tests.oracle_numbers import Samples

from tocsin.labels import Labels, from_mapping
from tocsin.series import STALE, Series

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

START = 1_772_409_600_000
"""2026-03-02T00:00:00Z, a Monday."""

Data = dict[Labels, Samples]

Traffic = Callable[[float], tuple[float, float]]
"""Events a second, and the share of them that is bad, at an hour since START."""

Span = tuple[float, float]
"""From and until, in hours since START."""


def hours(time: int) -> float:
    return (time - START) / HOUR


def inside(time: int, spans: Sequence[Span]) -> bool:
    return any(start <= hours(time) < end for start, end in spans)


def irregular(chance: random.Random, end: float, start: float = 0.0, every: int = 15_000) -> list[int]:
    """Scrapes about `every` ms apart, from an hour to another."""
    times, time, last = [], START + int(start * HOUR), START + int(end * HOUR)
    while (time := time + every + chance.randint(-every // 8, every // 8)) <= last:
        times.append(time)
    return times


def regular(end: float, start: float = 0.0, every: int = 15_000, phase: int = 5_000) -> list[int]:
    return list(range(START + int(start * HOUR) + phase, START + int(end * HOUR) + 1, every))


@dataclass
class Process:
    """A process that counts requests by code, and how long they take; `lazy`: errors show with the first of them.

    It is restarted at the hours `resets` and cannot be reached during `away`, after which a staleness marker stands
    where `stale`. `slow` is the share of requests that take longer than 0.3 s.
    """

    chance: random.Random
    target: Mapping[str, str]
    traffic: Traffic
    resets: Sequence[float] = ()
    away: Sequence[Span] = ()
    lazy: bool = True
    stale: bool = True
    slow: float = 0.0
    histogram: bool = False
    _counted: dict[str, int] = field(default_factory=dict)

    def scraped(self, times: Sequence[int]) -> Data:
        """The series of all scrapes; it began with the first of them, with counters that it had before."""
        data: Data = {}
        self._counted = {"good": self.chance.randint(0, 900), "slow": self.chance.randint(0, 9)}
        self._counted |= {} if self.lazy else {"bad": self.chance.randint(0, 9)}
        before, there = times[0] - 15_000, True
        for time in times:
            self._serve(before, time)
            reached = not inside(time, self.away)
            if reached:
                for labels, value in self._shown():
                    data.setdefault(labels, []).append((time, value))
            elif there and self.stale:
                for samples in data.values():
                    if samples[-1][0] == before:
                        samples.append((time, float(STALE)))
            before, there = time, reached
        return data

    def _serve(self, since: int, until: int) -> None:
        if any(since < START + at * HOUR <= until for at in self.resets):
            self._counted = {"good": 0, "slow": 0} | ({} if self.lazy else {"bad": 0})
            since = (since + until) // 2
        rate, share = self.traffic(hours(until))
        served = self._drawn(rate * (until - since) / 1000)
        bad = min(served, self._drawn(served * share)) if 0 < share < 1 else round(served * share)
        self._counted["good"] += served - bad
        self._counted["slow"] += min(served, self._drawn(served * self.slow))
        if bad:
            self._counted["bad"] = self._counted.get("bad", 0) + bad

    def _drawn(self, mean: float) -> int:
        return max(0, round(self.chance.gauss(mean, mean**0.5))) if mean else 0

    def _shown(self) -> Iterator[tuple[Labels, float]]:
        counted = self._counted
        for code, kind in (("200", "good"), ("500", "bad")):
            if kind in counted:
                yield named("http_requests_total", self.target, code=code), float(counted[kind])
        if self.histogram:
            whole = counted["good"] + counted.get("bad", 0)
            yield named("http_seconds_bucket", self.target, le="0.3"), float(whole - counted["slow"])
            yield named("http_seconds_bucket", self.target, le="+Inf"), float(whole)
            yield named("http_seconds_count", self.target), float(whole)


def named(name: str, target: Mapping[str, str], **labels: str) -> Labels:
    return from_mapping({"__name__": name, **target, **labels})


def series(data: Mapping[Labels, Samples]) -> Series:
    ordered = sorted(data.items())
    pairs = [pair for _, samples in ordered for pair in samples]
    return Series(
        tuple(labels for labels, _ in ordered),
        np.cumsum([0, *(len(samples) for _, samples in ordered)], dtype=np.int64),
        np.array([time for time, _ in pairs], dtype=np.int64),
        np.array([value for _, value in pairs], dtype=np.float64),
    )
