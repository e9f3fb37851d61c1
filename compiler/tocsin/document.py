"""YAML to a tree of nodes that know where they stand: every key and value carries its span."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

import yaml

from tocsin.diagnostics import Problem, ProblemError, Problems, Source, Span, Text
from tocsin.scalars import offsets_of, unadorned

_DEPTH_LIMIT = 100
_NODE_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value: `text` as written (after YAML's quoting), `value` as YAML 1.1 resolves it."""

    text: Text
    value: str | int | float | bool | None

    @property
    def span(self) -> Span:
        return self.text.span


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class MapNode:
    """Keys and values in the order of the file; keys are unique."""

    entries: tuple[tuple[Scalar, Node], ...]
    span: Span

    def get(self, name: str) -> Node | None:
        return next((value for key, value in self.entries if key.text.value == name), None)

    def key(self, name: str) -> Scalar | None:
        return next((key for key, _ in self.entries if key.text.value == name), None)


Node: TypeAlias = Scalar | ListNode | MapNode


def parse_documents(source: Source, problems: Problems) -> tuple[Node, ...]:
    """The documents of a YAML text. Raises ProblemError where it does not parse; other faults go to `problems`."""
    if source.text.startswith("\ufeff"):
        raise ProblemError(Problem("yaml/syntax", "a byte-order mark stands in the text", source.span()))
    try:
        return tuple(_Composer(source, problems).documents())
    except yaml.reader.ReaderError as error:
        # libyaml counts the bytes of UTF-8.
        offset = len(source.text.encode()[: error.position].decode(errors="ignore"))
        fault = f"character U+{error.character:04X} is not allowed in YAML"
        raise ProblemError(Problem("yaml/syntax", fault, source.span(offset))) from None
    except yaml.MarkedYAMLError as error:
        raise ProblemError(_syntax(source, error)) from None


def parse_within(text: Text, problems: Problems) -> tuple[Node, ...]:
    """The documents of a YAML text that is itself a scalar of a file; their places are those in the file."""

    def moved(problem: Problem) -> Problem:
        return replace(problem, span=text.at(problem.span.start, problem.span.end))

    found = Problems()
    try:
        nodes = parse_documents(Source(text.span.source.path, text.value), found)
    except ProblemError as error:
        raise ProblemError(moved(error.problem)) from None
    problems.extend(map(moved, found))
    known: dict[int, Node] = {}
    return tuple(_moved(node, text, known) for node in nodes)


def _moved(node: Node, text: Text, known: dict[int, Node]) -> Node:
    """The node with its places in the file that `text` is from; `known` are those that aliases share."""
    if id(node) not in known:
        span = text.at(node.span.start, node.span.end)
        match node:
            case Scalar(text=own, value=value):
                new: Node = Scalar(Text(own.value, span, [text.at(at, at + 1).start for at in own.offsets]), value)
            case ListNode(items=items):
                new = ListNode(tuple(_moved(item, text, known) for item in items), span)
            case MapNode(entries=entries):
                new = MapNode(tuple((_key(_moved(k, text, known)), _moved(v, text, known)) for k, v in entries), span)
        known[id(node)] = new
    return known[id(node)]


def _key(node: Node) -> Scalar:
    assert isinstance(node, Scalar)
    return node


def _syntax(source: Source, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    offset = min(mark.index, max(0, len(source.text) - 1)) if mark else 0
    context = f" {error.context}" if error.context else ""
    where = ""
    if error.context_mark and error.context_mark.index != offset:
        where = f" (it begins at line {error.context_mark.line + 1}, column {error.context_mark.column + 1})"
    return Problem("yaml/syntax", f"{error.problem or 'this is not YAML'}{context}{where}", source.span(offset))


def plain(node: Node) -> Any:
    """The node as plain Python data; mappings keep their order."""
    match node:
        case Scalar(value=value):
            return value
        case ListNode(items=items):
            return [plain(item) for item in items]
        case MapNode(entries=entries):
            return {key.text.value: plain(value) for key, value in entries}


def locate(node: Node, path: Sequence[str | int]) -> Node:
    """The node at a path of keys and indices, or the deepest one on the way to it."""
    for step in path:
        below = node.get(str(step)) if isinstance(node, MapNode) else None
        if isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            below = node.items[step]
        if below is None:
            return node
        node = below
    return node


class _Composer:
    """Builds nodes from libyaml's events, which do not nest (its own composer recurses, and crashes when deep)."""

    def __init__(self, source: Source, problems: Problems) -> None:
        self._source = source
        self._problems = problems
        self._loader = yaml.CSafeLoader(source.text)
        self._anchors: dict[str, Node | None] = {}
        self._sizes: dict[int, int] = {}
        self._heights: dict[int, int] = {}

    def documents(self) -> Iterator[Node]:
        while self._loader.check_event():
            event = self._loader.get_event()
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                yield self._node(self._loader.get_event(), 0)

    def _node(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            node = self._alias(event)
            self._limit_depth(event, depth + self._heights[id(node)])
            return node
        self._limit_depth(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            node, size = self._scalar(event), 1
        elif isinstance(event, yaml.SequenceStartEvent):
            node, size = self._sequence(event, depth)
        else:
            node, size = self._mapping(event, depth)
        self._sizes[id(node)] = size
        self._heights[id(node)] = self._height(node)
        if size > _NODE_LIMIT:
            raise ProblemError(
                Problem("yaml/too-large", f"more than {_NODE_LIMIT:,} values, aliases expanded", node.span)
            )
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _limit_depth(self, event: Any, depth: int) -> None:
        if depth > _DEPTH_LIMIT:
            message = f"nested deeper than {_DEPTH_LIMIT} levels, aliases expanded"
            raise ProblemError(Problem("yaml/too-deep", message, self._span(event, event)))

    def _height(self, node: Node) -> int:
        """How many levels of collections a node has."""
        match node:
            case ListNode(items=items):
                return 1 + max((self._heights[id(item)] for item in items), default=0)
            case MapNode(entries=entries):
                return 1 + max((self._heights[id(value)] for _, value in entries), default=0)
        return 0

    def _alias(self, event: Any) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            fault = "contains itself" if event.anchor in self._anchors else "is not defined above"
            raise ProblemError(Problem("yaml/alias", f"anchor `{event.anchor}` {fault}", self._span(event, event)))
        return node

    def _span(self, first: Any, last: Any) -> Span:
        return Span(self._source, first.start_mark.index, max(last.end_mark.index, first.start_mark.index))

    def _scalar(self, event: Any) -> Scalar:
        span = unadorned(self._span(event, event))
        text = Text(event.value, span, offsets_of(span, event.value, event.style))
        # The stubs leave `resolve` untyped.
        tag = event.tag or str(self._loader.resolve(yaml.ScalarNode, event.value, event.implicit))  # type: ignore[no-untyped-call]
        try:
            return Scalar(text, _resolve(event.value, tag) if not event.style else event.value)
        except ValueError:
            if event.tag is None:
                return Scalar(text, event.value)
            shown, kind = event.value[:40], tag.rpartition(":")[2]
            raise ProblemError(Problem("yaml/value", f"cannot read `{shown}` as `{kind}`", span)) from None

    def _sequence(self, event: Any, depth: int) -> tuple[ListNode, int]:
        items: list[Node] = []
        size = 1
        while not isinstance(end := self._loader.get_event(), yaml.SequenceEndEvent):
            items.append(self._node(end, depth + 1))
            size += self._sizes[id(items[-1])]
        return ListNode(tuple(items), self._extent(event, end, items)), size

    def _mapping(self, event: Any, depth: int) -> tuple[MapNode, int]:
        entries: dict[str, tuple[Scalar, Node]] = {}
        merged: list[Node] = []
        size = 1
        while not isinstance(end := self._loader.get_event(), yaml.MappingEndEvent):
            key, value = self._node(end, depth + 1), self._node(self._loader.get_event(), depth + 1)
            size += self._sizes[id(key)] + self._sizes[id(value)]
            if not isinstance(key, Scalar):
                raise ProblemError(Problem("yaml/key", "expected a name, not a list or a mapping", key.span))
            name = key.text.value
            if name == "<<" and key.span.text == "<<":
                merged.append(value)
            elif name in entries:
                self._duplicate(key, entries[name][0])
            else:
                entries[name] = (key, value)
        for key, value in self._merge(merged):
            entries.setdefault(key.text.value, (key, value))
        written = [item for pair in entries.values() for item in pair if item.span.start >= event.start_mark.index]
        return MapNode(tuple(entries.values()), self._extent(event, end, written)), size

    def _merge(self, merged: list[Node]) -> Iterator[tuple[Scalar, Node]]:
        for node in merged:
            for one in node.items if isinstance(node, ListNode) else (node,):
                if not isinstance(one, MapNode):
                    raise ProblemError(Problem("yaml/merge", "expected a mapping to merge", one.span))
                yield from one.entries

    def _extent(self, start: Any, end: Any, inner: Sequence[Node]) -> Span:
        """The collection's own characters: in block style, libyaml's end is where the next thing starts."""
        if start.flow_style or not inner:
            return self._span(start, end)
        return Span(self._source, start.start_mark.index, max(item.span.end for item in inner))

    def _duplicate(self, key: Scalar, first: Scalar) -> None:
        fault = f"key `{key.text.value}` stands twice; first in line {first.span.line}"
        self._problems.add(Problem("yaml/duplicate-key", fault, key.span, help="remove one of them"))


def _resolve(text: str, tag: str) -> str | int | float | bool | None:
    """A plain scalar's value by YAML 1.1's rules, without dates and base-60 numbers, which stay text."""
    match tag.rpartition(":")[2]:
        case "null":
            return None
        case "bool":
            return text.lower() in ("yes", "true", "on")
        case "int" if ":" not in text:
            digits = text.replace("_", "")
            octal = digits.lstrip("+-").startswith("0") and digits.lstrip("+-0").isdigit()
            return int(digits, 8) if octal and not set("89") & set(digits) else int(digits, 0)
        case "float" if ":" not in text:
            digits = text.replace("_", "").lower()
            return float(digits.replace(".inf", "inf").replace(".nan", "nan"))
    return text


class _Dumper(yaml.CSafeDumper):
    """Block style, keys in the given order, strings of several lines as literal blocks."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is the library's
        return True


def _represent_text(dumper: yaml.CSafeDumper, text: str) -> yaml.ScalarNode:
    # Where a text ends in empty lines, a literal block at the end of a document takes a mark for its end with it.
    block = '"' if text.endswith("\n\n") or not text.strip() else "|"
    style = block if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _represent_text)


def dump(data: Any) -> str:
    """Plain data as YAML: keys in the given order, no line folding, one line break at the end."""
    return str(yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=2**31 - 1, allow_unicode=True))


_SAFE = re.compile(
    r"(?!(?:true|false|yes|no|on|off|null|y|n)\Z)[A-Za-z_](?:(?:(?!: | #)[ -~])*[!-9;-~])?",
    re.IGNORECASE,
)
"""Text that begins like a word, and holds neither a key nor a comment: no YAML type but text reads so."""

_LITERAL = re.compile(r"[ -~]*[!-~](?:\n[ -~]*[!-~])+")


@lru_cache(1 << 14)
def dump_text(text: str, indent: int) -> str:
    """A text as `dump` writes it for a key that stands `indent` columns in; for PromQL in a fraction of the time."""
    if _SAFE.fullmatch(text):
        return text
    if "\n" not in text or not _LITERAL.fullmatch(text):
        return re.sub("\n(?!\n)", "\n" + " " * indent, dump({"": text}).removeprefix("'': ").rstrip("\n"))
    lines = text.replace("\n", "\n" + " " * (indent + 2))
    return f"|{'2' if text[0] == ' ' else ''}-\n{' ' * (indent + 2)}{lines}"
