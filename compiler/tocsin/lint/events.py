"""What one event does to an expression that counts events."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tocsin.promql.ast import Aggregation, Binary, Call, Expr, MatrixSelector, VectorSelector, transform, unwrap, walk
from tocsin.promql.compare import constant


@dataclass(frozen=True, slots=True)
class Count:
    """The least value that one event gives, and for how many milliseconds (None: for ever, as in a raw counter).

    An `exact` value is never more; an increase is extrapolated to the edges of its window. A share of all events is a
    little off `value`, where no event counts, or off `whole`, where all others do.
    """

    value: float
    window: int | None
    exact: bool = False
    whole: float | None = None


_COUNTER_SUFFIXES = ("_total", "_count", "_bucket")


_EVENTS = re.compile(
    r"request|response|error|exception|fail|timeout|panic|crash|kill|abort|reject|drop|discard|retr(y|ies)|event"
    r"|call|message|restart|reset|reload|trip|evict|denied|invalid|lost|corrupt|conflict|scrape|attempt|query|queries",
    re.IGNORECASE,
)
"""What happens, and can be counted. `drives_offline_total` counts what there is now, whatever its suffix says."""


def is_counter(selector: VectorSelector) -> bool:
    """Whether a metric's name says that it only rises."""
    return (selector.name or "").endswith(_COUNTER_SUFFIXES)


def one_event(expr: Expr) -> Count | None:
    """What a single event makes of the value, or None where the value does not count events."""
    node = unwrap(expr)
    match node:
        case VectorSelector() if is_counter(node) and _EVENTS.search(node.name or ""):
            return Count(1.0, None, exact=True)
        case Call(function="increase" | "delta", args=(MatrixSelector() as read,)):
            return Count(1.0, read.range)
        case Call(function="changes" | "resets", args=(MatrixSelector() as read,)):
            return Count(1.0, read.range, exact=True)
        case Call(function="rate", args=(MatrixSelector() as read,)):
            return Count(1000 / read.range, read.range)
        case Call(function="ceil" | "floor" | "round" | "abs", args=(inner, *_)):
            return one_event(inner)
        case Aggregation(op="sum" | "max" | "avg" | "min", expr=inner):
            return one_event(inner)
        case Binary(op="or", lhs=lhs):
            return one_event(lhs)
        case Binary(op="-", lhs=lhs, rhs=rhs):
            return _rest(constant(lhs), one_event(rhs)) or _since(unwrap(lhs), unwrap(rhs))
        case Binary(op="*" | "/" as op, lhs=lhs, rhs=rhs):
            return _scaled(one_event(lhs), op, constant(rhs)) or _mirrored(node) or _share(node)
    return None


def _since(now: Expr, before: Expr) -> Count | None:
    """What a counter rose by, as in `x - x offset 5m`."""
    offsets = {node.offset for node in walk(before) if isinstance(node, VectorSelector)}
    same = transform(before, lambda node: replace(node, offset=0) if isinstance(node, VectorSelector) else node)
    count = one_event(now)
    if count is None or count.window is not None or same != now or max(offsets) <= 0:
        return None
    return replace(count, window=max(offsets))


def _scaled(count: Count | None, op: str, factor: float | None) -> Count | None:
    if count is None or not factor:
        return None
    factor = factor if op == "*" else 1 / factor
    return replace(count, value=count.value * factor, whole=None if count.whole is None else count.whole * factor)


def _rest(whole: float | None, count: Count | None) -> Count | None:
    """What a share leaves, as in `1 - x`."""
    if whole is None or count is None or count.whole is None:
        return None
    return replace(count, value=whole - count.whole, whole=whole - count.value)


def _mirrored(node: Binary) -> Count | None:
    """A factor that stands first, as in `100 * x`."""
    return _scaled(one_event(node.rhs), "*", constant(node.lhs)) if node.op == "*" else None


def _share(node: Binary) -> Count | None:
    """A share of events: one among many makes it more than zero, and nothing more is certain."""
    count, total = one_event(node.lhs), one_event(_unfiltered(node.rhs))
    return Count(0.0, count.window, whole=1.0) if node.op == "/" and count and total else None


def _unfiltered(expr: Expr) -> Expr:
    """The value under a filter such as `total > 0`."""
    node = unwrap(expr)
    return node.lhs if isinstance(node, Binary) and constant(node.rhs) is not None else node
