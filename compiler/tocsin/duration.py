"""Prometheus's durations: text to milliseconds and back.

Grammar and order of the units are those of prometheus/common `model.ParseDuration`.
"""

from __future__ import annotations

import re

_UNITS = {"y": 31_536_000_000, "w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_PATTERN = re.compile(
    r"(?:(?P<y>[0-9]+)y)?(?:(?P<w>[0-9]+)w)?(?:(?P<d>[0-9]+)d)?(?:(?P<h>[0-9]+)h)?"
    r"(?:(?P<m>[0-9]+)m)?(?:(?P<s>[0-9]+)s)?(?:(?P<ms>[0-9]+)ms)?"
)
# Go keeps a duration in a signed 64-bit count of nanoseconds.
_LIMIT = (2**63 - 1) // 1_000_000


def parse_duration(text: str) -> int:
    """Milliseconds of a duration such as `1h30m`; `0` needs no unit. Raises ValueError with what was expected.

    >>> parse_duration("1h30m")
    5400000
    """
    if text == "0":
        return 0
    match = _PATTERN.fullmatch(text)
    if match is None or not text:
        raise ValueError("expected whole numbers with units, the largest first: y, w, d, h, m, s, ms (such as `1h30m`)")
    total = sum(int(number) * _UNITS[unit] for unit, number in match.groupdict().items() if number)
    if total > _LIMIT:
        raise ValueError("expected less than 292 years")
    return total


def format_duration(ms: int) -> str:
    """The shortest text of a duration, in Prometheus's units.

    >>> format_duration(5_400_000), format_duration(0)
    ('1h30m', '0s')
    """
    if ms == 0:
        return "0s"
    sign, rest, parts = "-" if ms < 0 else "", abs(ms), []
    for unit, size in _UNITS.items():
        # Years and weeks only where nothing is left over, as Prometheus prints them: `10d`, not `1w3d`.
        if unit in ("y", "w") and rest % size:
            continue
        if rest >= size:
            parts.append(f"{rest // size}{unit}")
            rest %= size
    return sign + "".join(parts)
