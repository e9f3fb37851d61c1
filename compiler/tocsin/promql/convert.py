"""The library's trees to those of `ast`, with what it does not keep: places, literals, and what it does not know."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, TypeVar, cast

from tocsin.diagnostics import Problem, ProblemError
from tocsin.labels import NAME
from tocsin.promql.ast import (
    SET_OPERATORS,
    TRIMS,
    Aggregation,
    At,
    Binary,
    Call,
    Cardinality,
    Computed,
    Expr,
    Extended,
    Matching,
    MatrixSelector,
    Number,
    Paren,
    String,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
    unwrap,
    value_type,
)
from tocsin.promql.literals import number_value, string_value, timestamp_value
from tocsin.promql.names import EXTENDABLE, EXTENDED, returns
from tocsin.promql.scan import MAX_DEPTH, too_deep
from tocsin.promql.selectors import set_twice
from tocsin.promql.walk import Walk


def convert(tree: object, walk: Walk) -> Expr:
    """The tree as our own, of all tokens. Raises ProblemError for what the library lets pass."""
    expr = _convert(tree, walk)
    if walk.index < len(walk.tokens):
        walk.unexpected()
    return expr


def _convert(node: Any, walk: Walk) -> Expr:
    """The node as our own, with the tokens read up to its end."""
    walk.depth += 1
    if walk.depth > MAX_DEPTH:
        too_deep(walk.text)
    start = walk.index
    while walk.peek() == "+":
        walk.index += 1
    positive = walk.index > start
    expr: Expr = _READERS[type(node).__name__](node, walk, start)
    if positive and value_type(expr) in (ValueType.MATRIX, ValueType.STRING):
        message = (
            f"unary expression only allowed on expressions of type scalar or instant vector, got `{value_type(expr)}`"
        )
        raise ProblemError(Problem("promql/type", message, walk.span(start)))
    walk.depth -= 1
    return expr


def _number(_: Any, walk: Walk, start: int) -> Number:
    value = walk.sign() * number_value(walk.text, walk.take())
    return Number(value, span=walk.span(start))


def _string(_: Any, walk: Walk, start: int) -> String:
    return String(string_value(walk.text, walk.take()), span=walk.span(start))


def _paren(node: Any, walk: Walk, start: int) -> Paren:
    walk.expect("(")
    expr = _convert(node.expr, walk)
    walk.expect(")")
    return Paren(expr, span=walk.span(start))


def _unary(node: Any, walk: Walk, start: int) -> Unary:
    walk.expect("-")
    return Unary(_convert(node.expr, walk), span=walk.span(start))


def _vector(node: Any, walk: Walk, start: int) -> VectorSelector:
    selector = _modified(_selector(node, walk, start), walk)
    return replace(selector, span=walk.span(start))


def _selector(node: Any, walk: Walk, start: int) -> VectorSelector:
    """The name and the braces."""
    name = walk.take().text if node.name is not None else None
    braces = walk.braces.get(walk.index)
    if braces is None:
        return VectorSelector(name, span=walk.span(start))
    walk.index = braces.end
    second = next((m.value for m in braces.matchers if m.label == NAME), braces.name)
    if name is not None and second is not None:
        walk.refuse(start, set_twice(name, second))
    if name is None and not walk.in_info and braces.matches_everything():
        walk.refuse(start, "vector selector must contain at least one non-empty matcher")
    return VectorSelector(name or braces.name, braces.matchers, span=walk.span(start))


def _matrix(node: Any, walk: Walk, start: int) -> MatrixSelector:
    core = _selector(node.vector_selector, walk, start)
    core = _modified(core, walk)  # `x anchored[5m]` is `x[5m] anchored`
    walk.expect("[")
    range_, computed = _duration(walk)
    walk.expect("]")
    selector = replace(_modified(core, walk), span=core.span)
    return MatrixSelector(selector, range_, computed, span=walk.span(start))


def _subquery(node: Any, walk: Walk, start: int) -> Subquery:
    expr = _convert(node.expr, walk)
    walk.expect("[")
    range_, range_expr = _duration(walk)
    walk.expect(":")
    step, step_expr = (None, None) if walk.peek() == "]" else _duration(walk)
    walk.expect("]")
    subquery = Subquery(expr, range_, step, range_expr=range_expr, step_expr=step_expr)
    return replace(_modified(subquery, walk), span=walk.span(start))


def _duration(walk: Walk) -> tuple[int, Computed | None]:
    """Milliseconds, or what gives them and a millisecond in their place, which divides what they would."""
    found = walk.duration()
    return (found, None) if isinstance(found, int) else (1, found)


Modified = TypeVar("Modified", VectorSelector, Subquery)


def _modified(node: Modified, walk: Walk) -> Modified:
    """The node with its `offset`, `@`, `anchored` and `smoothed`, in any order."""
    while True:
        if walk.accept("@"):
            node = replace(node, at=_at(walk))
        elif walk.accept("offset"):
            offset, computed = _duration(walk)
            node = replace(node, offset=0 if computed else offset, offset_expr=computed)
        elif walk.peek() in EXTENDED:
            node = _extended(node, walk)
        else:
            return node


def _extended(node: Modified, walk: Walk) -> Modified:
    place = walk.index
    word = cast(Extended, walk.take().word)
    if isinstance(node, Subquery):
        walk.refuse(place, f"{word} modifier is not supported for subqueries")
    if node.extended not in (None, word):
        walk.refuse(place, "anchored and smoothed modifiers cannot be used together")
    return replace(node, extended=word)


def _at(walk: Walk) -> At:
    for end in ("start", "end"):
        if walk.accept(end):
            walk.expect("(")
            walk.expect(")")
            return cast(At, end)
    sign = walk.sign()
    return timestamp_value(walk.text, walk.take(), sign)


def _call(node: Any, walk: Walk, start: int) -> Call:
    name = walk.take().text
    outer, walk.in_info = walk.in_info, name == "info"
    args = _arguments(node.args, walk)
    walk.in_info = outer
    if name == "info":
        _check_info(walk, args)
    for argument in args:
        _check_extended(walk, name, argument)
    return Call(name, args, returns(name), span=walk.span(start))


def _check_info(walk: Walk, args: tuple[Expr, ...]) -> None:
    """Only the second argument may select everything, and it must be bare matchers."""
    for labels in args[1:]:
        if labels != VectorSelector(None, getattr(labels, "matchers", ())):
            message = "expected label selectors only as the second argument of `info`"
            raise ProblemError(Problem("promql/type", message, labels.span or walk.span(0)))


def _check_extended(walk: Walk, function: str, argument: Expr) -> None:
    """Whether the function takes a range that reaches beyond its edges; Prometheus finds that when it runs."""
    inner = unwrap(argument)
    word = inner.selector.extended if isinstance(inner, MatrixSelector) else None
    if word is not None and function not in EXTENDABLE[word]:
        takers = ", ".join(sorted(EXTENDABLE[word]))
        message = f"{word} modifier can only be used with: {takers} - not with {function}"
        raise ProblemError(Problem("promql/type", message, argument.span or walk.span(0)))


def _arguments(nodes: list[Any], walk: Walk) -> tuple[Expr, ...]:
    args = []
    walk.expect("(")
    for position, node in enumerate(nodes):
        if position:
            walk.expect(",")
        args.append(_convert(node, walk))
    walk.expect(")")
    return tuple(args)


def _aggregation(node: Any, walk: Walk, start: int) -> Aggregation:
    op = walk.take().word
    grouped = walk.peek() in ("by", "without")
    without, grouping = _grouping(walk) if grouped else (False, ())
    *param, expr = _arguments([node.expr] if node.param is None else [node.param, node.expr], walk)
    if walk.peek() in ("by", "without") and not grouped:
        without, grouping = _grouping(walk)
    return Aggregation(op, expr, param[0] if param else None, grouping, without, span=walk.span(start))


def _grouping(walk: Walk) -> tuple[bool, tuple[str, ...]]:
    return walk.take().word == "without", _labels(walk)


def _labels(walk: Walk) -> tuple[str, ...]:
    labels = []
    walk.expect("(")
    while not walk.accept(")"):
        place, token = walk.index, walk.take()
        label = string_value(walk.text, token) if token.kind == "string" else token.text
        if not label:
            walk.refuse(place, 'invalid label name for grouping: ""')
        labels.append(label)
        walk.accept(",")
    return tuple(labels)


def _binary(node: Any, walk: Walk, start: int) -> Binary:
    lhs = _convert(node.lhs, walk)
    op = walk.take().word
    returns_bool, matching = _matching(walk, op in SET_OPERATORS)
    rhs = _convert(node.rhs, walk)
    if op in TRIMS and value_type(lhs) is value_type(rhs) is ValueType.SCALAR:
        walk.refuse(start, f'operator "{op}" not allowed for Scalar operations', "type")
    return Binary(op, lhs, rhs, returns_bool, matching, span=walk.span(start))


_GROUPS: Final[dict[str, Cardinality]] = {"group_left": "many-to-one", "group_right": "one-to-many"}


def _matching(walk: Walk, is_set: bool) -> tuple[bool, Matching]:
    """Whether `bool` was written, and how the sides pair."""
    returns_bool, on = walk.accept("bool"), walk.peek() == "on"
    labels: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    cardinality: Cardinality = "many-to-many" if is_set else "one-to-one"
    if walk.peek() in ("on", "ignoring"):
        walk.take()
        labels = _labels(walk)
    if walk.peek() in _GROUPS:
        cardinality = _GROUPS[walk.take().word]
        include = _labels(walk) if walk.peek() == "(" else ()
    left, right = _fills(walk)
    return returns_bool, Matching(labels, on, cardinality, include, left, right)


def _fills(walk: Walk) -> tuple[float | None, float | None]:
    left: float | None = None
    right: float | None = None
    while walk.peek() in ("fill", "fill_left", "fill_right") and walk.peek(1) == "(":
        side = walk.take().word
        walk.expect("(")
        value = walk.sign() * number_value(walk.text, walk.take())
        walk.expect(")")
        left = left if side == "fill_right" else value
        right = right if side == "fill_left" else value
    return left, right


_READERS: Final[dict[str, Any]] = {
    "NumberLiteral": _number,
    "StringLiteral": _string,
    "ParenExpr": _paren,
    "UnaryExpr": _unary,
    "VectorSelector": _vector,
    "MatrixSelector": _matrix,
    "SubqueryExpr": _subquery,
    "Call": _call,
    "AggregateExpr": _aggregation,
    "BinaryExpr": _binary,
}
