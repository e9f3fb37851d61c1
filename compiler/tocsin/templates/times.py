"""Go's times and durations as text, and the methods of theirs that a template can call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from tocsin.templates.values import Duration, Time, Value

_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_text(time: Time) -> str:
    """`time.Time.String` of a time in UTC.

    >>> time_text(Time(1_500_000_000))
    '1970-01-01 00:00:01.5 +0000 UTC'
    """
    fraction = f"{time.nanoseconds % _SECOND:09}".rstrip("0")
    return f"{_utc(time):%Y-%m-%d %H:%M:%S}{'.' if fraction else ''}{fraction} +0000 UTC"


def _utc(time: Time) -> datetime:
    return _EPOCH + timedelta(seconds=time.nanoseconds // _SECOND)


def duration_text(duration: Duration) -> str:
    """`time.Duration.String`.

    >>> duration_text(Duration(5_400_000_000_000)), duration_text(Duration(1500))
    ('1h30m0s', '1.5µs')
    """
    size, sign = abs(duration.nanoseconds), "-" if duration.nanoseconds < 0 else ""
    for unit, name in ((1, "ns"), (1000, "µs"), (1_000_000, "ms")):
        if 0 < size < unit * 1000:
            return f"{sign}{_decimal(size, unit)}{name}"
    minutes, rest = divmod(size, 60 * _SECOND)
    seconds = f"{_decimal(rest, _SECOND)}s"
    if not minutes:
        return sign + seconds
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}h{minutes}m{seconds}" if hours else f"{sign}{minutes}m{seconds}"


def _decimal(count: int, unit: int) -> str:
    whole, rest = divmod(count, unit)
    fraction = f"{rest:0{len(str(unit)) - 1}}".rstrip("0") if rest else ""
    return f"{whole}.{fraction}" if fraction else str(whole)


def _whole(duration: Duration, unit: int) -> int:
    """How many units fit into a duration, towards zero."""
    count = abs(duration.nanoseconds) // unit
    return count if duration.nanoseconds >= 0 else -count


def _real(unit: int) -> Callable[[Duration], float]:
    """A duration in a unit; whole units and the rest apart, as Go adds them."""
    return lambda duration: _whole(duration, unit) + (duration.nanoseconds - _whole(duration, unit) * unit) / unit


_DURATION: Mapping[str, Callable[[Duration], Value]] = {
    "Hours": _real(3600 * _SECOND),
    "Minutes": _real(60 * _SECOND),
    "Seconds": _real(_SECOND),
    "Milliseconds": lambda duration: _whole(duration, 1_000_000),
    "Microseconds": lambda duration: _whole(duration, 1000),
    "Nanoseconds": lambda duration: duration.nanoseconds,
    "String": duration_text,
}

_TIME: Mapping[str, Callable[[Time], Value]] = {
    "Year": lambda time: _utc(time).year,
    "Day": lambda time: _utc(time).day,
    "Hour": lambda time: _utc(time).hour,
    "Minute": lambda time: _utc(time).minute,
    "Second": lambda time: _utc(time).second,
    "Nanosecond": lambda time: time.nanoseconds % _SECOND,
    "YearDay": lambda time: _utc(time).timetuple().tm_yday,
    "Unix": lambda time: time.nanoseconds // _SECOND,
    "UnixMilli": lambda time: time.nanoseconds // 1_000_000,
    "UnixMicro": lambda time: time.nanoseconds // 1000,
    "UnixNano": lambda time: time.nanoseconds,
    "String": time_text,
    "UTC": lambda time: time,
    "IsZero": lambda _: False,
}

OTHER_METHODS = frozenset(
    "Abs Add AddDate After AppendFormat Before Clock Compare Date Equal Format GoString GobEncode ISOWeek "
    "In IsDST Local Location MarshalBinary MarshalJSON MarshalText Month Round Sub Truncate Weekday Zone ZoneBounds "
    "GobDecode UnmarshalBinary UnmarshalJSON UnmarshalText".split()
)
"""Methods of times and durations that are not supported: most take or give types that nothing else does."""


def method(value: Value, name: str) -> Callable[[], Value] | None:
    """A method of a value, None where it has none of that name."""
    if isinstance(value, Time) and name in _TIME:
        return lambda: _TIME[name](value)
    if isinstance(value, Duration) and name in _DURATION:
        return lambda: _DURATION[name](value)
    return None
