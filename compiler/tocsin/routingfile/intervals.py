"""The time intervals of a configuration file, checked as Alertmanager checks them (timeinterval/timeinterval.go)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias
from zoneinfo import ZoneInfo

from tocsin.document import Node, Scalar
from tocsin.registry import suggest
from tocsin.routing import Ranges, TimeInterval
from tocsin.routingfile.fields import Faults, Fields, content, is_null

_KEYS = ("times", "weekdays", "days_of_month", "months", "years", "location")
WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_TIME = re.compile(r"(?:([01][0-9]|2[0-3]):([0-5][0-9])|(24):(00))")

Range: TypeAlias = tuple[int, int]


def read_interval(node: Node, faults: Faults) -> TimeInterval:
    """One item of `time_intervals`; a null contains all times."""
    fields = None if is_null(node) else faults.mapping(node, _KEYS, "a time interval")
    if fields is None:
        return TimeInterval()
    return TimeInterval(
        _times(fields),
        _ranges(fields, "weekdays", _weekdays),
        _ranges(fields, "days_of_month", _days),
        _ranges(fields, "months", _months),
        _ranges(fields, "years", _years),
        _location(fields),
    )


def _times(fields: Fields) -> Ranges:
    if fields.get("times") is None:
        return None
    return tuple(span for item in fields.items("times") for span in _time_range(item, fields.faults))


def _time_range(node: Node, faults: Faults) -> Iterator[Range]:
    fields = None if is_null(node) else faults.mapping(node, ("start_time", "end_time"), "a range of times")
    if fields is None:
        return
    found = []
    for key in ("start_time", "end_time"):
        text = fields.text(key)
        match = _TIME.fullmatch(text)
        if match is None:
            what = f"`{text}` is no time of day" if text else f"`{key}` is missing"
            faults.add("time", what, fields.where(key), "write two digits for hours and minutes, `09:00` to `24:00`")
            return
        hours, minutes = (part for part in match.groups() if part is not None)
        found.append(int(hours) * 60 + int(minutes))
    start, end = found
    if start >= end:
        help = "a range that crosses midnight is two: until `24:00`, and from `00:00`"
        faults.add("time", "the end time is not after the start time", fields.where("end_time"), help)
        return
    yield start, end


def _ranges(fields: Fields, key: str, read: Callable[[str], Range]) -> Ranges:
    if fields.get(key) is None:
        return None
    return tuple(span for item in fields.scalars(key) for span in _range(item, key, read, fields.faults))


def _range(item: Scalar, key: str, read: Callable[[str], Range], faults: Faults) -> Iterator[Range]:
    if item.value is None:
        yield 0, 0  # Alertmanager leaves a null as the range 0 to 0: Sunday, or no day, month or year at all
        return
    try:
        yield read(content(item).lower())
    except ValueError as error:
        faults.add("range", f"`{content(item)}` in `{key}`: {error}", item.span)


def _ends(text: str, number: Callable[[str], int]) -> Range:
    first, *more = text.split(":")
    if len(more) > 1:
        raise ValueError("expected one value, or two with a colon between them")
    return number(first), number(more[0] if more else first)


def _named(names: tuple[str, ...], first: int, what: str) -> Callable[[str], int]:
    numbers: Mapping[str, int] = {name: index for index, name in enumerate(names, first)}

    def number(text: str) -> int:
        if text in numbers:
            return numbers[text]
        raise ValueError(f"`{text}` is no {what}; {suggest(text, names)}")

    return number


def _whole(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text) or abs(int(text)) >= 2**63:
        raise ValueError(f"`{text}` is not a whole number")
    return int(text)


def _ordered(first: int, last: int) -> Range:
    if first > last:
        raise ValueError("the end is before the start")
    return first, last


def _weekdays(text: str) -> Range:
    return _ordered(*_ends(text, _named(WEEKDAYS, 0, "day of the week")))


def _month(text: str) -> int:
    return _named(_MONTHS, 1, "month")(text) if not re.fullmatch(r"[+-]?[0-9]+", text) else _whole(text)


def _months(text: str) -> Range:
    return _ordered(*_ends(text, _month))


def _years(text: str) -> Range:
    return _ordered(*_ends(text, _whole))


def _days(text: str) -> Range:
    first, last = _ends(text, _whole)
    if any(day == 0 or abs(day) > 31 for day in (first, last)):
        raise ValueError("days of the month are 1 to 31, or -1 to -31 from its end")
    if first < 0 < last:
        raise ValueError("a range that starts from the month's end must end there too")
    # Of the shortest month, as Alertmanager compares them.
    _ordered(first + 28 if first < 0 else first, last + 28 if last < 0 else last)
    return first, last


def _location(fields: Fields) -> str | None:
    name = fields.text("location")
    if name in ("", "UTC", "Local"):
        return None  # Local is the zone of the machine that Alertmanager runs on: UTC is what servers have
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        help = "write a name of the IANA time zone database, such as `Europe/Berlin`"
        fields.faults.add("time-zone", f"`{name}` is no time zone", fields.where("location"), help)
    return name
