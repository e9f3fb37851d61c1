"""A scalar of YAML to the place in the file of each of its characters, whatever its style folds, indents or escapes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tocsin.diagnostics import Span

_PROPERTIES = re.compile(
    r"(?:(?:&[A-Za-z0-9_-]*|!\S*)(?:(?:\s|(?<=[\r\n\x85\u2028\u2029])\ufeff)+(?:#[^\r\n\x85\u2028\u2029]*)?)*)+"
)


def unadorned(span: Span) -> Span:
    """A scalar's place without its anchor and tag, which libyaml counts in; all of it where nothing else stands."""
    match = _PROPERTIES.match(span.source.text, span.start, span.end)
    return Span(span.source, match.end(), span.end) if match and match.end() < span.end else span


def offsets_of(span: Span, value: str, style: str | None) -> Sequence[int]:
    """For each character of a scalar's value, the offset in the file where it stands."""
    if not value:
        return ()
    quoted = style in ("'", '"')
    start, end = span.start + quoted, span.end - quoted
    if end - start == len(value):
        return range(start, end)
    raw = span.source.text
    if style not in ("|", ">"):
        return _flow(raw, start, end, _PIECES[style or ""])
    header = _BREAK.search(raw, start, end)
    return _block(raw, value, header.end() if header else end, end)


_BREAKS = "\r\n?|[\n\x85\u2028\u2029]"
_BREAK = re.compile(_BREAKS)
_FOLD = rf"(?:[ \t]*(?P<first>{_BREAKS})|\\(?:{_BREAKS}))(?P<more>(?:[ \t]|{_BREAKS})*)"
"""A line's end with all white space around it; after a backslash it is nothing by itself."""

_PIECES = {
    "": re.compile(rf"(?s)(?!\\){_FOLD}|."),
    "'": re.compile(rf"(?s)(?!\\){_FOLD}|''|."),
    '"': re.compile(rf"(?s){_FOLD}|\\(?:x..|u.{{4}}|U.{{8}}|.)|."),
}
"""What stands for one character in each style, or for a few: the line breaks that are left of a fold."""


def _flow(raw: str, start: int, end: int, pieces: re.Pattern[str]) -> list[int]:
    """One line's end becomes a space, more become one line break less (and U+2028 and U+2029 stay)."""
    offsets: list[int] = []
    for piece in pieces.finditer(raw, start, end):
        if piece["more"] is None:
            offsets.append(piece.start())
            continue
        more = [found.start() for found in _BREAK.finditer(raw, *piece.span("more"))]
        first = [piece.start("first")] if piece["first"] else []
        kept = piece["first"] in ("\u2028", "\u2029") or not more
        offsets += [*first, *more] if kept else more
    return offsets


def _block(raw: str, value: str, start: int, end: int) -> list[int]:
    """Only white space differs between the value and the file: the rest aligns in order."""
    offsets: list[int] = []
    at = start
    for char in value:
        if not char.isspace():
            while at < end and raw[at].isspace():
                at += 1
        offsets.append(min(at, end - 1))
        if at < end and (not char.isspace() or raw[at].isspace()):
            at += 1
    return offsets
