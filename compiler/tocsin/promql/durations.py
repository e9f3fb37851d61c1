"""Durations as PromQL writes them, literal or computed: tokens to milliseconds, or to what gives them when evaluated.

The grammar is that of `duration_expr` and `offset_duration_expr` (prometheus/promql/parser/generated_parser.y): in
brackets any arithmetic; after `offset` a literal, a call or something in parentheses, so that `x offset 5m + 1` is a
sum. What is constant is milliseconds at once.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from tocsin.diagnostics import Problem, ProblemError, Text
from tocsin.promql.ast import Computed, Expr, MatrixSelector, Seconds, Subquery, VectorSelector, changed, transform
from tocsin.promql.literals import duration_value, number_value
from tocsin.promql.print import print_expr
from tocsin.promql.scan import MAX_DEPTH, Token, described, refuse


@dataclass(frozen=True, slots=True)
class Duration:
    """What was written; `end` is the index of the token after it."""

    value: int | Computed
    end: int


def read_durations(text: Text, tokens: Sequence[Token], postfixes: frozenset[int]) -> dict[int, Duration]:
    """The durations of an expression by the index of their first token. Raises ProblemError."""
    found: dict[int, Duration] = {}
    end = len(text.value)
    tokens = [*tokens, Token("symbol", "", end, end, "")]
    for index, token in enumerate(tokens):
        if token.text == "[":
            found[index + 1] = range_ = _Reader(text, tokens, index + 1, _RANGE).positive()
            after = _after_range(text, tokens, index, range_.end)
            if tokens[after].text != "]":
                found[after] = step = _Reader(text, tokens, after, _STEP).positive()
                _expect(text, tokens[index : step.end + 1], ("]",), "subquery selector")
        elif index in postfixes and token.word == "offset":
            found[index + 1] = _Reader(text, tokens, index + 1, _OFFSET).after_offset()
    return found


_RANGE = "subquery or range selector, expected number, duration, step(), or range()"
_STEP = "subquery selector, expected number, duration, step(), range(), or `]`"
_OFFSET = "offset, expected number, duration, step(), or range()"


def _after_range(text: Text, tokens: Sequence[Token], bracket: int, end: int) -> int:
    """The index after the colon of a subquery, else of the closing bracket."""
    token = tokens[end]
    if token.text == "::":
        refuse(text, token.start, token.end, "aligned subqueries are not supported", "unsupported")
    _expect(text, tokens[bracket : end + 1], (":", "]"), "subquery or range")
    return end + (token.text == ":")


def _expect(text: Text, tokens: Sequence[Token], words: tuple[str, ...], context: str) -> None:
    """Refuse the last of the tokens, the first of which is the opening bracket, where it is none of these."""
    token = tokens[-1]
    if token.text not in words:
        _check_known(text, tokens)
        expected = " or ".join(f"`{word}`" for word in words)
        _unexpected(text, token, f"{context}, expected {expected}")


_ALONE, _OF_TWO = ("step", "range"), ("min_of", "max_of")
_NUMBERS = ("number", "duration", "window")


def _check_known(text: Text, tokens: Sequence[Token]) -> None:
    """Refuse the last token as Prometheus's lexer does, which knows few characters in brackets, and other ones once it
    has seen a number (promql/parser/lex.go, `lexDurationExpr` and `lexStatements`).
    """
    token = tokens[-1]
    if any(one.kind in _NUMBERS for one in tokens[:-1]):
        message = "unexpected character: {!r}, expected ':'" if token.kind == "identifier" else ""
    else:
        known = token.kind in _NUMBERS or token.word in _ALONE + _OF_TWO or token.text[:1] in "]:()+-*/%^,"
        message = "" if known else "unexpected character in duration expression: {!r}"
    if message:
        refuse(text, token.start, token.end, message.format(token.text[0]))


def _unexpected(text: Text, token: Token, where: str) -> NoReturn:
    refuse(text, token.start, token.end, f"unexpected {described(token)} in {where}")


_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "^": 3}
_SIGN = 2
"""A sign binds as tightly as `*`, and its operand takes all that binds more tightly."""


@dataclass(slots=True)
class _Reader:
    """A duration that starts at a token; `where` says what is expected there."""

    text: Text
    tokens: Sequence[Token]
    index: int
    where: str

    def positive(self) -> Duration:
        """`positive_duration_expr`."""
        first = self.tokens[self.index]
        if first.kind in ("number", "duration", "window") and self._peek(1).text in (":", "]", "::"):
            return Duration(duration_value(self.text, first, positive=True), self.index + 1)
        start = self.index
        return self._whole(self.expression(), start, positive=True)

    def after_offset(self) -> Duration:
        """`offset_duration_expr`."""
        start, sign = self.index, 1
        if self._peek().text in ("+", "-"):
            sign = -1 if self._take().text == "-" else 1
        if self._peek().kind in ("number", "duration", "window"):
            token = self._take()
            return Duration(sign * duration_value(self.text, token), self.index)
        value = self.primary()
        return self._whole(_signed("-", value) if sign < 0 else value, start)

    def expression(self, least: int = 1) -> Computed | Seconds:
        """`duration_expr`, of operators that bind no less tightly than `least`."""
        left = self.unary()
        while (binds := _BINDS.get(self._peek().text, 0)) >= least:
            sign = self._take()
            right = self.expression(binds + (sign.text != "^"))
            if sign.text in _BY_ZERO and isinstance(right, Seconds) and right.value == 0:
                refuse(self.text, sign.start, sign.end, _BY_ZERO[sign.text])
            left = Computed(sign.text, (left, right))
        return left

    def unary(self) -> Computed | Seconds:
        if self._peek().text not in ("+", "-"):
            return self.primary()
        sign = self._take().text
        return _signed(sign, self.expression(_SIGN + 1))

    def primary(self) -> Computed | Seconds:
        token = self._take()
        if token.kind == "window":
            refuse(self.text, token.start, token.end, "`$window` cannot be reckoned with, it stands alone")
        if token.kind in ("number", "duration"):
            if token.kind == "number":
                duration_value(self.text, token)  # refuses what is out of range
            return Seconds(number_value(self.text, token), token.kind == "duration")
        if token.word in _ALONE:
            self._symbol("(")
            self._symbol(")")
            return Computed(token.word)
        if token.word in _OF_TWO:
            return Computed(token.word, self._pair())
        if token.text != "(":
            self._refuse(token)
        inner = self.expression()
        self._symbol(")")
        return inner

    def _pair(self) -> tuple[Computed | Seconds, Computed | Seconds]:
        self._symbol("(")
        left = self.expression()
        self._symbol(",")
        right = self.expression()
        self._symbol(")")
        return left, right

    def _whole(self, value: Computed | Seconds, start: int, positive: bool = False) -> Duration:
        """Milliseconds, unless it takes the evaluated times to know them."""
        first, last = self.tokens[start], self.tokens[self.index - 1]
        if self.index - start > MAX_DEPTH:
            message = f"the duration has {self.index - start} parts, at most {MAX_DEPTH} are read"
            refuse(self.text, first.start, last.end, message, "too-deep")
        if not _is_constant(value):
            assert isinstance(value, Computed)
            return Duration(value, self.index)
        try:
            return Duration(milliseconds(value, positive), self.index)
        except ValueError as fault:
            refuse(self.text, first.start, last.end, str(fault))

    def _peek(self, ahead: int = 0) -> Token:
        return self.tokens[self.index + ahead]

    def _take(self) -> Token:
        token = self._peek()
        if not token.text:
            self._refuse(token)
        self.index += 1
        return token

    def _symbol(self, symbol: str) -> None:
        if self._peek().text != symbol:
            self._refuse(self._peek())
        self.index += 1

    def _refuse(self, token: Token) -> NoReturn:
        if self.where != _OFFSET:
            here = next(index for index, one in enumerate(self.tokens) if one.start == token.start)
            bracket = max(index for index in range(here) if self.tokens[index].text == "[")
            _check_known(self.text, self.tokens[bracket : here + 1])
        _unexpected(self.text, token, self.where)


def _signed(sign: str, operand: Computed | Seconds) -> Computed | Seconds:
    if sign == "+":
        return operand
    return replace(operand, value=-operand.value) if isinstance(operand, Seconds) else Computed("-", (operand,))


def _is_constant(value: Computed | Seconds) -> bool:
    if isinstance(value, Seconds):
        return True
    return value.op not in ("step", "range") and all(map(_is_constant, value.operands))


def milliseconds(value: Computed | Seconds, positive: bool, step: int = 0, span: int = 0) -> int:
    """A duration where the step and the range of the evaluation are these milliseconds. Raises ValueError.

    Prometheus reckons in seconds and cuts to milliseconds (promql/durations.go).
    """
    seconds = _seconds(value, step / 1000, span / 1000)
    if positive and seconds <= 0:
        raise ValueError("duration must be greater than 0")
    if not abs(seconds) * 1e9 < 2**63:
        raise ValueError("duration is out of range")
    return int(seconds * 1000)


_BY_ZERO = {"/": "division by zero", "%": "modulo by zero"}


def _seconds(value: Computed | Seconds, step: float, span: float) -> float:
    if isinstance(value, Seconds):
        return value.value
    match value.op, [_seconds(operand, step, span) for operand in value.operands]:
        case "step", _:
            return step
        case "range", _:
            return span
        case "-", [operand]:
            return -operand
        case ("/" | "%") as op, [_, 0.0]:
            raise ValueError(_BY_ZERO[op])
        case op, [left, right]:
            return math.nan if math.isnan(left + right) else _OPERATIONS[op](left, right)
    raise TypeError(f"no duration: {value!r}")


def _power(base: float, exponent: float) -> float:
    """Go `math.Pow`, but for the sign of an infinity: none of them is a duration."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan


_OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": math.fmod,
    "^": _power,
    "min_of": min,
    "max_of": max,
}


def resolve(expr: Expr, step: int = 0, span: int = 0) -> Expr:
    """The expression with its computed durations as they are where it is evaluated every `step` over `span`, both in
    milliseconds and 0 for an instant query, such as a rule's. Raises ProblemError where one is no duration then.
    """

    def reckon(node: Expr) -> Expr:
        if not isinstance(node, VectorSelector | MatrixSelector | Subquery):
            return node
        changes: dict[str, object] = {}
        for name in ("range", "step", "offset"):
            computed = getattr(node, f"{name}_expr", None)
            if computed is not None:
                changes |= {name: _reckoned(computed, name != "offset", step, span, node, expr), f"{name}_expr": None}
        return changed(node, changes)

    return transform(expr, reckon)


def _reckoned(computed: Computed, positive: bool, step: int, span: int, node: Expr, whole: Expr) -> int:
    try:
        return milliseconds(computed, positive, step, span)
    except ValueError as fault:
        place = node.span or whole.span or Text.of(print_expr(whole)).span
        help = "`step()` and `range()` are 0 in a rule and in an instant query" if step == span == 0 else ""
        raise ProblemError(Problem("promql/duration", str(fault), place, help=help)) from None
