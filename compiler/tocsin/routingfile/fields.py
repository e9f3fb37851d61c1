"""Mappings of a configuration file to typed values, by the rules of Alertmanager's strict YAML decoder.

Facts of gopkg.in/yaml.v2, tried on amtool 0.25: any plain scalar can be a text (`receiver: 5`), a null is an empty
text or a field that is not given, a single text is not a list, and only an unquoted truth value is one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TypeGuard

from tocsin.diagnostics import Problem, Problems, Source, Span
from tocsin.document import ListNode, MapNode, Node, Scalar
from tocsin.duration import parse_duration
from tocsin.registry import suggest
from tocsin.rules import Places

_TRUTH = {"y": True, "Y": True, "n": False, "N": False}
"""What YAML 1.1 also has for yes and no, and libyaml's resolver has not."""


def is_null(node: Node | None) -> bool:
    return node is None or (isinstance(node, Scalar) and node.value is None)


def is_given(node: Node | None) -> TypeGuard[Node]:
    return not is_null(node)


def content(node: Scalar) -> str:
    return "" if node.value is None else node.text.value


@dataclass(frozen=True, slots=True)
class Faults:
    """Where the problems of one file go; `shown` is its text with the secrets blotted out."""

    problems: Problems
    shown: Source | None = None

    def add(self, name: str, message: str, span: Span, help: str = "") -> None:
        self.problems.add(Problem(f"alertmanager/{name}", message, span, help=help))

    def mapping(self, node: Node, known: Collection[str], what: str) -> Fields | None:
        """The fields of a mapping that has only `known` keys; None, and a problem, where it is no mapping."""
        if not isinstance(node, MapNode):
            self.add("shape", f"expected {what}: a mapping", node.span, f"its keys are {', '.join(sorted(known))}")
            return None
        for key, _ in node.entries:
            name = key.text.value
            if name not in known:
                self.add("unknown-key", f"{what} has no key `{name}`", key.span, suggest(name, known))
        return Fields(node, self)

    def text(self, node: Node, what: str) -> str | None:
        if not isinstance(node, Scalar):
            self.add("shape", f"expected a text for {what}", node.span)
            return None
        return content(node)

    def duration(self, node: Node, what: str) -> int | None:
        """Milliseconds."""
        text = self.text(node, what)
        if text is None:
            return None
        try:
            return parse_duration(text)
        except ValueError as error:
            self.add("duration", f"`{text}` is not a duration: {error}", node.span)
            return None


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one mapping; what is not of the right type is a problem and counts as not given."""

    body: MapNode
    faults: Faults

    @property
    def span(self) -> Span:
        return self.body.span

    def get(self, key: str) -> Node | None:
        """The value of a key, None where it is null or not given."""
        node = self.body.get(key)
        return node if is_given(node) else None

    def places(self) -> Places:
        """Where each value stands, an item of a list as `KEY.ITEM`, and as `whole` all of the mapping."""
        shown = self.faults.shown or self.span.source
        spans = [("whole", self.span), *_spans(self.body)]
        return {name: Span(shown, span.start, span.end) for name, span in spans}

    def has_any(self, keys: Collection[str]) -> bool:
        """Whether one of the keys has more than an empty text."""
        nodes = [node for key in keys if (node := self.get(key))]
        return any(not isinstance(node, Scalar) or content(node) for node in nodes)

    def where(self, key: str) -> Span:
        node = self.body.get(key)
        return node.span if node is not None else self.span

    def text(self, key: str) -> str:
        node = self.get(key)
        return "" if node is None else self.faults.text(node, f"`{key}`") or ""

    def items(self, key: str) -> tuple[Node, ...]:
        """The items of a list; nothing where it is null or not given."""
        node = self.get(key)
        if isinstance(node, ListNode):
            return node.items
        if node is not None:
            self.faults.add("shape", f"expected a list for `{key}`", node.span, f"write `{key}: [...]`")
        return ()

    def scalars(self, key: str) -> tuple[Scalar, ...]:
        """The items of a list of texts."""
        found = []
        for item in self.items(key):
            if isinstance(item, Scalar):
                found.append(item)
            else:
                self.faults.text(item, f"an item of `{key}`")
        return tuple(found)

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(content(item) for item in self.scalars(key))

    def pairs(self, key: str) -> tuple[tuple[Scalar, Scalar], ...]:
        """The names and texts of a mapping."""
        node = self.get(key)
        if node is None:
            return ()
        if not isinstance(node, MapNode):
            self.faults.add("shape", f"expected names and texts under `{key}`", node.span)
            return ()
        for name, value in node.entries:
            self.faults.text(value, f"`{name.text.value}`")
        return tuple((name, value) for name, value in node.entries if isinstance(value, Scalar))

    def flag(self, key: str) -> bool | None:
        node = self.get(key)
        if node is None:
            return None
        if isinstance(node, Scalar):
            plain = node.span.text == node.text.value
            value = _TRUTH.get(node.text.value, node.value) if plain else None
            if isinstance(value, bool):
                return value
        self.faults.add("shape", f"expected `true` or `false` for `{key}`", node.span)
        return None

    def duration(self, key: str) -> int | None:
        node = self.get(key)
        return None if node is None else self.faults.duration(node, f"`{key}`")


def _spans(body: MapNode) -> Iterator[tuple[str, Span]]:
    for key, value in body.entries:
        yield key.text.value, value.span
        for item in value.items if isinstance(value, ListNode) else ():
            if isinstance(item, Scalar):
                yield f"{key.text.value}.{content(item)}", item.span
