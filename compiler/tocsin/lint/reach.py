"""Whether a comparison can come out both ways, given the values that its left side can have."""

from __future__ import annotations

from tocsin.lint import presence
from tocsin.lint.api import Subject
from tocsin.lint.bounds import ANY, Interval, bounds
from tocsin.lint.memo import walked
from tocsin.lint.metrics import is_renamed
from tocsin.lint.presence import Presence
from tocsin.promql.ast import Binary, Call, Expr, VectorSelector, unwrap
from tocsin.promql.compare import Comparison


def reach(found: Comparison, subject: Subject) -> Interval:
    """The values that a comparison's left side can have: by its form, and by the kind of indicator it was made from."""
    formal = ANY if is_renamed(found.value, subject.settings.metrics) else bounds(found.value)
    return formal & reach_of_kind(found, subject)


def reach_of_kind(found: Comparison, subject: Subject) -> Interval:
    """The values that an indicator's kind can have, where the comparison's left side was made from one."""
    if subject.planned is None or subject.planned.value is None or found.value != unwrap(subject.planned.value):
        return ANY
    return Interval(*subject.planned.indicator.bounds)


def outcome(found: Comparison, limits: Interval) -> Presence:
    """Whether the comparison is true of no value, of every value, or of some."""
    threshold = Interval(found.threshold, found.threshold)
    if found.op == "!=" and limits == threshold:
        return "never"
    return presence.outcome(found.op, limits, threshold)


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
        for node in walked(expr)
    )


_FILTERS = frozenset({"==", "!=", ">", "<", ">=", "<="})
