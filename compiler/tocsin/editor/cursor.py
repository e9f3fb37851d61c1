"""A YAML text and a place in it to the path of keys that one writes there, by indentation: most texts that somebody
is typing do not parse."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TypeAlias

Path: TypeAlias = tuple[str | None, ...]
"""Keys from the document's root; None stands for an item of a list."""

_MARK = "\0"
"""Stands where the cursor is. What holds this character is no text, and is not read."""

_KEY = re.compile(r"""(?P<key>"[^"\n]*"|'[^'\n]*'|[^\s#"'\[\]{},&*!|>%@`-][^:#{}\[\],]*?)\s*:(?=[\s\0]|$)\s*""")
_BLOCK = re.compile(r"[|>][-+0-9]*\s*(?:#.*)?")
_DOCUMENT = re.compile(r"(?m)^---(?=\s|$).*$")


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with the value beside it, or an item of a list, which has no key; `above` is the index of what holds it."""

    key: str | None
    column: int
    above: int
    value: str = ""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where one writes: a key of the mapping at `path`, or where `is_value`, the value at `path`.

    `word` is what stands before the cursor already, `rest` what comes after it in the line, and `siblings` are the
    other keys of the same mapping, with what stands beside them.
    """

    path: Path
    word: str
    rest: str
    siblings: Mapping[str, str] = field(default_factory=dict)
    is_value: bool = False
    in_flow: bool = False


@dataclass(slots=True)
class Outline:
    """The keys of a document, and the cursor, which is None where it stands in a comment or in a text."""

    entries: list[Entry] = field(default_factory=list)
    cursor: Cursor | None = None

    def path(self, index: int) -> Path:
        """The keys down to an entry."""
        steps = []
        while index >= 0:
            steps.append(self.entries[index].key)
            index = self.entries[index].above
        return tuple(reversed(steps))

    def keys(self, path: Path) -> list[str]:
        """The keys of the mappings at a path."""
        below = (e.key for index, e in enumerate(self.entries) if self.path(index)[:-1] == path)
        return list(dict.fromkeys(key for key in below if key))

    def values(self, path: Path) -> list[str]:
        """The values at a path."""
        return [entry.value for index, entry in enumerate(self.entries) if self.path(index) == path and entry.value]


def outline(text: str, offset: int) -> Outline:
    """The outline of the document of a YAML stream that the character at `offset` is in."""
    breaks = [match.span() for match in _DOCUMENT.finditer(text)]
    start = max((end for _, end in breaks if end <= offset), default=0)
    end = min((begin for begin, _ in breaks if begin >= offset), default=len(text))
    marked = text[start:offset].replace(_MARK, " ") + _MARK + text[offset:end].replace(_MARK, " ")
    reader = _Reader(marked.split("\n"))
    reader.read()
    return reader.outline


class _Reader:
    def __init__(self, lines: Iterable[str]) -> None:
        self.outline = Outline()
        self._lines = iter(lines)
        self._stack: list[int] = []
        self._text_below: int | None = None
        self._under: int | None = None

    def read(self) -> None:
        for line in self._lines:
            rest = line.lstrip(" ")
            column = len(line) - len(rest)
            if self._text_below is not None and (not rest or column > self._text_below):
                continue
            self._text_below = None
            if rest and not rest.startswith("#"):
                self._line(rest, column)
        if self.outline.cursor and self._under is not None:
            siblings = {one.key: one.value for one in self.outline.entries if one.above == self._under and one.key}
            self.outline.cursor = replace(self.outline.cursor, siblings=siblings)

    def _line(self, rest: str, column: int) -> None:
        while rest.startswith("- ") or rest == "-":
            self._leave(column, dash=True)
            self._enter(None, column)
            inner = rest[1:].lstrip(" ")
            column += len(rest) - len(inner)
            rest = inner
        found = _KEY.match(rest)
        if found and _MARK not in found["key"]:
            self._leave(column)
            value = rest[found.end() :]
            self._enter(found["key"].strip("\"'"), column, re.split(r"\s#|\0", value)[0].strip(" \"'"))
            if _BLOCK.fullmatch(value.strip()):
                self._text_below = column
            else:
                self._value(value)
        elif rest[:1] in ("{", "["):
            self._value(rest)
        elif _MARK in rest and " #" not in rest.partition(_MARK)[0]:
            self._leave(column)
            self._under = self._top
            word, _, after = rest.partition(_MARK)
            self.outline.cursor = Cursor(self.outline.path(self._top), word, after)

    def _value(self, value: str) -> None:
        """What stands beside a key, or in flow style as an item: on several lines where its brackets are open."""
        if value[:1] in ("{", "["):
            flow = _Flow()
            for line in chain([value], self._lines):
                flow.read(f"{line}\n")
                if not flow.frames:
                    break
            if flow.at_mark:
                self.outline.cursor = flow.cursor(self.outline.path(self._top))
        elif _MARK in value and " #" not in f" {value.partition(_MARK)[0]}":
            self._under = self.outline.entries[self._top].above
            word, _, after = value.partition(_MARK)
            self.outline.cursor = Cursor(self.outline.path(self._top), word.lstrip("\"'"), after, is_value=True)

    @property
    def _top(self) -> int:
        return self._stack[-1] if self._stack else -1

    def _enter(self, key: str | None, column: int, value: str = "") -> None:
        self.outline.entries.append(Entry(key, column, self._top, value))
        self._stack.append(len(self.outline.entries) - 1)

    def _leave(self, column: int, *, dash: bool = False) -> None:
        """Leaves what ends where something else begins at a column; the items of a list may begin below its key."""
        while self._stack:
            top = self.outline.entries[self._top]
            if top.column < column or (dash and top.column == column and top.key is not None):
                return
            self._stack.pop()


@dataclass(slots=True)
class _Frame:
    """An open bracket: what was read in it, and the key whose value is being read."""

    bracket: str
    read: dict[str, str] = field(default_factory=dict)
    key: str | None = None


@dataclass(slots=True)
class _Flow:
    """Reads flow style (`{a: [b, c]}`): the brackets that are open, and those that were at the cursor."""

    frames: list[_Frame] = field(default_factory=list)
    at_mark: list[_Frame] = field(default_factory=list)
    word: str = ""
    rest: str = ""
    _token: str = ""
    _quote: str = ""

    def read(self, line: str) -> None:
        """One more line; a comment ends it."""
        for at, char in enumerate(line):
            if char == _MARK:
                self.at_mark = [_Frame(one.bracket, dict(one.read), one.key) for one in self.frames]
                self.word, self.rest = self._token.lstrip(" \n\"'"), line[at + 1 :].rstrip("\n")
            elif self._quote:
                self._token += char
                self._quote = "" if char == self._quote else self._quote
            elif char == "#" and line[at - 1 : at] in (" ", ""):
                return
            elif not self._is_structure(char, line[at + 1 : at + 2]):
                self._quote = char if char in "\"'" and not self._token.strip() else ""
                self._token += char

    def _is_structure(self, char: str, following: str) -> bool:
        inside = self.frames[-1] if self.frames else None
        if char in "{[":
            self.frames.append(_Frame(char))
        elif char in "}]" and inside:
            self.frames.pop()
        elif char == "," and inside:
            if inside.key is not None:
                inside.read[inside.key] = self._token.strip(" \n\"'")
            inside.key = None
        elif char == ":" and inside and inside.bracket == "{" and following in ("", " ", "\n", _MARK):
            inside.key = self._token.strip(" \n\"'")
            inside.read[inside.key] = ""
        else:
            return False
        self._token = ""
        return True

    def cursor(self, path: Path) -> Cursor:
        """The cursor in a flow that is the value at a path."""
        *outer, inner = self.at_mark
        path = (*path, *(frame.key if frame.bracket == "{" else None for frame in outer))
        if inner.bracket == "{" and inner.key is None:
            return Cursor(path, self.word, self.rest, inner.read, in_flow=True)
        step = None if inner.bracket == "[" else inner.key
        return Cursor((*path, step), self.word, self.rest, inner.read, is_value=True, in_flow=True)
