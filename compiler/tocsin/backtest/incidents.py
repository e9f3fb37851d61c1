"""incidents.yaml to incidents: what people should have acted on, and what nobody should have been woken for."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tocsin.backtest.model import Incident, Incidents
from tocsin.diagnostics import Problem, ProblemError, Problems, Span
from tocsin.document import ListNode, MapNode, Node, Scalar, parse_documents, plain
from tocsin.labels import EMPTY, Labels, from_mapping
from tocsin.registry import suggest
from tocsin.sources.time import parse_time
from tocsin.textfile import read_source

_LISTS = ("incidents", "not_incidents")
_KEYS = ("name", "start", "end", "labels")


def read_incidents(path: str, problems: Problems) -> Incidents:
    """The incidents of a file; what is faulty is reported to `problems` and left out.

    Raises ProblemError (`input/...`, `yaml/...`) where the file cannot be read at all.
    """
    source = read_source(path)
    documents = parse_documents(source, problems)
    if len(documents) != 1 or not isinstance(documents[0], MapNode):
        raise ProblemError(_shape("expected `incidents:` and a list of them", source.span()))
    for key, _ in documents[0].entries:
        if key.text.value not in _LISTS:
            problems.add(_shape(f"unknown key `{key.text.value}`", key.span, suggest(key.text.value, _LISTS)))
    return Incidents(*(tuple(_incidents(documents[0].get(name), problems)) for name in _LISTS))


def _incidents(node: Node | None, problems: Problems) -> Iterator[Incident]:
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return
    if not isinstance(node, ListNode):
        problems.add(_shape("expected a list", node.span))
        return
    names: set[str] = set()
    for item in node.items:
        try:
            incident = _incident(item)
        except ProblemError as error:
            problems.add(error.problem)
            continue
        if incident.name in names:
            problems.add(_shape(f"the name `{incident.name}` is given twice", incident.span or item.span))
            continue
        names.add(incident.name)
        yield incident


def _incident(node: Node) -> Incident:
    if not isinstance(node, MapNode):
        raise ProblemError(_shape("expected an incident: `name`, `start` and `end`", node.span))
    name = _scalar(node, "name")
    start, end = _time(_scalar(node, "start")), _time(_scalar(node, "end"))
    if end < start:
        raise ProblemError(_shape("the incident ends before it starts", _scalar(node, "end").span))
    details = tuple((key.text.value, _text(value)) for key, value in node.entries if key.text.value not in _KEYS)
    return Incident(name.text.value, start, end, _labels(node.get("labels")), details, name.span)


def _scalar(node: MapNode, key: str) -> Scalar:
    value = node.get(key)
    if isinstance(value, Scalar) and value.text.value:
        return value
    raise ProblemError(_shape(f"an incident needs `{key}`", value.span if value else node.span))


def _time(node: Scalar) -> int:
    try:
        return parse_time(node.text.value)
    except ValueError as error:
        raise ProblemError(_shape(f"bad time `{node.text.value}`: {error}", node.span)) from None


def _labels(node: Node | None) -> Labels:
    if node is None:
        return EMPTY
    if not isinstance(node, MapNode) or not all(isinstance(value, Scalar) for _, value in node.entries):
        raise ProblemError(_shape("expected labels and their values", node.span))
    return from_mapping({key.text.value: _text(value) for key, value in node.entries})


def _text(node: Node) -> str:
    return node.text.value if isinstance(node, Scalar) else json.dumps(plain(node), default=str, ensure_ascii=False)


def _shape(message: str, span: Span, help: str = "") -> Problem:
    return Problem("backtest/incidents", message, span, help=help)
