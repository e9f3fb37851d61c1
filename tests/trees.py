"""What tests ask of trees of PromQL."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tocsin.diagnostics import ProblemError
from tocsin.promql.ast import (
    Expr,
    MatrixSelector,
    Paren,
    VectorSelector,
    transform,
    walk,
)
from tocsin.promql.parse import parse, parse_windowed


def spans(expr: Expr) -> list[str]:
    """The text of each node, parents first."""
    return [node.span.text if node.span else "" for node in walk(expr)]


def fault(text: str, windowed: bool = False) -> tuple[str, str, str]:
    """The code, the place and the message of what is wrong with a text."""
    with pytest.raises(ProblemError) as caught:
        (parse_windowed if windowed else parse)(text)
    problem = caught.value.problem
    return problem.code, problem.span.text, problem.message


def bare(expr: Expr) -> Expr:
    """The expression without parentheses."""
    return transform(expr, lambda node: node.expr if isinstance(node, Paren) else node)


def assert_places(expr: Expr) -> None:
    """The text at the place of every node is an equal expression."""
    inner = {id(node.selector) for node in walk(expr) if isinstance(node, MatrixSelector)}
    for node in walk(expr):
        assert node.span is not None
        if id(node) in inner and isinstance(node, VectorSelector):
            node = replace(node, offset=0, offset_expr=None, at=None, extended=None)  # they stand after the range
        if isinstance(node, VectorSelector) and node.name is None and not node.matchers:
            continue  # the second argument of `info` alone may select everything
        assert node.span is not None
        assert repr(parse(node.span.text)) == repr(node), node.span.text
