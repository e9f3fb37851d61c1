"""A time zone to its offset from UTC, as PromQL, which knows no zone but that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from math import gcd
from typing import Literal
from zoneinfo import ZoneInfo

from tocsin.promql import build
from tocsin.promql.ast import Expr

FIRST, END = 2020, 2034
"""The years whose changes of the clock are written out, the last not among them: those of recordings, and of rules that
ship. Before them and after them the offset stays."""


def offset(seconds: Expr, zone: str, op: Literal[">", ">="] = ">=") -> Expr:
    """The seconds that clocks in a zone are ahead of UTC at a time, a scalar in Unix seconds; `>`: just before it."""
    first, changes = _changes(zone)
    unit = gcd(*(by for _, by in changes)) or 1
    units: Expr = build.number(first / unit)
    for at, by in changes:
        changed = build.flag(seconds, op, build.number(at))
        step = changed if abs(by) == unit else build.binary(build.number(abs(by) // unit), "*", changed)
        units = build.binary(units, "+" if by > 0 else "-", step)
    return units if unit == 1 else build.binary(build.number(unit), "*", units)


def local(seconds: Expr, zone: str) -> Expr:
    """What clocks in a zone show at a time, in seconds as if it were UTC."""
    return ahead(seconds, zone, "+")


def ahead(seconds: Expr, zone: str, op: str) -> Expr:
    """The time and, added or taken off, how far clocks in the zone are ahead of UTC then."""
    first, changes = _changes(zone)
    return build.binary(seconds, op, offset(seconds, zone)) if first or changes else seconds


def changes_clocks(zone: str) -> bool:
    """Whether clocks in a zone are ever changed."""
    return bool(_changes(zone)[1])


@cache
def _changes(zone: str) -> tuple[int, tuple[tuple[int, int], ...]]:
    """The offset at the start of the years, and each change: when, and by how many seconds."""
    place = ZoneInfo(zone)

    def ahead(at: int) -> int:
        return int((datetime.fromtimestamp(at, place).utcoffset() or timedelta()).total_seconds())

    start, end = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (FIRST, END))
    found = []
    for day in range(start, end, 86400):
        if ahead(day) != ahead(day + 86400):
            low, high = day, day + 86400
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if ahead(middle) == ahead(day) else (low, middle)
            found.append((high, ahead(high) - ahead(low)))
    return ahead(start), tuple(found)
