"""Go's literals: strings, characters and numbers as they are written to their values, and strings back."""

from __future__ import annotations

import re

from tocsin.escapes import ESCAPE, EscapeError, unescaped

_NAMES = {7: "a", 8: "b", 12: "f", 10: "n", 13: "r", 9: "t", 11: "v", 92: "\\"}


def quoted(text: str, ascii_only: bool = False) -> str:
    """A string as Go's `%q` writes it.

    >>> quoted('say "hi"')
    '"say \\\\"hi\\\\""'
    """
    return '"' + "".join(_quoted(char, '"', ascii_only) for char in text) + '"'


def quoted_rune(code: int, ascii_only: bool = False) -> str:
    """A character as Go's `%q` writes it; what is none is U+FFFD."""
    valid = 0 <= code < 0xD800 or 0xE000 <= code <= 0x10FFFF
    return "'" + _quoted(chr(code) if valid else "�", "'", ascii_only) + "'"


def _quoted(char: str, quote: str, ascii_only: bool) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if char == quote or char == "\\":
        return "\\" + char
    if is_printable(char) and not (ascii_only and code > 126):
        return char
    if code in _NAMES:
        return "\\" + _NAMES[code]
    if code < 32 or code == 127:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def is_printable(char: str) -> bool:
    """Go's `unicode.IsPrint`: of all spaces only U+0020."""
    return char.isprintable()


def unquoted(literal: str) -> str:
    """The value of a string in double quotes or backticks (`strconv.Unquote`).

    Bytes that are no UTF-8 are kept as lone surrogates. Raises ValueError with Go's message.
    """
    if literal[0] == "`":
        return literal[1:-1].replace("\r", "")
    return _unescaped(literal[1:-1], '"')


def rune_value(literal: str) -> int:
    """The code point of a character in single quotes. Raises ValueError with Go's message."""
    body = literal[1:-1]
    if not body:
        raise ValueError("invalid syntax")
    first = ESCAPE.match(body)
    length = first.end() if first else 1
    if first and (first.lastgroup == "hex" or first.lastgroup == "oct"):
        code = int(first.group(first.lastgroup), 16 if first.lastgroup == "hex" else 8)
        if code > 0xFF:
            raise ValueError("invalid syntax")
    else:
        code = ord(_unescaped(body[:length], "'"))
    if length != len(body):
        raise ValueError(f"malformed character constant: {literal}")
    return code


def _unescaped(body: str, quote: str) -> str:
    if "\\" not in body:
        return body
    try:
        return unescaped(body, quote).decode(errors="surrogateescape")
    except EscapeError:
        raise ValueError("invalid syntax") from None


_DIGITS = re.compile(r"[+-]?(?:0[xX](_?[0-9a-fA-F])+|0[bB](_?[01])+|0[oO](_?[0-7])+|0(_?[0-7])*|[1-9](_?[0-9])*)")
_DECIMAL = re.compile(r"[+-]?(?:[0-9](_?[0-9])*\.?([0-9](_?[0-9])*)?|\.[0-9](_?[0-9])*)([eE][+-]?[0-9](_?[0-9])*)?")
_HEX = re.compile(r"[+-]?0[xX](?=_?[0-9a-fA-F]|\.)_?[0-9a-fA-F_]*\.?[0-9a-fA-F_]*[pP][+-]?[0-9]+")


def integer(literal: str) -> int | None:
    """The value of `strconv.ParseInt(literal, 0, 64)` without its limits; None where it is no integer."""
    if not _DIGITS.fullmatch(literal):
        return None
    sign, digits = -1 if literal[0] == "-" else 1, literal.lstrip("+-").replace("_", "")
    octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdecimal()
    return sign * (int(digits, 8) if octal else int(digits, 0))


def floating(literal: str) -> float | None:
    """The value of `strconv.ParseFloat` of a number as templates write it; None where it is none, or too large."""
    try:
        if _HEX.fullmatch(literal):
            value = float.fromhex(literal.replace("_", ""))
        elif _DECIMAL.fullmatch(literal):
            value = float(literal.replace("_", ""))
        else:
            return None
    except OverflowError:
        return None
    return None if value in (float("inf"), float("-inf")) else value


def number_value(literal: str) -> int | float:
    """The value of a number or a character as a template writes it. Raises ValueError with Go's message."""
    if literal[0] == "'":
        return rune_value(literal)
    whole, real = integer(literal), floating(literal)
    if whole is not None and -(2**63) <= whole < 2**64:
        return whole
    if real is None:
        raise ValueError(f"illegal number syntax: {quoted(literal)}")
    if not set(".eEpP") & set(literal):
        raise ValueError(f"integer overflow: {quoted(literal)}")
    return real
