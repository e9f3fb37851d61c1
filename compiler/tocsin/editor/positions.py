"""Offsets in a text to an editor's positions, and back: lines from 0, and columns in units of the encoding agreed on.

Source: Microsoft, "Language Server Protocol Specification 3.17", "Position": UTF-16 unless something else is agreed on.
"""

from __future__ import annotations

from dataclasses import dataclass

from lsprotocol.types import Position, PositionEncodingKind, Range

from tocsin.diagnostics import Source

_UNITS = {
    PositionEncodingKind.Utf8: ("utf-8", 1),
    PositionEncodingKind.Utf16: ("utf-16-le", 2),
    PositionEncodingKind.Utf32: ("utf-32-le", 4),
}
"""The codec of each encoding, and the bytes of one of its units."""


@dataclass(frozen=True, slots=True)
class Positions:
    """The places of one text, as the editor counts them."""

    source: Source
    encoding: PositionEncodingKind

    def position(self, offset: int) -> Position:
        """Where the character at `offset` stands; the end of the text where that lies beyond."""
        offset = min(max(offset, 0), len(self.source.text))
        line, column = self.source.position(offset)
        return Position(line - 1, self._units(self.source.text[offset - column + 1 : offset]))

    def range(self, start: int, end: int) -> Range:
        """Where the characters from `start` to `end` (exclusive) stand."""
        return Range(self.position(start), self.position(max(start, end)))

    def offset(self, position: Position) -> int:
        """The character at a position; the end of the line, or of the text, where that lies beyond."""
        text, start = self.source.text, 0
        for _ in range(position.line):
            start = text.find("\n", start) + 1
            if not start:
                return len(text)
        codec, size = _UNITS[self.encoding]
        line = self.source.line(position.line + 1).encode(codec, "surrogatepass")
        return start + len(line[: position.character * size].decode(codec, "ignore"))

    def _units(self, text: str) -> int:
        codec, size = _UNITS[self.encoding]
        return len(text) if text.isascii() else len(text.encode(codec, "surrogatepass")) // size
