"""An expression that shows a difference to the smallest part of it that still does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.fuzz.answers import of_prometheus_2, of_prometheus_3

from tocsin.diagnostics import ProblemError
from tocsin.promql.ast import Aggregation, Expr, MatrixSelector, Subquery, VectorSelector, transform, value_type, walk
from tocsin.promql.parse import parse
from tocsin.promql.print import parenthesize, print_expr


def shrink(text: str, still: Callable[[str], bool]) -> str:
    """The last of ever shorter texts for which `still` holds."""
    while True:
        shorter = next((other for other in _simpler(text) if len(other) < len(text) and still(other)), None)
        if shorter is None:
            return text
        text = shorter


def _simpler(text: str) -> Iterator[str]:
    try:
        whole = parse(of_prometheus_3(text))
    except ProblemError:
        return
    for part in walk(whole):
        for instead in (*_parts(part), *_plainer(part)):
            yield _text(_exchanged(whole, part, instead))


def _exchanged(whole: Expr, part: Expr, instead: Expr) -> Expr:
    return transform(whole, lambda node: instead if node is part else node)


def _parts(node: Expr) -> Iterator[Expr]:
    """What is below the node and of its type."""
    kind = value_type(node)
    for below in walk(node):
        if below is not node and value_type(below) == kind and not _of_a_window(below, node):
            yield below


def _of_a_window(below: Expr, node: Expr) -> bool:
    return any(isinstance(one, MatrixSelector) and one.selector is below for one in walk(node))


def _plainer(node: Expr) -> Iterator[Expr]:
    if isinstance(node, VectorSelector | Subquery):
        if node.offset:
            yield replace(node, offset=0)
        if node.at is not None:
            yield replace(node, at=None)
    if isinstance(node, Aggregation) and node.grouping:
        yield replace(node, grouping=node.grouping[1:])


def _text(expr: Expr) -> str:
    return of_prometheus_2(print_expr(parenthesize(expr)))
