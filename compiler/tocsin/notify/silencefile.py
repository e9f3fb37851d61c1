"""Silences as Alertmanager's API and `amtool silence query -o json` give them, from JSON or YAML."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from tocsin.diagnostics import ProblemError, Problems, Source
from tocsin.document import ListNode, MapNode, Node, Scalar, parse_documents
from tocsin.notify.matching import accepts
from tocsin.notify.silences import Silence
from tocsin.promql.ast import Matcher, MatchOp
from tocsin.routingfile.fields import Faults, Fields
from tocsin.routingfile.matchers import checked, read_matchers
from tocsin.routingfile.release import Release

_KEYS = ("id", "status", "updatedAt", "comment", "createdBy", "startsAt", "endsAt", "matchers", "annotations")
_OPS: dict[tuple[bool, bool], MatchOp] = {
    (False, True): "=",
    (False, False): "!=",
    (True, True): "=~",
    (True, False): "!~",
}


def read_silences(source: Source, problems: Problems) -> tuple[Silence, ...]:
    """The silences of a file: a list of mappings, whose matchers are mappings of the API or texts such as `a="b"`.

    What is faulty is reported to `problems` and left out.
    """
    faults = Faults(problems)
    try:
        documents = parse_documents(source, problems)
    except ProblemError as error:
        problems.add(error.problem)
        return ()
    nodes = [item for node in documents for item in _items(node, faults)]
    found = (_silence(node, faults) for node in nodes)
    return tuple(silence for silence in found if silence is not None)


def _items(node: Node, faults: Faults) -> tuple[Node, ...]:
    if isinstance(node, MapNode):
        fields = faults.mapping(node, ("silences",), "a file of silences")
        return fields.items("silences") if fields else ()
    if isinstance(node, ListNode):
        return node.items
    faults.add("shape", "expected a list of silences", node.span)
    return ()


def _silence(node: Node, faults: Faults) -> Silence | None:
    fields = faults.mapping(node, _KEYS, "a silence")
    if fields is None:
        return None
    starts, ends = _time(fields, "startsAt"), _time(fields, "endsAt")
    matchers = tuple(matcher for item in fields.items("matchers") for matcher in _matchers(item, faults))
    if starts is None or ends is None:
        return None
    if ends < starts:
        faults.add("silence", "the silence ends before it starts", fields.where("endsAt"))
        return None
    if all(accepts(matcher, "") for matcher in matchers):
        help = "name a label that the silenced alerts have"
        faults.add("silence", "a silence needs a matcher that an empty label does not match", node.span, help)
        return None
    return Silence(matchers, starts, ends, fields.text("comment"))


def _time(fields: Fields, key: str) -> int | None:
    text = fields.text(key)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        what = f"`{text}` is no time" if text else f"a silence needs `{key}`"
        fields.faults.add("time", what, fields.where(key), "write it as `2026-01-31T08:00:00Z`")
        return None
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


def _matchers(node: Node, faults: Faults) -> Iterator[Matcher]:
    try:
        if isinstance(node, MapNode):
            yield from _matcher(node, faults)
        elif isinstance(node, Scalar):
            yield from read_matchers(node.text, Release.CURRENT)
        else:
            faults.text(node, "a matcher")
    except ProblemError as error:
        faults.problems.add(error.problem)


def _matcher(node: MapNode, faults: Faults) -> Iterator[Matcher]:
    fields = faults.mapping(node, ("name", "value", "isRegex", "isEqual"), "a matcher")
    value = node.get("value")
    if fields is None or not fields.text("name"):
        faults.add("missing", "a matcher needs a `name`", node.span)
        return
    equal = fields.flag("isEqual")
    matcher = Matcher(fields.text("name"), _OPS[bool(fields.flag("isRegex")), equal is not False], fields.text("value"))
    yield checked(matcher, value.text, 0, len(value.text.value)) if isinstance(value, Scalar) else matcher
