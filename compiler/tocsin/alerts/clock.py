"""A rule group to the times at which it is evaluated: the multiples of its interval, plus an offset.

Prometheus shifts each group by a hash of its file's path and its name (rules/group.go `EvalTimestamp`), so that the
groups of a server are not all evaluated at once. A path is not the same everywhere; a replay has no offset unless it
is asked for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np
import xxhash

from tocsin.functions.values import Compat
from tocsin.series import Times


@dataclass(frozen=True, slots=True)
class Clock:
    """When a group is evaluated, in milliseconds: at multiples of `interval` plus `offset`.

    Its queries look at, and its samples stand at, a time that is `shift` before (the query offset of the group).
    """

    interval: int
    offset: int = 0
    shift: int = 0

    def meets(self, other: Clock) -> bool:
        """Whether two groups are ever evaluated at the same moment."""
        return (self.offset - other.offset) % gcd(self.interval, other.interval) == 0


@dataclass(frozen=True, slots=True)
class Outage:
    """The server does not run from `start` to before `end`, Unix milliseconds, and has forgotten its alerts then."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Life:
    """The evaluations of a group between two restarts: at `times`.

    The first `silent` of them write nothing of the alerts: after a restart, Prometheus waits for two evaluations before
    it restores since when they are active (rules/group.go `run`).
    """

    times: Times
    silent: int = 0

    @property
    def parts(self) -> tuple[Times, ...]:
        """The evaluations before and after alerts are restored."""
        return tuple(part for part in (self.silently, self.times[self.silent :]) if len(part))

    @property
    def silently(self) -> Times:
        return self.times[: self.silent]


def lives(times: Times, outages: Sequence[Outage]) -> tuple[Life, ...]:
    """The evaluations that outages leave; `outages` are in the order of time."""
    found: list[Life] = []
    begin = 0
    for outage in outages:
        start, end = np.searchsorted(times, (outage.start, outage.end)).tolist()
        found.append(Life(times[begin:start], 2 if found else 0))
        begin = max(begin, end)
    found.append(Life(times[begin:], 2 if found else 0))
    return tuple(life for life in found if len(life.times))


def evaluation_times(start: int, end: int, interval: int, offset: int = 0) -> Times:
    """The multiples of `interval`, plus `offset`, from `start` to `end`, both inclusive; all in milliseconds.

    >>> evaluation_times(61_000, 180_000, 60_000).tolist()
    [120000, 180000]
    """
    first = -(-(start - offset) // interval) * interval + offset
    return np.arange(first, end + 1, interval, dtype=np.int64)


def hashed_offset(file: str, name: str, interval: int, compat: Compat) -> int:
    """The offset that Prometheus gives to a group, in whole milliseconds, as its samples show it.

    `file` is the path as Prometheus has it from its configuration. Labels are hashed with separators by Prometheus
    2.42 as Debian builds it (model/labels/labels.go), with lengths since (labels_stringlabels.go).
    """
    words = [word.encode() for pair in (("file", file), ("name", name)) for word in pair]
    if compat == 2:
        text = b"".join(word + b"\xff" for word in words)
    else:
        text = b"".join(_length(word) + word for word in words)
    return xxhash.xxh64_intdigest(text) % (interval * 1_000_000) // 1_000_000


def _length(word: bytes) -> bytes:
    return bytes([len(word)]) if len(word) < 255 else b"\xff" + len(word).to_bytes(3, "little")
