"""Tokens of literals to their values: Go's rules for strings and numbers, Prometheus's for durations and times."""

from __future__ import annotations

import math
import re

from tocsin.diagnostics import Text
from tocsin.duration import parse_duration
from tocsin.promql.ast import WINDOW
from tocsin.promql.scan import Token, refuse

_ESCAPE = re.compile(
    r"\\(?:(?P<char>[abfnrtv\\\"'])|(?P<oct>[0-7]{3})|x(?P<hex>[0-9a-fA-F]{2})"
    r"|u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})|)",
    re.DOTALL,
)
_CHARS = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, '"': 34, "'": 39}


def string_value(text: Text, token: Token) -> str:
    """The value of a string token (Go `strconv.Unquote`; single quotes hold more than one character).

    Bytes that are no UTF-8 are refused.
    """
    quote, body = token.text[0], token.text[1:-1]
    if "�" in body:
        refuse(text, token.start, token.end, "invalid UTF-8 rune")
    if quote == "`" or "\\" not in body:
        return body
    parts, last = [], 0
    for escape in _ESCAPE.finditer(body):
        parts.append(body[last : escape.start()].encode())
        parts.append(_escaped(text, token.start + 1 + escape.start(), escape, quote))
        last = escape.end()
    try:
        return b"".join([*parts, body[last:].encode()]).decode()
    except UnicodeDecodeError:
        refuse(text, token.start, token.end, "the string is not valid UTF-8")


def _escaped(text: Text, place: int, escape: re.Match[str], quote: str) -> bytes:
    kind, digits = escape.lastgroup, escape.group(escape.lastgroup or 0)
    if kind is None or (kind == "char" and digits in "\"'" and digits != quote):
        shown = text.value[place + 1]
        help = "a backslash is written `\\\\`, or put the string in backticks"
        refuse(text, place, place + 2, f"unknown escape sequence U+{ord(shown):04X} {shown!r}", help=help)
    if kind == "char":
        return bytes([_CHARS[digits]])
    code = int(digits, 8 if kind == "oct" else 16)
    if kind in ("oct", "hex") and code <= 0xFF:
        return bytes([code])
    if kind == "oct" or code > 0x10FFFF or 0xD800 <= code < 0xE000:
        refuse(text, place, place + len(escape.group()), "escape sequence is an invalid Unicode code point")
    return chr(code).encode()


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
        refuse(text, token.start, token.end, f"timestamp out of bounds for @ modifier: {_go_float(seconds)}")
    part, whole = math.modf(seconds * 1000)
    return sign * (int(whole) + (part >= 0.5))


def _go_float(value: float) -> str:
    """Go's `%f`."""
    return "+Inf" if math.isinf(value) else "NaN" if math.isnan(value) else f"{value:f}"
