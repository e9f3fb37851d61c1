"""What one event does to an expression that counts events."""

from __future__ import annotations

import re
from dataclasses import replace

from tocsin.dataclass import dataclass
from tocsin.promql.ast import Aggregation, Binary, Call, Expr, MatrixSelector, VectorSelector, unwrap
from tocsin.promql.compare import constant


@dataclass(frozen=True, slots=True)
class Count:
    """The least value that one event gives, and for how many milliseconds (None: for ever, as in a raw counter).

    An `exact` value is never more; an increase is extrapolated to the edges of its window.
    """

    value: float
    window: int | None
    exact: bool = False


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
        case Binary(op="*" | "/" as op, lhs=lhs, rhs=rhs):
            return _scaled(one_event(lhs), op, constant(rhs)) or _mirrored(node) or _share(node)
    return None


def _scaled(count: Count | None, op: str, factor: float | None) -> Count | None:
    if count is None or not factor:
        return None
    return replace(count, value=count.value * factor if op == "*" else count.value / factor)


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
