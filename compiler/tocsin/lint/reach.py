"""Whether a comparison can come out both ways, given the values that its left side can have."""

from __future__ import annotations

from typing import Literal

from tocsin.lint.api import Subject
from tocsin.lint.bounds import ANY, Interval, bounds
from tocsin.promql.ast import Binary, Call, Expr, VectorSelector, unwrap, walk
from tocsin.promql.compare import Comparison

Outcome = Literal["never", "always", "sometimes"]


def reach(found: Comparison, subject: Subject) -> Interval:
    """The values that a comparison's left side can have: by its form, and by the kind of indicator it was made from."""
    formal, kind = bounds(found.value), reach_of_kind(found, subject)
    return Interval(max(kind.low, formal.low), min(kind.high, formal.high))


def reach_of_kind(found: Comparison, subject: Subject) -> Interval:
    """The values that an indicator's kind can have, where the comparison's left side was made from one."""
    if subject.planned is None or subject.planned.value is None or found.value != unwrap(subject.planned.value):
        return ANY
    return Interval(*subject.planned.indicator.bounds)


def outcome(found: Comparison, limits: Interval) -> Outcome:
    """Whether the comparison is true of no value, of every value, or of some."""
    low, high, threshold = limits.low, limits.high, found.threshold
    match found.op:
        case ">":
            return "never" if high <= threshold else "always" if low > threshold else "sometimes"
        case ">=":
            return "never" if high < threshold else "always" if low >= threshold else "sometimes"
        case "<":
            return "never" if low >= threshold else "always" if high < threshold else "sometimes"
        case "<=":
            return "never" if low > threshold else "always" if high <= threshold else "sometimes"
        case "==":
            return "never" if not low <= threshold <= high else "always" if low == high else "sometimes"
        case "!=":
            return "never" if low == high == threshold else "always" if not low <= threshold <= high else "sometimes"
    return "sometimes"


def nothing_left(first: Comparison, second: Comparison) -> bool:
    """Whether no value meets both comparisons."""
    if first.op in ("<", "<="):
        first, second = second, first
    if first.op in (">", ">=") and second.op in ("<", "<="):
        strict = ">" in (first.op,) or second.op == "<"
        return first.threshold > second.threshold or (strict and first.threshold == second.threshold)
    return first.op == second.op == "==" and first.threshold != second.threshold


def has_condition(expr: Expr) -> bool:
    """Whether anything in an expression can leave series out: a filter, a set operator, `absent`."""
    return any(
        (isinstance(node, Binary) and (node.op in ("and", "unless") or (node.op in _FILTERS and not node.returns_bool)))
        or (isinstance(node, Call) and node.function in ("absent", "absent_over_time"))
        or (isinstance(node, VectorSelector) and node.name in ("ALERTS", None))
        for node in walk(expr)
    )


_FILTERS = frozenset({"==", "!=", ">", "<", ">=", "<="})
