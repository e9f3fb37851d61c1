"""The tree of `ast` to PromQL text, on one line or over several.

The format is that of Prometheus (promql/parser/printer.go, prettier.go), with matchers in the order of the tree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from tocsin.duration import format_duration
from tocsin.labels import is_plain_metric, is_plain_name
from tocsin.labels import quote as json_quote
from tocsin.promql.ast import (
    WINDOW,
    Aggregation,
    At,
    Binary,
    Call,
    Computed,
    Expr,
    Matcher,
    Matching,
    MatrixSelector,
    Number,
    Paren,
    Seconds,
    String,
    Subquery,
    Unary,
    VectorSelector,
    transform,
)
from tocsin.promql.names import UNQUOTABLE


def print_expr(expr: Expr) -> str:
    """The expression on one line. Parentheses stand where the tree has them, or where it would read otherwise."""
    return _line(parenthesize(expr))


def pretty(expr: Expr, width: int = 100) -> str:
    """The expression over as many lines as keep what can be split below `width` columns."""
    return _Layout(width).lines(parenthesize(expr), 0)


def parenthesize(expr: Expr) -> Expr:
    """The expression with a Paren wherever its text would otherwise be read as another expression."""
    return transform(expr, guarded)


_POWER = 6
_UNARY = 5
_PRECEDENCE = {
    **dict.fromkeys(("or",), 1),
    **dict.fromkeys(("and", "unless"), 2),
    **dict.fromkeys(("==", "!=", ">", "<", ">=", "<=", "</", ">/"), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%", "atan2"), 5),
    "^": _POWER,
}
"""How tightly the operators bind; all but `^` associate to the left (the docs on operators)."""


def guarded(node: Expr) -> Expr:
    """The node with a Paren around those of its operands that would otherwise be read as something else."""
    match node:
        case Binary(op=op, lhs=lhs, rhs=rhs):
            own = _PRECEDENCE[op]
            left = _enclosed(lhs, own + (own == _POWER))
            # A sign on the right of an operator binds to what follows it, whatever the operator.
            right = rhs if isinstance(rhs, Unary | Number) else _enclosed(rhs, own + (own != _POWER))
            if left is not lhs or right is not rhs:
                return Binary(op, left, right, node.returns_bool, node.matching, span=node.span)
        case Unary(expr=Number() as number):
            return Unary(Paren(number), span=node.span)
        case Unary(expr=expr) if not isinstance(expr, Unary) and _enclosed(expr, _POWER) is not expr:
            return Unary(Paren(expr), span=node.span)
        case Subquery(expr=Binary() | Unary() | Number() as expr):
            return replace(node, expr=Paren(expr))
    return node


def _enclosed(operand: Expr, least: int) -> Expr:
    """The operand, in parentheses where it binds less tightly than `least`."""
    binds = _POWER + 2
    if isinstance(operand, Binary):
        binds = _PRECEDENCE[operand.op]
    elif isinstance(operand, Unary) or (isinstance(operand, Number) and _number(operand.value)[0] in "+-"):
        binds = _UNARY
    return operand if binds >= least else Paren(operand)


def _print(node: Expr, part: Callable[[Expr], str]) -> str:
    """The node on one line, given the text of each part."""
    match node:
        case Number(value=value):
            return _number(value)
        case String(value=value):
            return quote(value)
        case VectorSelector():
            return _selector(node) + _modifiers(node)
        case MatrixSelector(selector=selector):
            return f"{_selector(selector)}[{_duration(node.range, node.range_expr)}]{_modifiers(selector)}"
        case Subquery(expr=expr):
            return part(expr) + _window(node)
        case Call(function=function, args=args):
            return f"{function}({', '.join(map(part, args))})"
        case Aggregation():
            return f"{_aggregator(node)}({', '.join(map(part, _operands(node)))})"
        case Binary(lhs=lhs, rhs=rhs):
            return f"{part(lhs)} {_operator(node)} {part(rhs)}"
        case Unary(expr=expr):
            return f"-{part(expr)}"
        case Paren(expr=expr):
            return f"({part(expr)})"
    raise TypeError(f"no PromQL for {node!r}")


def _line(node: Expr) -> str:
    return _print(node, _line)


class _Layout:
    """Lays an expression out over lines of a width; the text of each part is made once."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._texts: dict[int, str] = {}

    def lines(self, node: Expr, level: int) -> str:
        indent = "  " * level
        line = self._line(node)
        if len(indent) + len(line) <= self._width:
            return indent + line
        match node:
            case Call(function=function, args=args) if args:
                return self._split(f"{indent}{function}(", args, level)
            case Aggregation():
                return self._split(f"{indent}{_aggregator(node)}(", _operands(node), level)
            case Paren(expr=expr):
                return self._split(f"{indent}(", [expr], level)
            case Binary():
                first, rest = _chain(node)
                lines = [self.lines(first, level + 1)]
                for link in rest:
                    lines += [indent + _operator(link), self.lines(link.rhs, level + 1)]
                return "\n".join(lines)
            case Unary(expr=expr):
                return f"{indent}-{self.lines(expr, level).lstrip()}"
            case Subquery(expr=expr):
                return self.lines(expr, level) + _window(node)
        return indent + line

    def _line(self, node: Expr) -> str:
        """The text on one line. Parts are known by their identity: all of them live as long as the whole."""
        if (found := self._texts.get(id(node))) is None:
            found = self._texts[id(node)] = _print(node, self._line)
        return found

    def _split(self, head: str, parts: Iterable[Expr], level: int) -> str:
        """The parts a level deeper between `head` and a parenthesis, each on lines of its own."""
        body = ",\n".join(self.lines(part, level + 1) for part in parts)
        return f"{head}\n{body}\n{'  ' * level})"


def _chain(node: Binary) -> tuple[Expr, list[Binary]]:
    """The first operand of operators that bind alike, and the operators: they stand in one column."""
    links: list[Binary] = []
    first: Expr = node
    while isinstance(first, Binary) and (not links or _PRECEDENCE[first.op] == _PRECEDENCE[node.op] != _POWER):
        links.append(first)
        first = first.lhs
    return first, links[::-1]


def quote(text: str) -> str:
    """A string in double quotes; the replacement character only as an escape, for Prometheus refuses it bare."""
    return json_quote(text).replace("�", "\\ufffd")


def _number(value: float) -> str:
    """The shortest digits that read back as the value, without an exponent (Go `FormatFloat(v, 'f', -1, 64)`)."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return format(Decimal(repr(value)), "f").removesuffix(".0")


def _duration(ms: int, computed: Computed | None = None) -> str:
    if computed is not None:
        return _computed(computed, 0)
    return {WINDOW: "$window", -WINDOW: "-$window"}.get(ms) or format_duration(ms)


def _computed(duration: Computed | Seconds, least: int) -> str:
    """A duration, in parentheses where it binds less tightly than `least`."""
    match duration:
        case Seconds(value=value, unit=unit):
            text = format_duration(round(value * 1000)) if unit else _number(value)
            binds = _UNARY if value < 0 else _POWER + 1
        case Computed(op="-", operands=(operand,)):
            text, binds = f"-{_computed(operand, _POWER)}", _UNARY
        case Computed(op=op, operands=(left, right)) if op in _PRECEDENCE:
            binds = _PRECEDENCE[op]
            text = f"{_computed(left, binds + (op == '^'))} {op} {_computed(right, binds + (op != '^'))}"
        case Computed(op=op, operands=operands):
            return f"{op}({', '.join(_computed(operand, 0) for operand in operands)})"
    return text if binds >= least else f"({text})"


def _offset(node: VectorSelector | Subquery) -> str:
    """The offset, in parentheses unless it is a literal or a call, perhaps signed."""
    match node.offset_expr:
        case None:
            return f" offset {_duration(node.offset)}" if node.offset else ""
        case Computed(op="-", operands=(operand,)):
            return f" offset -{_computed(operand, _POWER + 1)}"
        case computed:
            return f" offset {_computed(computed, _POWER + 1)}"


def _selector(selector: VectorSelector) -> str:
    """The name and the matchers. A name that cannot stand bare stands quoted in the braces."""
    name = selector.name
    bare = name is not None and is_plain_metric(name) and name.lower() not in UNQUOTABLE
    matchers = [_matcher(matcher) for matcher in selector.matchers]
    if name is not None and not bare:
        matchers.insert(0, quote(name))
    braces = "{" + ",".join(matchers) + "}" if matchers or name is None else ""
    return f"{name if bare else ''}{braces}"


@lru_cache(4096)
def _matcher(matcher: Matcher) -> str:
    return f"{_label(matcher.label)}{matcher.op}{quote(matcher.value)}"


def _label(label: str) -> str:
    return label if is_plain_name(label) else quote(label)


def _labels(labels: Iterable[str]) -> str:
    # Not bare in a list of labels, where they are numbers (lex.go, `key`).
    shown = (quote(label) if label.lower() in ("inf", "nan") else _label(label) for label in labels)
    return f"({', '.join(shown)})"


def _modifiers(node: VectorSelector | Subquery) -> str:
    extended = f" {node.extended}" if isinstance(node, VectorSelector) and node.extended else ""
    return f"{extended}{_at(node.at)}{_offset(node)}"


def _at(at: At | None) -> str:
    if at is None:
        return ""
    if isinstance(at, str):
        return f" @ {at}()"
    seconds, ms = divmod(abs(at), 1000)
    return f" @ {'-' if at < 0 else ''}{seconds}.{ms:03}"


def _window(node: Subquery) -> str:
    step = "" if node.step is None else _duration(node.step, node.step_expr)
    return f"[{_duration(node.range, node.range_expr)}:{step}]{_modifiers(node)}"


def _aggregator(node: Aggregation) -> str:
    if not node.grouping and not node.without:
        return node.op
    return f"{node.op} {'without' if node.without else 'by'} {_labels(node.grouping)} "


def _operands(node: Aggregation) -> tuple[Expr, ...]:
    return (node.expr,) if node.param is None else (node.param, node.expr)


def _operator(node: Binary) -> str:
    return f"{node.op}{' bool' if node.returns_bool else ''}{_matching(node.matching)}"


def _matching(matching: Matching) -> str:
    grouped = matching.cardinality in ("many-to-one", "one-to-many")
    text = ""
    if matching.labels or matching.on or grouped:
        text += f" {'on' if matching.on else 'ignoring'} {_labels(matching.labels)}"
    if grouped:
        text += f" group_{'left' if matching.cardinality == 'many-to-one' else 'right'} {_labels(matching.include)}"
    return text + _fills(matching.fill_left, matching.fill_right)


def _fills(left: float | None, right: float | None) -> str:
    if left is not None and right is not None and repr(left) == repr(right):
        return f" fill ({_number(left)})"
    sides = (("left", left), ("right", right))
    return "".join(f" fill_{side} ({_number(value)})" for side, value in sides if value is not None)
