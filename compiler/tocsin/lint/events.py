"""What one event does to an expression that counts events."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.promql.ast import Aggregation, Binary, Call, Expr, MatrixSelector, VectorSelector, unwrap
from tocsin.promql.compare import constant


@dataclass(frozen=True, slots=True)
class Count:
    """The least value that one event gives, and for how many milliseconds (None: for ever, as in a raw counter)."""

    value: float
    window: int | None


_COUNTER_SUFFIXES = ("_total", "_count", "_bucket")


def is_counter(selector: VectorSelector) -> bool:
    """Whether a metric's name says that it only rises."""
    return (selector.name or "").endswith(_COUNTER_SUFFIXES)


def one_event(expr: Expr) -> Count | None:
    """What a single event makes of the value, or None where the value does not count events."""
    node = unwrap(expr)
    match node:
        case VectorSelector() if is_counter(node):
            return Count(1.0, None)
        case Call(function="increase" | "changes" | "resets" | "delta", args=(MatrixSelector() as read,)):
            return Count(1.0, read.range)
        case Call(function="rate", args=(MatrixSelector() as read,)):
            return Count(1000 / read.range, read.range)
        case Call(function="ceil" | "floor" | "round" | "abs", args=(inner, *_)):
            return one_event(inner)
        case Aggregation(op="sum" | "max" | "avg" | "min", expr=inner):
            return one_event(inner)
        case Binary(op="or", lhs=lhs):
            return one_event(lhs)
        case Binary(op="*" | "/" as op, lhs=lhs, rhs=rhs):
            return _scaled(one_event(lhs), op, constant(rhs)) or _mirrored(node) or _share(node)
    return None


def _scaled(count: Count | None, op: str, factor: float | None) -> Count | None:
    if count is None or not factor:
        return None
    return Count(count.value * factor if op == "*" else count.value / factor, count.window)


def _mirrored(node: Binary) -> Count | None:
    """A factor that stands first, as in `100 * x`."""
    return _scaled(one_event(node.rhs), "*", constant(node.lhs)) if node.op == "*" else None


def _share(node: Binary) -> Count | None:
    """A share of events: one among many makes it more than zero, and nothing more is certain."""
    count, total = one_event(node.lhs), one_event(_unfiltered(node.rhs))
    return Count(0.0, count.window) if node.op == "/" and count and total else None


def _unfiltered(expr: Expr) -> Expr:
    """The value under a filter such as `total > 0`."""
    node = unwrap(expr)
    return node.lhs if isinstance(node, Binary) and constant(node.rhs) is not None else node
