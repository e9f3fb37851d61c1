"""Numbers as people read them: times in UTC, durations, shares and rates; what is not defined is a dash."""

from __future__ import annotations

from datetime import UTC, datetime
from math import floor

from tocsin.backtest.model import Score
from tocsin.duration import format_duration

NOTHING = "–"


def moment(ms: int) -> str:
    """A time in UTC, to the second.

    >>> moment(1_681_333_550_000)
    '2023-04-12 21:05:50'
    """
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def stretch(start: int, end: int) -> str:
    """Two times, the second without what it shares with the first.

    >>> stretch(1_681_333_550_000, 1_681_334_000_000)
    '2023-04-12 21:05:50 to 21:13:20'
    """
    first, last = moment(start), moment(end)
    return f"{first} to {last[11:] if first[:10] == last[:10] else last}"


def duration(ms: float | None) -> str:
    """A duration in its two largest units, to the second.

    >>> duration(754_200.0), duration(200_000_000)
    ('12m34s', '2d8h')
    """
    if ms is None:
        return NOTHING
    unit = 1000 if ms < 3_600_000 else 60_000 if ms < 86_400_000 else 3_600_000
    return format_duration(floor(ms / unit + 0.5) * unit)


def share(value: float | None) -> str:
    """A share in percent, rounded down, so that only all of it is 100%.

    >>> share(0.99996), share(2 / 3)
    ('99.9%', '66.6%')
    """
    return NOTHING if value is None else f"{floor(value * 1000 + 1e-9) / 10:g}%"


def rate(value: float | None) -> str:
    """A count in a stretch of time, to two digits or one decimal.

    >>> rate(12.34), rate(0.123)
    ('12.3', '0.12')
    """
    return NOTHING if value is None else f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def false_per_week(score: Score) -> float | None:
    """The part of what fires a week that no incident explains."""
    if score.fired_per_week is None or score.false is None:
        return None
    return score.fired_per_week * score.false / score.fired if score.fired else 0.0
