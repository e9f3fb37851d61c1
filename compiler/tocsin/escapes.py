"""The escape sequences of Go in a string to the bytes that they stand for: `\\n`, `\\x7f`, `\\u00e9`."""

from __future__ import annotations

import re

ESCAPE = re.compile(
    r"\\(?:(?P<char>[abfnrtv\\\"'])|(?P<oct>[0-7]{3})|x(?P<hex>[0-9a-fA-F]{2})"
    r"|u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})|)",
    re.DOTALL,
)
"""One sequence; a group matches none where a backslash begins none."""

_CHARS = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, '"': 34, "'": 39}


class EscapeError(ValueError):
    """What is wrong with the sequence from `start` to `end` of a text."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start, self.end = start, end


def unescaped(text: str, quote: str) -> bytes:
    """What a text between two quotes stands for, of which it can escape only these (Go `strconv.Unquote`).

    A lone surrogate stands for a byte that is no UTF-8. Raises EscapeError.
    """
    parts, last = [], 0
    for escape in ESCAPE.finditer(text):
        parts += [_encoded(text[last : escape.start()]), _value(escape, quote)]
        last = escape.end()
    return b"".join([*parts, _encoded(text[last:])])


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _value(escape: re.Match[str], quote: str) -> bytes:
    kind, digits = escape.lastgroup, escape.group(escape.lastgroup or 0)
    if kind is None or (kind == "char" and digits in "\"'" and digits != quote):
        raise _unknown(escape.string, escape.start(), quote)
    if kind == "char":
        return bytes([_CHARS[digits]])
    code = int(digits, 8 if kind == "oct" else 16)
    if kind in ("oct", "hex") and code <= 0xFF:
        return bytes([code])
    if kind == "oct" or code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise EscapeError("escape sequence is an invalid Unicode code point", *escape.span())
    return chr(code).encode()


_UNFINISHED = re.compile(r"\\(?:[0-7]{1,2}|x[0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7})")
"""A sequence that has too few digits."""


def _unknown(text: str, start: int, quote: str) -> EscapeError:
    """What is wrong where a backslash begins no sequence (prometheus/promql/parser/lex.go, `lexEscape`)."""
    begun = _UNFINISHED.match(text, start)
    if begun is None:
        shown = "".join(f" {_shown(char)}" for char in text[start + 1 : start + 2])
        return EscapeError(f"unknown escape sequence{shown}", start, start + 2)
    end = begun.end()
    char = text[end : end + 1] or quote
    return EscapeError(f"illegal character {_shown(char)} in escape sequence", start, min(end + 1, len(text)))


def _shown(char: str) -> str:
    """Go's `%#U`."""
    return f"U+{ord(char):04X}" + (f" '{char}'" if char.isprintable() else "")
