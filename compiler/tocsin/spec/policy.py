"""What a team asks of every alert, beyond what all teams do: the `policy` of tocsin.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tocsin.diagnostics import Problem, Problems
from tocsin.document import MapNode, Node, Scalar
from tocsin.duration import parse_duration
from tocsin.promql.match import regex_fault


@dataclass(frozen=True, slots=True)
class Range:
    """From `least` to `most` milliseconds, both included; None where there is no bound."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """Labels and annotations that every alert has, and what all names, waits and windows are like.

    The values are regular expressions that the whole of a text must match; an empty one asks nothing.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    alert: str = ""
    record: str = ""
    for_: Range = Range()
    window: Range = Range()


def read_policy(node: Node | None, problems: Problems) -> Policy:
    """The policy in a document of a valid shape; what is faulty is reported and asks nothing."""
    body = node if isinstance(node, MapNode) else None
    return Policy(
        dict(_patterns(_below(body, "labels"), problems)),
        dict(_patterns(_below(body, "annotations"), problems)),
        dict(_patterns(body, problems, "alert")).get("alert", ""),
        dict(_patterns(body, problems, "record")).get("record", ""),
        _range(_below(body, "for"), problems),
        _range(_below(body, "window"), problems),
    )


def _below(body: MapNode | None, key: str) -> MapNode | None:
    node = body.get(key) if body else None
    return node if isinstance(node, MapNode) else None


def _patterns(body: MapNode | None, problems: Problems, *keys: str) -> Iterator[tuple[str, str]]:
    for key, value in body.entries if body else ():
        if isinstance(value, Scalar) and (not keys or key.text.value in keys):
            pattern = value.text.value
            if fault := regex_fault(pattern):
                message = f"`{pattern}` is not a regular expression: {fault}"
                problems.add(Problem("spec/value", message, value.span))
            else:
                yield key.text.value, pattern


def _range(body: MapNode | None, problems: Problems) -> Range:
    ends = {}
    for key, value in body.entries if body else ():
        if isinstance(value, Scalar):
            try:
                ends[key.text.value] = parse_duration(value.text.value)
            except ValueError as error:
                message = f"`{value.text.value}` is not a duration: {error}"
                problems.add(Problem("spec/duration", message, value.span))
    return Range(ends.get("least"), ends.get("most"))
