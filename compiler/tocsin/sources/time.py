"""Times as people and files write them, RFC 3339 or Unix seconds, to Unix milliseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

_SECONDS = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]*)?([eE][+]?[0-9]{1,2})?", re.ASCII)
_RFC_3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

LATEST = 10**11
"""Seconds, in the year 5138: a larger number is a time in milliseconds that was taken for seconds."""


def parse_seconds(text: str) -> int:
    """Milliseconds of Unix seconds in decimal, exactly; what is finer than a millisecond is cut off.

    >>> parse_seconds("1795402098.931")
    1795402098931
    """
    if _SECONDS.fullmatch(text) is None:
        raise ValueError("expected Unix seconds, such as `1700000000.123`")
    seconds = Decimal(text)
    if abs(seconds) >= 10**15:
        raise ValueError("out of range")
    return int(seconds * 1000)


def parse_time(text: str) -> int:
    """Milliseconds of an RFC 3339 time or of Unix seconds.

    >>> parse_time("2023-04-12T21:13:50Z"), parse_time("1681334030")
    (1681334030000, 1681334030000)
    """
    match = _RFC_3339.fullmatch(text)
    if match is None:
        if _SECONDS.fullmatch(text) is not None:
            return _plausible(parse_seconds(text))
        raise ValueError("expected a time such as `2026-03-04T05:06:07Z`, or Unix seconds")
    date, clock, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{clock}{zone.upper()}")
    except ValueError as error:
        raise ValueError(f"no such time: {error}") from None
    return (moment - _EPOCH) // timedelta(milliseconds=1) + int(((fraction or ".")[1:] + "000")[:3])


def _plausible(time: int) -> int:
    if time >= LATEST * 1000:
        raise ValueError("after the year 5000: write Unix seconds, not milliseconds")
    return time
