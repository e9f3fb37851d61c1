"""An analysis of expressions to one that looks at each node once, however many rules ask."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from tocsin.promql.ast import Expr, walk

T = TypeVar("T")
LIMIT = 1 << 16
"""Nodes; all of a thousand alerts are fewer, and a language server that runs for days forgets the old ones."""


def once(analyse: Callable[[Expr], T]) -> Callable[[Expr], T]:
    """The analysis, remembered by the identity of the node: hashing by content would walk the tree at every node."""
    known: dict[int, tuple[Expr, T]] = {}

    @wraps(analyse)
    def remembered(node: Expr) -> T:
        found = known.get(id(node))
        if found is None:
            result = analyse(node)
            if len(known) >= LIMIT:
                known.clear()
            # The node is held with its result, so that no other can be given its identity.
            known[id(node)] = found = (node, result)
        return found[1]

    return remembered


@once
def walked(expr: Expr) -> tuple[Expr, ...]:
    """The node and all below it, parents first."""
    return tuple(walk(expr))
