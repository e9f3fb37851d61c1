"""Numbers to Go's text: the shortest digits that read back, exponents of two digits or more."""

from __future__ import annotations

import math


def float_text(value: float, verb: str, precision: int | None) -> str:
    """`strconv.FormatFloat` with `e`, `f`, `g` and their capitals; None asks for the shortest digits that read back.

    >>> float_text(1e6, "g", None), float_text(999999.5, "g", None), float_text(0.5, "f", 2)
    ('1e+06', '999999.5', '0.50')
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if precision is None:
        return _shortest(value, verb)
    return f"%.{precision}{verb}" % value


def _shortest(value: float, verb: str) -> str:
    sign = "-" if math.copysign(1, value) < 0 else ""
    digits, exponent = shortest_digits(abs(value))
    letter = "E" if verb.isupper() else "e"
    if verb in "eE" or (verb in "gG" and not -4 <= exponent < 6):
        rest = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{rest}{letter}{'-' if exponent < 0 else '+'}{abs(exponent):02}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    return f"{sign}{whole}.{digits[exponent + 1 :]}" if len(digits) > exponent + 1 else sign + whole


def shortest_digits(value: float) -> tuple[str, int]:
    """The digits of a number that is not negative, without zeros at the end, and the exponent of the first."""
    mantissa, _, exponent = f"{value!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + ("" if fraction == "0" and not exponent else fraction)
    shift = len(whole) - 1 + int(exponent or 0)
    stripped = digits.lstrip("0")
    if not stripped:
        return "0", 0
    return stripped.rstrip("0"), shift - (len(digits) - len(stripped))
