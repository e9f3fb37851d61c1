"""What the matchers of an expression say, and whether they need a regular expression for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tocsin.lint.memo import walked
from tocsin.promql.ast import Expr, Matcher, VectorSelector
from tocsin.promql.print import quote

_LITERAL = re.compile(r"(?:[\w \-/:@,;=%&~#!<>'\"]|\\[.\-/+*?()\[\]{}|^$])*")
"""Characters that stand for themselves in RE2, and those that a backslash makes so."""


def selectors(expr: Expr) -> Iterator[VectorSelector]:
    """As `tocsin.promql.ast.selectors`, of an expression that is walked again and again."""
    return (node for node in walked(expr) if isinstance(node, VectorSelector))


def is_literal(pattern: str) -> bool:
    """Whether a pattern stands for one text alone."""
    return _LITERAL.fullmatch(pattern) is not None


def literal(pattern: str) -> str:
    """The text that such a pattern stands for."""
    return re.sub(r"\\(.)", r"\1", pattern)


def written(matcher: Matcher) -> str:
    """A matcher as PromQL."""
    return f"{matcher.label}{matcher.op}{quote(matcher.value)}"
