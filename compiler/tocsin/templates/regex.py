"""RE2 expressions as Go's package regexp compiles, searches and replaces with them, and its words for faults."""

from __future__ import annotations

from functools import lru_cache

import re2

from tocsin.promql.expand import expand
from tocsin.templates.quote import is_printable, quoted
from tocsin.templates.values import CallError

_FAULTS = {
    "invalid character class range": "invalid character class range",
    "invalid escape sequence": "invalid escape sequence",
    "invalid named capture group": "invalid named capture",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid repetition size": "invalid repeat count",
    "missing ]": "missing closing ]",
    "missing )": "missing closing )",
    "no argument for repetition operator": "missing argument to repetition operator",
    "trailing \\": "trailing backslash at end of expression",
    "unexpected )": "unexpected )",
    "invalid UTF-8": "invalid UTF-8",
}
"""The C++ library's words for a fault, and Go's (regexp/syntax/parse.go)."""


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re2._Regexp[str]:
    """A pattern to search with. Raises CallError with Go's message."""
    options = re2.Options()
    options.log_errors = False
    try:
        if r"\C" in pattern.replace(r"\\", ""):
            raise CallError("error parsing regexp: invalid escape sequence: `\\C`")
        return re2.compile(pattern, options)
    except re2.error as error:
        raise CallError(f"error parsing regexp: {_reworded(_said(error), pattern)}") from None


def _said(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


def _reworded(message: str, pattern: str) -> str:
    kind, _, where = message.partition(": ")
    if kind.startswith("trailing"):
        kind, where = "trailing \\", ""
    if kind in ("missing )", "unexpected )"):  # Go shows the whole expression
        where = pattern
    return f"{_FAULTS.get(kind, kind)}: `{where}`"


def matches(pattern: str, text: str) -> bool:
    """`regexp.MatchString`: whether the pattern is found anywhere."""
    return compiled(pattern).search(text) is not None


def replaced(pattern: str, replacement: str, text: str) -> str:
    """`Regexp.ReplaceAllString`: every match but empty ones right after another, with `$1` and `${name}` expanded."""
    try:
        regex = compiled(pattern)
    except CallError as error:
        raise CallError(f"regexp: Compile({_backquoted(pattern)}): {error}") from None
    parts: list[str] = []
    last, at = 0, 0
    while at <= len(text):
        found = regex.search(text, at)
        if found is None:
            break
        start, end = found.span()
        parts.append(text[last:start])
        if end > last or start == 0:
            parts.append(expand(replacement, found))
        last = end
        at = end if end > at else at + 1
    return "".join([*parts, text[last:]])


def _backquoted(pattern: str) -> str:
    plain = "`" not in pattern and all(is_printable(char) or char == "\t" for char in pattern)
    return f"`{pattern}`" if plain else quoted(pattern)
