"""What is wrong with an expression of a rule although it parses: faults that Prometheus finds only when it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tocsin.diagnostics import Problem, Severity, Source, Span
from tocsin.labels import is_plain_name
from tocsin.promql.ast import Aggregation, Call, Expr, String, ValueType, unwrap, value_type, walk
from tocsin.promql.match import regex_fault
from tocsin.promql.print import print_expr

_HELP = {
    ValueType.MATRIX: "apply a function of a range vector, such as `rate` or `max_over_time`",
    ValueType.STRING: "a string is only an argument of a function",
}


def check(expr: Expr) -> Iterator[Problem]:
    """The problems of an expression that a rule evaluates."""
    kind = value_type(expr)
    if kind in _HELP:
        # prometheus/rules/manager.go, EngineQueryFunc
        message = f"a rule needs an instant vector or a scalar, this is a {kind}"
        yield Problem("promql/type", message, _place(expr, expr), help=_HELP[kind])
    for node in walk(expr):
        match node:
            case Call(function="label_replace", args=(_, target, _, _, pattern)):
                yield from _label(target, "destination label", expr)
                yield from _regex(pattern, expr)
            case Call(function="label_join", args=(_, target, _, *sources)):
                yield from _label(target, "destination label", expr)
                yield from _sources(sources, expr)
            case Aggregation(op="count_values", param=Expr() as label):
                yield from _label(label, "label", expr)


def _sources(labels: Sequence[Expr], whole: Expr) -> Iterator[Problem]:
    for label in labels:
        yield from _label(label, "source label", whole)


def _label(node: Expr, role: str, whole: Expr) -> Iterator[Problem]:
    literal = unwrap(node)
    if not isinstance(literal, String) or is_plain_name(literal.value):
        return
    shown = f"`{literal.value}` is no name for a {role}" if literal.value else f"the {role} has no name"
    note, severity = "", Severity.ERROR
    if literal.value:
        note, severity = "only Prometheus 3 accepts it, and quoted wherever it is used", Severity.WARNING
    yield Problem("promql/label-name", shown, _place(literal, whole), help=note, severity=severity)


def _regex(node: Expr, whole: Expr) -> Iterator[Problem]:
    literal = unwrap(node)
    if not isinstance(literal, String):
        return
    fault = regex_fault(literal.value)
    if fault:
        yield Problem("promql/regex", f"error parsing regexp: {fault}", _place(literal, whole))


def _place(node: Expr, whole: Expr) -> Span:
    """Where the node was written, else where the whole was, else its own text."""
    place = node.span or whole.span
    if place is None:
        text = print_expr(whole)
        place = Source("<expression>", text).span(0, len(text))
    return place
