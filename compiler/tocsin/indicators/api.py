"""What a kind of indicator is, and how it reads its part of a spec."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, Protocol, TypeAlias

from tocsin.diagnostics import Problem, ProblemError, Problems
from tocsin.document import MapNode, Node, Scalar
from tocsin.promql.ast import Expr, ValueType, VectorSelector, selectors, unwrap, value_type
from tocsin.promql.durations import resolve
from tocsin.promql.parse import parse, parse_windowed
from tocsin.quantity import Unit
from tocsin.registry import Registry

UNBOUNDED = (-inf, inf)
SHARE = (0.0, 1.0)
POSITIVE = (0.0, inf)


class Indicator(Protocol):
    """One thing that is measured, as PromQL.

    `unit` is the value's unit, `bounds` the least and the greatest value that it can have, `by` the labels of its
    groups. An indicator that is not `smoothed` is taken as it is unless an alert asks for a window. One that is not
    `grouped` has a value for each series, with labels that cannot be told from the spec.
    """

    @property
    def unit(self) -> Unit: ...
    @property
    def by(self) -> tuple[str, ...]: ...
    @property
    def bounds(self) -> tuple[float, float]: ...
    @property
    def smoothed(self) -> bool: ...
    @property
    def grouped(self) -> bool: ...

    def value(self, window: int | None) -> Expr:
        """The value over `window` milliseconds, one series for each group; None takes it at the instant."""
        ...

    def watched(self) -> VectorSelector | None:
        """The series without which there is no data, or None where that cannot be told."""
        ...

    def events(self, window: int) -> Expr | None:
        """The number of events in the window, for each group, or None where the indicator does not count any."""
        ...

    def counts(self, step: int, tiled: int) -> Counts | None:
        """The events since the evaluation `step` ms before, or None where the indicator has only a value.

        `tiled` is the range in ms that holds each sample of a step once.
        """
        ...

    def forecast(self, window: int, horizon: int) -> Expr | None:
        """The value in `horizon` milliseconds by the trend of the window, or None where there is no such thing."""
        ...


@dataclass(frozen=True, slots=True)
class Counts:
    """Events since the last evaluation, for each group: all of them, and the `part` that is bad, or `good`.

    A part without series has no events.
    """

    total: Expr
    part: Expr
    good: bool = False


class Plain:
    """The answers of an indicator that sums up its groups, counts no events and has no forecast."""

    __slots__ = ()

    @property
    def grouped(self) -> bool:
        return True

    def events(self, window: int) -> Expr | None:  # noqa: ARG002 - the protocol's signature
        return None

    def counts(self, step: int, tiled: int) -> Counts | None:  # noqa: ARG002 - the protocol's signature
        return None

    def forecast(self, window: int, horizon: int) -> Expr | None:  # noqa: ARG002 - the protocol's signature
        return None


class Separate(Plain):
    """The answers of such an indicator, but for one that keeps its series apart where it is given no groups."""

    __slots__ = ()
    by: tuple[str, ...]

    @property
    def grouped(self) -> bool:
        return bool(self.by)


Reader: TypeAlias = Callable[[Node, tuple[str, ...], Problems], "Indicator | None"]
"""Turns the value under a kind's key (its shape is valid), and the labels to group by, into an indicator."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of indicator: its name is its key in a spec, `schema` the JSON Schema of what stands under the key."""

    name: str
    description: str
    schema: dict[str, Any]
    read: Reader


KINDS: Registry[Kind] = Registry("indicator kind")


def kind(name: str, description: str, schema: dict[str, Any]) -> Callable[[Reader], Reader]:
    """Registers a reader as a kind of indicator."""

    def register(read: Reader) -> Reader:
        KINDS.add(name, Kind(name, description, schema, read))
        return read

    return register


def fields(**properties: str) -> dict[str, Any]:
    """The schema of a mapping of PromQL texts: key and description; a key that ends in `_` is optional."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name for name in properties if not name.endswith("_")],
        "properties": {name.rstrip("_"): {**PROMQL, "description": text} for name, text in properties.items()},
    }


PROMQL: dict[str, Any] = {"type": "string", "minLength": 1, "x-expected": "PromQL"}


def field(node: Node, name: str) -> Scalar | None:
    """The scalar under a key, or the node itself where the kind's short form is used (a bare text)."""
    found = node.get(name) if isinstance(node, MapNode) else node
    return found if isinstance(found, Scalar) else None


def read_vector(node: Scalar | None, problems: Problems, *, windowed: bool = False) -> Expr | None:
    """A PromQL expression that gives an instant vector; with `windowed`, `$window` may stand for the window."""
    if node is None:
        return None
    try:
        expr = resolve((parse_windowed if windowed else parse)(node.text))
    except ProblemError as error:
        problems.add(error.problem)
        return None
    if value_type(expr) is not ValueType.VECTOR:
        message = f"expected an instant vector, found a {value_type(expr)}"
        help = "leave the range out: the window is put in where it is needed" if "[" in node.text.value else ""
        problems.add(Problem("spec/promql", message, node.span, help=help))
        return None
    return expr


def read_selector(node: Scalar | None, problems: Problems) -> VectorSelector | None:
    """A plain selector: a metric with its matchers."""
    expr = read_vector(node, problems)
    if expr is None or node is None:
        return None
    selector = unwrap(expr)
    if not isinstance(selector, VectorSelector):
        help = "for anything else use the kind `promql`"
        message = 'expected a metric with its labels, such as `requests_total{job="x"}`'
        problems.add(Problem("spec/selector", message, node.span, help=help))
        return None
    return selector


def only_selector(expr: Expr) -> VectorSelector | None:
    """The selector of an expression that reads one, as it stands there, or None where it reads several."""
    found = set(selectors(expr))
    return found.pop() if len(found) == 1 else None
