"""PromQL text to the frozen tree of `ast`, every node with its place.

The library `promql-parser` decides on grammar and types. Its trees hold no places and its lexer, regular expressions
and numbers are not Go's, so it sees the expression with placeholders for its literals, and the values are read from
the tokens, which are walked beside its tree: both are in the order of the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NoReturn, cast

import promql_parser as library

from tocsin.diagnostics import Problem, ProblemError, Span, Text
from tocsin.labels import is_plain_name
from tocsin.promql.ast import (
    SET_OPERATORS,
    Aggregation,
    At,
    Binary,
    Call,
    Cardinality,
    Expr,
    Matching,
    MatrixSelector,
    Number,
    Paren,
    String,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
    value_type,
)
from tocsin.promql.ast import WINDOW as WINDOW
from tocsin.promql.faults import explain, unsupported
from tocsin.promql.literals import duration_value, number_value, string_value, timestamp_value
from tocsin.promql.names import returns
from tocsin.promql.scan import MAX_DEPTH, Token, refuse, scan, too_deep
from tocsin.promql.selectors import Braces, read_braces


def parse(text: Text | str) -> Expr:
    """The tree of an expression, as Prometheus parses it. Raises ProblemError with the place of the fault.

    Set operators have the cardinality many-to-many. Unary plus leaves no node, and a sign before a number is part of
    the number, as in Prometheus. `{"name"}` is a name; `{__name__="name"}` stays a matcher. The place of the selector
    in a range selector is that of its name and braces, for its offset stands after the range.
    """
    return _parse(text, windowed=False)


def parse_windowed(text: Text | str) -> Expr:
    """As `parse`, of text in which `$window` may stand for a duration; there the tree holds `WINDOW`."""
    return _parse(text, windowed=True)


def _parse(given: Text | str, windowed: bool) -> Expr:
    text = Text.of(given) if isinstance(given, str) else given
    tokens = scan(text, windowed)
    if not tokens:
        refuse(text, 0, len(text.value), "no expression found in input")
    unsupported(text, tokens)
    braces = read_braces(text, tokens)
    pieces = _pieces(text, tokens, braces, windowed)
    try:
        tree: object = library.parse("".join(pieces))
    except ValueError as refusal:
        raise explain(text, tokens, pieces, str(refusal), _refusal) from None
    try:
        return _Walk(text, tokens, braces).whole(tree)
    except RecursionError:  # within the limit, but called with little of Python's stack left
        too_deep(text)


def _refusal(text: str) -> str | None:
    """What the library has against a text."""
    try:
        library.parse(text)
    except ValueError as refusal:
        return str(refusal)
    return None


def _pieces(text: Text, tokens: list[Token], braces: dict[int, Braces], windowed: bool) -> list[str]:
    """What the library sees of each token, with a space where there was one."""
    pieces: list[str] = []
    inside = 0
    for index, token in enumerate(tokens):
        if index in braces:
            inside = braces[index].end
        gap = " " if index and tokens[index - 1].end < token.start else ""
        shown = _shown(text, token, windowed)
        pieces.append(gap + ('{_="_"}' if index in braces else "" if index < inside else shown))
    return pieces


_PLACEHOLDERS: Final = {"number": "1", "duration": "1m", "window": "1m"}


def _shown(text: Text, token: Token, windowed: bool) -> str:
    if token.word in ("anchored", "smoothed"):
        return f"_{token.text}"  # as keywords they have been refused, and as names the library does not know them
    if token.kind != "string":
        return _PLACEHOLDERS.get(token.kind, token.text)
    value = string_value(text, token)
    if windowed and "$window" in value:
        refuse(text, token.start, token.end, "`$window` stands for a duration and cannot stand in a string")
    # The library compares the labels of `on` and `group_left`; no other text that is in quotes has a meaning for it.
    return f'"{value}"' if is_plain_name(value) else f'"_{value.encode().hex()}"'


@dataclass(slots=True)
class _Walk:
    """The tokens, and how far they have been read."""

    text: Text
    tokens: list[Token]
    braces: dict[int, Braces]
    index: int = 0
    depth: int = 0
    in_info: bool = False

    def whole(self, tree: object) -> Expr:
        expr = _convert(tree, self)
        if self.index < len(self.tokens):
            self.unexpected()
        return expr

    def peek(self, ahead: int = 0) -> str:
        """The next word, or the one after it; empty before a literal and at the end."""
        index = self.index + ahead
        return self.tokens[index].word if index < len(self.tokens) else ""

    def take(self) -> Token:
        if self.index == len(self.tokens):
            refuse(self.text, len(self.text.value), len(self.text.value), "unexpected end of input")
        self.index += 1
        return self.tokens[self.index - 1]

    def expect(self, word: str) -> None:
        if self.peek() != word:
            self.unexpected()
        self.index += 1

    def accept(self, word: str) -> bool:
        found = self.peek() == word
        self.index += found
        return found

    def sign(self) -> int:
        """The signs before a literal, taken together."""
        sign = 1
        while self.peek() in ("+", "-"):
            sign = -sign if self.take().text == "-" else sign
        return sign

    def span(self, start: int) -> Span:
        """The place of the tokens from `start` to here."""
        return self.text.at(self.tokens[start].start, self.tokens[self.index - 1].end)

    def unexpected(self) -> NoReturn:
        token = self.take()
        refuse(self.text, token.start, token.end, f"unexpected `{token.text}`")


def _convert(node: Any, walk: _Walk) -> Expr:
    """The node as our own, with the tokens read up to its end."""
    walk.depth += 1
    if walk.depth > MAX_DEPTH:
        too_deep(walk.text)
    start = walk.index
    while walk.peek() == "+":
        walk.index += 1
    positive = walk.index > start
    expr: Expr = _READERS[type(node)](node, walk, start)
    if positive and value_type(expr) in (ValueType.MATRIX, ValueType.STRING):
        message = (
            f"unary expression only allowed on expressions of type scalar or instant vector, got {value_type(expr)}"
        )
        raise ProblemError(Problem("promql/type", message, walk.span(start)))
    walk.depth -= 1
    return expr


def _number(_: Any, walk: _Walk, start: int) -> Number:
    value = walk.sign() * number_value(walk.text, walk.take())
    return Number(value, span=walk.span(start))


def _string(_: Any, walk: _Walk, start: int) -> String:
    return String(string_value(walk.text, walk.take()), span=walk.span(start))


def _paren(node: Any, walk: _Walk, start: int) -> Paren:
    walk.expect("(")
    expr = _convert(node.expr, walk)
    walk.expect(")")
    return Paren(expr, span=walk.span(start))


def _unary(node: Any, walk: _Walk, start: int) -> Unary:
    walk.expect("-")
    return Unary(_convert(node.expr, walk), span=walk.span(start))


def _vector(node: Any, walk: _Walk, start: int) -> VectorSelector:
    core = _selector(node, walk, start)
    offset, at = _modifiers(walk)
    return VectorSelector(core.name, core.matchers, offset, at, span=walk.span(start))


def _selector(node: Any, walk: _Walk, start: int) -> VectorSelector:
    """The name and the braces."""
    name = walk.take().text if node.name is not None else None
    braces = walk.braces.get(walk.index)
    if braces is None:
        return VectorSelector(name, span=walk.span(start))
    walk.index = braces.end
    if name is not None and (braces.name is not None or any(m.label == "__name__" for m in braces.matchers)):
        _fail(walk, start, "metric name must not be set twice")
    if name is None and not walk.in_info and braces.matches_everything():
        _fail(walk, start, "vector selector must contain at least one non-empty matcher")
    return VectorSelector(name or braces.name, braces.matchers, span=walk.span(start))


def _matrix(node: Any, walk: _Walk, start: int) -> MatrixSelector:
    core = _selector(node.vector_selector, walk, start)
    walk.expect("[")
    range_ = duration_value(walk.text, walk.take(), positive=True)
    walk.expect("]")
    offset, at = _modifiers(walk)
    selector = VectorSelector(core.name, core.matchers, offset, at, span=core.span)
    return MatrixSelector(selector, range_, span=walk.span(start))


def _subquery(node: Any, walk: _Walk, start: int) -> Subquery:
    expr = _convert(node.expr, walk)
    walk.expect("[")
    range_ = duration_value(walk.text, walk.take(), positive=True)
    walk.expect(":")
    step = None if walk.peek() == "]" else duration_value(walk.text, walk.take(), positive=True)
    walk.expect("]")
    offset, at = _modifiers(walk)
    return Subquery(expr, range_, step, offset, at, span=walk.span(start))


def _modifiers(walk: _Walk) -> tuple[int, At | None]:
    """`offset` in milliseconds and `@`, in any order."""
    offset, at = 0, cast(At | None, None)
    while walk.peek() in ("offset", "@"):
        if walk.take().text == "@":
            at = _at(walk)
        else:
            offset = walk.sign() * duration_value(walk.text, walk.take())
    return offset, at


def _at(walk: _Walk) -> At:
    for end in ("start", "end"):
        if walk.accept(end):
            walk.expect("(")
            walk.expect(")")
            return cast(At, end)
    sign = walk.sign()
    return timestamp_value(walk.text, walk.take(), sign)


def _call(node: Any, walk: _Walk, start: int) -> Call:
    name = walk.take().text
    outer, walk.in_info = walk.in_info, name == "info"
    args = _arguments(node.args, walk)
    walk.in_info = outer
    if name == "info":
        _check_info(walk, args)
    return Call(name, args, returns(name), span=walk.span(start))


def _check_info(walk: _Walk, args: tuple[Expr, ...]) -> None:
    """Only the second argument may select everything, and it must be bare matchers."""
    for labels in args[1:]:
        if labels != VectorSelector(None, getattr(labels, "matchers", ())):
            message = "expected label selectors only as the second argument of `info`"
            raise ProblemError(Problem("promql/type", message, labels.span or walk.span(0)))


def _arguments(nodes: list[Any], walk: _Walk) -> tuple[Expr, ...]:
    args = []
    walk.expect("(")
    for position, node in enumerate(nodes):
        if position:
            walk.expect(",")
        args.append(_convert(node, walk))
    walk.expect(")")
    return tuple(args)


def _aggregation(node: Any, walk: _Walk, start: int) -> Aggregation:
    op = walk.take().word
    grouped = walk.peek() in ("by", "without")
    without, grouping = _grouping(walk) if grouped else (False, ())
    *param, expr = _arguments([node.expr] if node.param is None else [node.param, node.expr], walk)
    if walk.peek() in ("by", "without") and not grouped:
        without, grouping = _grouping(walk)
    return Aggregation(op, expr, param[0] if param else None, grouping, without, span=walk.span(start))


def _grouping(walk: _Walk) -> tuple[bool, tuple[str, ...]]:
    return walk.take().word == "without", _labels(walk)


def _labels(walk: _Walk) -> tuple[str, ...]:
    labels = []
    walk.expect("(")
    while not walk.accept(")"):
        token = walk.take()
        labels.append(string_value(walk.text, token) if token.kind == "string" else token.text)
        walk.accept(",")
    return tuple(labels)


def _binary(node: Any, walk: _Walk, start: int) -> Binary:
    lhs = _convert(node.lhs, walk)
    op = walk.take().word
    returns_bool, matching = _matching(walk, op in SET_OPERATORS)
    rhs = _convert(node.rhs, walk)
    return Binary(op, lhs, rhs, returns_bool, matching, span=walk.span(start))


_GROUPS: Final[dict[str, Cardinality]] = {"group_left": "many-to-one", "group_right": "one-to-many"}


def _matching(walk: _Walk, is_set: bool) -> tuple[bool, Matching]:
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


def _fills(walk: _Walk) -> tuple[float | None, float | None]:
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


def _fail(walk: _Walk, start: int, message: str) -> NoReturn:
    raise ProblemError(Problem("promql/syntax", message, walk.span(start)))


_READERS: Final[dict[type, Any]] = {
    library.NumberLiteral: _number,
    library.StringLiteral: _string,
    library.ParenExpr: _paren,
    library.UnaryExpr: _unary,
    library.VectorSelector: _vector,
    library.MatrixSelector: _matrix,
    library.SubqueryExpr: _subquery,
    library.Call: _call,
    library.AggregateExpr: _aggregation,
    library.BinaryExpr: _binary,
}
