"""Time intervals to the spans of a window that they contain (timeinterval/timeinterval.go `ContainsTime`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

from tocsin.notify.routes import Node
from tocsin.notify.spans import Spans, outside, together, union
from tocsin.routing import Ranges, TimeInterval

_MINUTE = 60_000
_DAY = 24 * 60


def muted(node: Node, intervals: Mapping[str, tuple[TimeInterval, ...]], start: int, end: int) -> Spans:
    """When a route tells nobody: outside of its active intervals, and in its mute intervals."""
    active = _named(node.active, intervals, start, end)
    return together(([outside(active)] if node.active else []) + [_named(node.mute, intervals, start, end)])


def _named(names: Iterable[str], intervals: Mapping[str, tuple[TimeInterval, ...]], start: int, end: int) -> Spans:
    return together(contained(one, start, end) for name in names for one in intervals.get(name, ()))


def contained(interval: TimeInterval, start: int, end: int) -> Spans:
    """The times from `start` to `end`, in Unix milliseconds, that an interval contains."""
    zone: tzinfo = ZoneInfo(interval.location) if interval.location else UTC
    steps = [*_changes(interval, zone, start, end), end + 1]
    return union(
        (first, following)
        for first, following in pairwise(steps)
        if _contains(interval, datetime.fromtimestamp(first / 1000, zone))
    )


def _changes(interval: TimeInterval, zone: tzinfo, start: int, end: int) -> Iterator[int]:
    """Times between which an interval contains all or none: its minutes of the day, and midnights."""
    minutes = sorted({_DAY, *(at for pair in interval.times or () for at in pair if at)})
    at = start
    while at <= end:
        yield at
        local = datetime.fromtimestamp(at / 1000, zone)
        now = local.hour * 60 + local.minute
        into = at % _MINUTE
        step = next(minute for minute in minutes if minute > now) - now
        later = datetime.fromtimestamp((at - into + step * _MINUTE) / 1000, zone)
        if later.utcoffset() != local.utcoffset():
            step = min(step, 15 - now % 15)  # clocks change on a quarter of an hour: find it step by step
        at += step * _MINUTE - into


def _contains(interval: TimeInterval, local: datetime) -> bool:
    return (
        _in(interval.times, local.hour * 60 + local.minute, exclusive=1)
        and _in(_days(interval.days_of_month, local), local.day)
        and _in(interval.months, local.month)
        and _in(interval.weekdays, local.isoweekday() % 7)
        and _in(interval.years, local.year)
    )


def _in(ranges: Ranges, value: int, exclusive: int = 0) -> bool:
    return ranges is None or any(first <= value <= last - exclusive for first, last in ranges)


def _days(ranges: Ranges, local: datetime) -> Ranges:
    """Days of the month counted from its start, without those that begin after its end."""
    if ranges is None:
        return None
    length = _days_in_month(local)
    counted = (tuple(day + length + 1 if day < 0 else day for day in pair) for pair in ranges)
    return tuple((first, min(last, length)) for first, last in counted if first <= length)


def _days_in_month(local: datetime) -> int:
    """Whole days between the first midnights of this month and the next, as Alertmanager counts them.

    In a zone whose clocks go forward in that month this is a day less than the month has, in all releases.
    """
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    following = (first + timedelta(days=32)).replace(day=1)
    return int((following.timestamp() - first.timestamp()) // 86_400)
