"""An expression to whether it has a result: never, always, or as the data will have it.

`up > 1` never has one, `vector(1)` always has, and what is made from these goes the same way: a sum of nothing is
nothing, and `absent` turns it round.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from tocsin.lint.bounds import Interval, bounds
from tocsin.lint.labels import NOTHING, Flow, flow, matched
from tocsin.lint.memo import once
from tocsin.promql.ast import (
    COMPARISONS,
    Aggregation,
    Binary,
    Call,
    Expr,
    Matcher,
    MatrixSelector,
    Number,
    Paren,
    String,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
    children,
    value_type,
)
from tocsin.promql.match import accepts, matchers_of

Presence = Literal["never", "always", "sometimes"]
_TURNED: dict[Presence, Presence] = {"never": "always", "always": "never", "sometimes": "sometimes"}


@once
def presence(expr: Expr) -> Presence:
    """Whether an expression has a result: at all times, at none, or at some."""
    match expr:
        case Number() | String():
            return "always"
        case VectorSelector():
            return "never" if contradiction(expr) else "sometimes"
        case Paren(expr=inner) | Unary(expr=inner):
            return presence(inner)
        case MatrixSelector(selector=inner) | Subquery(expr=inner):
            return "never" if presence(inner) == "never" else "sometimes"
        case Aggregation(expr=inner, op=op):
            inside = presence(inner)
            chosen = op in ("topk", "bottomk", "limitk", "limit_ratio", "count_values")
            return "sometimes" if chosen and inside == "always" else inside
        case Call(function="absent" | "absent_over_time", args=(inner,)):
            return _TURNED[presence(inner)]
        case Call(function="scalar"):
            return "always"
        case Call(function=function, args=args):
            parts = {presence(arg) for arg in args}
            picks = function.startswith("histogram_") or function == "info"
            return "never" if "never" in parts else "sometimes" if picks or "sometimes" in parts else "always"
        case Binary():
            return _binary(expr)
    return "sometimes"


def _binary(node: Binary) -> Presence:
    left, right = presence(node.lhs), presence(node.rhs)
    if node.op == "or":
        return "always" if "always" in (left, right) else "never" if left == right == "never" else "sometimes"
    if node.op == "unless":
        return left if right == "never" or left == "never" else "sometimes"
    if value_type(node) is ValueType.SCALAR:
        return "always"
    if "never" in (left, right) and not node.matching.fills:
        return "never"
    both: Presence = "always" if left == right == "always" and _meet(node) else "sometimes"
    if node.op not in COMPARISONS or node.returns_bool:
        return both
    decided = compared(node)
    return both if decided == "always" else decided


def _meet(node: Binary) -> bool:
    """Whether two sides that are always there surely pair: one is a number, or neither has labels."""
    sides = [side for side in (node.lhs, node.rhs) if value_type(side) is not ValueType.SCALAR]
    return len(sides) < 2 or all(flow(side) == NOTHING for side in sides)


def compared(node: Binary) -> Presence:
    """What a comparison leaves of the values that its sides can have."""
    return outcome(node.op, bounds(node.lhs), bounds(node.rhs))


def outcome(op: str, left: Interval, right: Interval) -> Presence:
    """Whether `left op right` is true of no values, of all, or of some. NaN is not asked: only `!=` is true of it."""
    match op:
        case ">" | "<":
            low, high = (left, right) if op == ">" else (right, left)
            return "never" if low.high <= high.low else "always" if low.low > high.high else "sometimes"
        case ">=" | "<=":
            low, high = (left, right) if op == ">=" else (right, left)
            return "never" if low.high < high.low else "always" if low.low >= high.high else "sometimes"
        case "==":
            apart = left.high < right.low or right.high < left.low
            return "never" if apart else "always" if left.single and left == right else "sometimes"
        case "!=":
            apart = left.high < right.low or right.high < left.low
            return "always" if apart else "sometimes"
    return "sometimes"


def contradiction(selector: VectorSelector) -> Matcher | None:
    """A matcher that no series meets which meets the others, as in `{a="x", a!="x"}`."""
    matchers = matchers_of(selector)
    for wanted in matchers:
        if wanted.op == "=" and any(o.label == wanted.label and not accepts(o, wanted.value) for o in matchers):
            return wanted
        negation = {"=~": "!~", "!~": "=~"}.get(wanted.op)
        if negation and any((o.label, o.op, o.value) == (wanted.label, negation, wanted.value) for o in matchers):
            return wanted
    return None


def dead(expr: Expr) -> Iterator[Expr]:
    """The innermost parts of an expression that never have a result, each of which is at fault by itself."""
    below = [part for child in children(expr) for part in dead(child)]
    yield from below
    if not below and presence(expr) == "never":
        yield expr


# --- two sides that cannot pair ---------------------------------------------------------------------------------------


def mismatch(node: Binary) -> str | None:
    """A label that keeps the two sides of a binary operation from ever pairing; None where nothing is sure.

    Every series of one side has it, and no series of the other can, or they have other values of it.
    """
    if ValueType.SCALAR in (value_type(node.lhs), value_type(node.rhs)):
        return None
    left, right, names = flow(node.lhs), flow(node.rhs), matched(node)
    either = sorted(name for name in left.must | right.must if name in names)
    return next((name for name in either if _apart(name, left, right)), None)


def _apart(name: str, left: Flow, right: Flow) -> bool:
    if name not in left.may or name not in right.may:
        return True
    return name in left.fixed and name in right.fixed and left.fixed[name] != right.fixed[name]
