"""Numbers with units, as people write them in a spec: `1%`, `300ms`, `5GiB`, `100/s`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Unit(StrEnum):
    """What a quantity measures; the value is its name in a spec."""

    RATIO = "ratio"
    SECONDS = "seconds"
    BYTES = "bytes"
    PER_SECOND = "per_second"
    BYTES_PER_SECOND = "bytes_per_second"
    CELSIUS = "celsius"
    COUNT = "count"


_BYTES = {"B": 0, "kB": 3, "KB": 3, "MB": 6, "GB": 9, "TB": 12, "PB": 15}
_BINARY = {"KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40, "PiB": 50}
_SECONDS = {"us": "0.000001", "ms": "0.001", "s": "1", "m": "60", "h": "3600", "d": "86400", "w": "604800"}

_SIZES = {name: Decimal(10) ** power for name, power in _BYTES.items()} | {
    name: Decimal(2) ** power for name, power in _BINARY.items()
}
_SUFFIXES: dict[str, tuple[Unit, Decimal]] = {
    "%": (Unit.RATIO, Decimal("0.01")),
    **{name: (Unit.SECONDS, Decimal(size)) for name, size in _SECONDS.items()},
    **{name: (Unit.BYTES, size) for name, size in _SIZES.items()},
    **{f"{name}/s": (Unit.BYTES_PER_SECOND, size) for name, size in _SIZES.items()},
    "/s": (Unit.PER_SECOND, Decimal(1)),
    "/m": (Unit.PER_SECOND, 1 / Decimal(60)),
    "/h": (Unit.PER_SECOND, 1 / Decimal(3600)),
    "C": (Unit.CELSIUS, Decimal(1)),
    "°C": (Unit.CELSIUS, Decimal(1)),
    "": (Unit.COUNT, Decimal(1)),
}

EXAMPLES = {
    Unit.RATIO: "1%",
    Unit.SECONDS: "300ms` or `2s",
    Unit.BYTES: "5GiB",
    Unit.PER_SECOND: "100/s",
    Unit.BYTES_PER_SECOND: "10MiB/s",
    Unit.CELSIUS: "80C",
    Unit.COUNT: "3",
}

_PATTERN = re.compile(r"([-+]?[0-9]+(?:\.[0-9]+)?)\s*([^\s0-9.][^\s]*)?")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in its base unit (a share of 1, seconds, bytes, per second), exact to the last decimal written."""

    exact: Decimal
    unit: Unit

    @property
    def value(self) -> float:
        return float(self.exact)


def suffixes(unit: Unit) -> list[str]:
    """What may stand behind a number of a unit.

    >>> suffixes(Unit.PER_SECOND)
    ['/s', '/m', '/h']
    """
    return [name for name, (measures, _) in _SUFFIXES.items() if measures is unit]


def parse_quantity(text: str) -> Quantity:
    """Reads a quantity. Raises ValueError with what was expected.

    >>> parse_quantity("1%").value, parse_quantity("300ms").value
    (0.01, 0.3)
    """
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise ValueError("expected a number and a unit, such as `1%`, `300ms`, `5GiB` or `100/s`")
    number, suffix = match[1], match[2] or ""
    if suffix not in _SUFFIXES:
        raise ValueError(f"unknown unit `{suffix}`; expected one of {', '.join(s for s in _SUFFIXES if s)}")
    unit, scale = _SUFFIXES[suffix]
    return Quantity(Decimal(number) * scale, unit)


def format_quantity(value: float, unit: Unit) -> str:
    """A value for people to read, in the unit's usual suffix.

    >>> format_quantity(0.01, Unit.RATIO), format_quantity(0.3, Unit.SECONDS)
    ('1%', '300ms')
    """
    match unit:
        case Unit.RATIO:
            return f"{value * 100:.6g}%"
        case Unit.SECONDS:
            return f"{value * 1000:.6g}ms" if 0 < abs(value) < 1 else f"{value:.6g}s"
        case Unit.BYTES | Unit.BYTES_PER_SECOND:
            per = "/s" if unit is Unit.BYTES_PER_SECOND else ""
            name = next((n for n, power in reversed(_BINARY.items()) if abs(value) >= 2**power), "B")
            return f"{value / 2 ** _BINARY.get(name, 0):.6g}{name}{per}"
        case Unit.PER_SECOND:
            return f"{value:.6g}/s"
        case Unit.CELSIUS:
            return f"{value:.6g}°C"
    return f"{value:.6g}"
