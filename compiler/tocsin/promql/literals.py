"""Tokens of literals to their values: Go's rules for strings and numbers, Prometheus's for durations and times."""

from __future__ import annotations

import math
import re

from tocsin.diagnostics import Text
from tocsin.duration import parse_duration
from tocsin.escapes import EscapeError, unescaped
from tocsin.promql.ast import WINDOW
from tocsin.promql.scan import Token, refuse


def string_value(text: Text, token: Token) -> str:
    """The value of a string token (Go `strconv.Unquote`; single quotes hold more than one character).

    Bytes that are no UTF-8 are refused.
    """
    quote, body = token.text[0], token.text[1:-1]
    if "�" in body:
        refuse(text, token.start, token.end, "invalid UTF-8 rune")
    if quote == "`" or "\\" not in body:
        return body
    try:
        return unescaped(body, quote).decode()
    except EscapeError as error:
        place = token.start + 1
        help = "a backslash is written `\\\\`, or put the string in backticks"
        refuse(text, place + error.start, place + error.end, str(error), help=help)
    except UnicodeDecodeError:
        refuse(text, token.start, token.end, "the string is not valid UTF-8")


def number_value(text: Text, token: Token) -> float:
    """The value of a number token; a duration is a number of seconds. A leading 0 is octal, as in Go."""
    if token.kind == "duration":
        whole, rest = divmod(duration_value(text, token), 1000)
        return whole + rest / 1000  # apart, as Go's `Duration.Seconds` does
    if token.kind == "window":
        refuse(text, token.start, token.end, "`$window` stands for a duration, not for a number")
    word = token.text.lower()
    if word in ("inf", "nan"):
        return math.inf if word == "inf" else math.nan
    value = _number(token.text)
    if value is None:
        refuse(text, token.start, token.end, f"error parsing number: {_PARSING} `{token.text}`: invalid syntax")
    if math.isinf(value):
        refuse(text, token.start, token.end, f"error parsing number: {_PARSING} `{token.text}`: value out of range")
    return value


_PARSING = "strconv.ParseFloat: parsing"


def _number(written: str) -> float | None:
    try:
        if re.fullmatch(r"0_?[0-7][0-7_]*", written):
            return float(int(written, 8))
        if written[:2].lower() == "0x":
            whole = int(written, 16)
            return float(whole) if whole < 2**63 else None
        return float(written)
    except ValueError:
        return None


def duration_value(text: Text, token: Token, positive: bool = False) -> int:
    """Milliseconds of a duration token; a number counts seconds. `positive` refuses a duration of zero."""
    if token.kind == "window":
        return WINDOW
    if token.kind == "number":
        value = _milliseconds(text, token)
    else:
        try:
            value = parse_duration(token.text)
        except ValueError as expected:
            large = "292 years" in str(expected)
            message = "duration out of range" if large else f"not a valid duration string: `{token.text}`"
            refuse(text, token.start, token.end, message, help=str(expected))
    if positive and value <= 0:
        refuse(text, token.start, token.end, "duration must be greater than 0")
    return value


def _milliseconds(text: Text, token: Token) -> int:
    seconds = number_value(text, token)
    if not abs(seconds) * 1e9 < 2**63:
        refuse(text, token.start, token.end, "duration out of range")
    # Rounded to nanoseconds when it is read and cut to milliseconds when it is used (prometheus/promql/engine.go).
    return round(seconds * 1e9) // 1_000_000


def timestamp_value(text: Text, token: Token, sign: int) -> int:
    """Unix milliseconds of the number or duration after `@`, rounded half away from zero as Go does."""
    if token.kind not in ("number", "duration"):
        refuse(text, token.start, token.end, f"unexpected `{token.text}` in @, expected a Unix time in seconds")
    seconds = number_value(text, token)
    if not seconds < 2**63 / 1000:
        refuse(text, token.start, token.end, f"timestamp out of bounds for @ modifier: {_go_float(sign * seconds)}")
    part, whole = math.modf(seconds * 1000)
    return sign * (int(whole) + (part >= 0.5))


def _go_float(value: float) -> str:
    """Go's `%f`."""
    return f"{value:+f}".title() if math.isinf(value) else "NaN" if math.isnan(value) else f"{value:f}"
