"""The nodes of a PromQL expression: frozen, comparable, and with the place in a file where each was written.

Two expressions are equal where they mean the same text; spans do not take part. Times and durations are whole
milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from tocsin.diagnostics import Span


class ValueType(StrEnum):
    """Prometheus's names for the types of a value."""

    SCALAR = "scalar"
    VECTOR = "instant vector"
    MATRIX = "range vector"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class Expr:
    """Any expression; `span` is None where no file holds its text."""

    span: Span | None = field(default=None, compare=False, repr=False, kw_only=True)


At: TypeAlias = int | Literal["start", "end"]
"""The `@` modifier: a Unix time in milliseconds, or an end of the evaluated range."""


WINDOW = 1 << 62
"""Stands where a duration is yet to be chosen: `$window`. No text of a duration is as long."""


@dataclass(frozen=True, slots=True)
class Number(Expr):
    """A literal; NaN equals NaN and 0 is not -0, for texts are compared."""

    value: float

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and repr(self.value) == repr(other.value)

    def __hash__(self) -> int:
        return hash(repr(self.value))


@dataclass(frozen=True, slots=True)
class String(Expr):
    value: str


MatchOp: TypeAlias = Literal["=", "!=", "=~", "!~"]


@dataclass(frozen=True, slots=True)
class Matcher:
    label: str
    op: MatchOp
    value: str


@dataclass(frozen=True, slots=True)
class Seconds:
    """A literal in a computed duration; `unit` where it was written as a duration and not as a number."""

    value: float
    unit: bool = False


@dataclass(frozen=True, slots=True)
class Computed:
    """A duration that depends on the evaluated times: `step()`, `range()`, and what is reckoned with them.

    `op` is one of these, `min_of`, `max_of`, or an operator; `-` with one operand is a sign.
    """

    op: str
    operands: tuple[Computed | Seconds, ...] = ()


Extended: TypeAlias = Literal["anchored", "smoothed"]
"""How a selector looks beyond its edges: at the last sample before, or at the line between those on either side."""


@dataclass(frozen=True, slots=True)
class VectorSelector(Expr):
    """`name{matchers} offset 5m @ 100`. The name stands in `name` where it was written bare or as `{"name"}`.

    Here and below, a `..._expr` gives the duration when it is evaluated (`durations.resolve`), and until then the
    number beside it means nothing.
    """

    name: str | None
    matchers: tuple[Matcher, ...] = ()
    offset: int = 0
    at: At | None = None
    extended: Extended | None = None
    offset_expr: Computed | None = None


@dataclass(frozen=True, slots=True)
class MatrixSelector(Expr):
    """`selector[range]`; offset, `@` and `anchored` or `smoothed` are the selector's."""

    selector: VectorSelector
    range: int
    range_expr: Computed | None = None


@dataclass(frozen=True, slots=True)
class Subquery(Expr):
    """`expr[range:step]`; a step of None is the evaluation interval."""

    expr: Expr
    range: int
    step: int | None = None
    offset: int = 0
    at: At | None = None
    range_expr: Computed | None = None
    step_expr: Computed | None = None
    offset_expr: Computed | None = None


@dataclass(frozen=True, slots=True)
class Call(Expr):
    function: str
    args: tuple[Expr, ...]
    returns: ValueType


@dataclass(frozen=True, slots=True)
class Aggregation(Expr):
    """`op by (grouping) (param, expr)`; without grouping, `by ()`."""

    op: str
    expr: Expr
    param: Expr | None = None
    grouping: tuple[str, ...] = ()
    without: bool = False


Cardinality: TypeAlias = Literal["one-to-one", "many-to-one", "one-to-many", "many-to-many"]


@dataclass(frozen=True, slots=True)
class Matching:
    """How the two sides of a binary operation pair: `on (labels)` or `ignoring (labels)`, and group_left/right.

    many-to-one is `group_left`, one-to-many `group_right`, many-to-many the set operators.
    """

    labels: tuple[str, ...] = ()
    on: bool = False
    cardinality: Cardinality = "one-to-one"
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None

    @property
    def fills(self) -> bool:
        """Whether a missing match is made up."""
        return self.fill_left is not None or self.fill_right is not None


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    """`lhs op rhs`; `returns_bool` is the `bool` modifier. `matching` is the default where none was written."""

    op: str
    lhs: Expr
    rhs: Expr
    returns_bool: bool = False
    matching: Matching = Matching()


@dataclass(frozen=True, slots=True)
class Unary(Expr):
    """`-expr`: the only unary operator that does anything."""

    expr: Expr


@dataclass(frozen=True, slots=True)
class Paren(Expr):
    expr: Expr


COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
SET_OPERATORS = frozenset({"and", "or", "unless"})
ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "^", "atan2"})
TRIMS = frozenset({"</", ">/"})
"""What keeps of a native histogram only what lies below, or above, a number."""


def children(node: Expr) -> tuple[Expr, ...]:
    """The direct sub-expressions, in the order of the text (an aggregation's parameter first)."""
    of = _CHILDREN.get(type(node))
    return of(node) if of else ()


_CHILDREN: Mapping[type[Expr], Callable[[Any], tuple[Expr, ...]]] = {
    MatrixSelector: lambda node: (node.selector,),
    Subquery: lambda node: (node.expr,),
    Unary: lambda node: (node.expr,),
    Paren: lambda node: (node.expr,),
    Aggregation: lambda node: (node.expr,) if node.param is None else (node.param, node.expr),
    Call: lambda node: node.args,
    Binary: lambda node: (node.lhs, node.rhs),
}
"""By type, for every walk over a tree asks for them: a `match` takes four times as long."""


def walk(node: Expr) -> Iterator[Expr]:
    """The node and all below it, parents first."""
    rest = [node]
    while rest:
        node = rest.pop()
        yield node
        rest.extend(reversed(children(node)))


def selectors(node: Expr) -> Iterator[VectorSelector]:
    """Every selector of an expression."""
    return (one for one in walk(node) if isinstance(one, VectorSelector))


def changed(node: Expr, fields: Mapping[str, Any]) -> Expr:
    """The node with other values of fields that its type has; itself where there are none."""
    return replace(node, **fields) if fields else node


def transform(node: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """A copy in which `change` was applied to every node, children first; what did not change is shared."""
    changes: dict[str, object] = {}
    for name in _BELOW.get(type(node), ()):
        old = getattr(node, name)
        new: object = old
        if isinstance(old, Expr):
            new = transform(old, change)
        elif isinstance(old, tuple):
            new = tuple(transform(item, change) for item in old)
            new = old if all(a is b for a, b in zip(new, old, strict=True)) else new
        if new is not old:
            changes[name] = new
    return change(changed(node, changes))


_BELOW: Mapping[type[Expr], tuple[str, ...]] = {
    MatrixSelector: ("selector",),
    Subquery: ("expr",),
    Unary: ("expr",),
    Paren: ("expr",),
    Aggregation: ("expr", "param"),
    Call: ("args",),
    Binary: ("lhs", "rhs"),
}
"""The fields of a node that hold expressions (see `children`)."""


def unwrap(node: Expr) -> Expr:
    """The expression inside any parentheses."""
    while isinstance(node, Paren):
        node = node.expr
    return node


def value_type(node: Expr) -> ValueType:
    """The type of the value that an expression has."""
    match node:
        case Number():
            return ValueType.SCALAR
        case String():
            return ValueType.STRING
        case MatrixSelector() | Subquery():
            return ValueType.MATRIX
        case Call(returns=returns):
            return returns
        case Paren(expr=expr) | Unary(expr=expr):
            return value_type(expr)
        case Binary(lhs=lhs, rhs=rhs):
            both = {value_type(lhs), value_type(rhs)}
            return ValueType.SCALAR if both == {ValueType.SCALAR} else ValueType.VECTOR
    return ValueType.VECTOR
