"""The key `lint` of tocsin.yaml: which lint rules a team asks, and of which files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tocsin.diagnostics import Source, Span
from tocsin.document import ListNode, MapNode, Node, Scalar


@dataclass(frozen=True, slots=True)
class Selector:
    """The name of a rule, or what the names of several begin with, up to a slash: `noise/`."""

    text: str
    span: Span

    @staticmethod
    def of(text: str) -> Selector:
        """A selector of the command line."""
        return Selector(text, Source("<command line>", text).span(0, len(text)))

    def covers(self, rule: str) -> bool:
        return rule == self.text or (self.text.endswith("/") and rule.startswith(self.text))


@dataclass(frozen=True, slots=True)
class Part:
    """Files, by a glob from the folder of the settings, of which some rules ask nothing."""

    glob: str
    ignore: tuple[Selector, ...]

    def holds(self, path: str) -> bool:
        return re.fullmatch(_pattern(self.glob), path) is not None


@dataclass(frozen=True, slots=True)
class Selection:
    """The rules that are asked: those of `select` (all, where it is empty) that nothing ignores."""

    select: tuple[Selector, ...] = ()
    ignore: tuple[Selector, ...] = ()
    parts: tuple[Part, ...] = ()
    folder: str = ""

    def asks(self, rule: str) -> bool:
        """Whether a rule is asked anywhere."""
        chosen = not self.select or any(selector.covers(rule) for selector in self.select)
        return chosen and not any(selector.covers(rule) for selector in self.ignore)

    def asks_of(self, rule: str, path: str) -> bool:
        """Whether a rule is asked of a file."""
        return self.asks(rule) and not self.ignored_in(rule, path)

    def names(self, rule: str) -> bool:
        """Whether a rule is chosen by its own name, and so wanted even where it is off by default."""
        return any(selector.text == rule for selector in self.select) and self.asks(rule)

    def ignored_in(self, rule: str, path: str) -> bool:
        """Whether a rule, or a fault of a comment, is ignored in a file."""
        seen = os.path.relpath(path, self.folder or os.curdir).replace(os.sep, "/") if self.parts else path
        ignored = [*self.ignore, *(one for part in self.parts if part.holds(seen) for one in part.ignore)]
        return any(selector.covers(rule) for selector in ignored)

    def narrowed(self, select: Sequence[str], ignore: Sequence[str]) -> Selection:
        """With what the command line says: it selects in place of the settings, and ignores on top of them."""
        more = tuple(map(Selector.of, ignore))
        if select:
            return Selection(tuple(map(Selector.of, select)), more, self.parts, self.folder)
        return Selection(self.select, (*self.ignore, *more), self.parts, self.folder)

    def selectors(self) -> Iterator[Selector]:
        """All selectors that are written, to be held against the names of the rules."""
        yield from (*self.select, *self.ignore)
        for part in self.parts:
            yield from part.ignore


def read_selection(node: Node | None) -> Selection:
    """The selection in the value of `lint`, which has the shape of the schema."""
    if not isinstance(node, MapNode):
        return Selection()
    folder = os.path.dirname(node.span.source.path)
    return Selection(
        _selectors(node.get("select")), _selectors(node.get("ignore")), tuple(_parts(node.get("paths"))), folder
    )


def _parts(node: Node | None) -> Iterator[Part]:
    for item in node.items if isinstance(node, ListNode) else ():
        path = item.get("path") if isinstance(item, MapNode) else None
        if isinstance(item, MapNode) and isinstance(path, Scalar):
            yield Part(path.text.value, _selectors(item.get("ignore")))


def _selectors(node: Node | None) -> tuple[Selector, ...]:
    items = node.items if isinstance(node, ListNode) else ()
    return tuple(Selector(item.text.value, item.span) for item in items if isinstance(item, Scalar))


_WILDCARDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _pattern(glob: str) -> str:
    """A glob as a regular expression. A folder holds what is below it; a name without a slash may be at any depth.

    >>> [bool(re.fullmatch(_pattern("legacy/*.yaml"), path)) for path in ("legacy/a.yaml", "legacy/b/a.yaml")]
    [True, False]
    """
    trimmed = glob.removesuffix("/").removeprefix("./")
    body = "".join(_WILDCARDS.get(piece, re.escape(piece)) for piece in re.split(r"(\*\*/|\*\*|\*|\?)", trimmed))
    return f"{'' if '/' in trimmed else '(?:.*/)?'}{body}(?:/.*)?"
