"""Burn rates in an alert's condition: the same share of errors over several windows, each held against a threshold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tocsin.duration import parse_duration
from tocsin.lint.memo import walked
from tocsin.promql.ast import Binary, Expr, MatrixSelector, Number, Subquery, VectorSelector, transform, unwrap
from tocsin.promql.compare import Comparison

_NAMED = re.compile(r"(?:[:_]|rate|ratio|increase|delta|avg|sum|min|max)(\d+(?:ms|[smhdwy]))$")
"""The window in a series's name: `slo:error_ratio:5m`, `slo:sli_error:ratio_rate5m`, `request:burnrate1h`."""

ANY_WINDOW = 1
FASTEST = 1000
LARGEST = 0.5


@dataclass(frozen=True, slots=True)
class Burn:
    """A share over one window, in milliseconds, that is above a threshold; `shape` is the share without its window."""

    window: int
    shape: Expr
    compared: Comparison


def burns(compared: Sequence[Comparison]) -> Iterator[Burn]:
    """The comparisons of an upper bound with a value that has one window."""
    for found in compared:
        lengths = {length for node in walked(found.value) if (length := window(node))}
        if found.op in (">", ">=") and len(lengths) == 1:
            yield Burn(lengths.pop(), transform(found.value, _without_window), found)


def pairs(found: Sequence[Burn]) -> Iterator[tuple[Burn, Burn]]:
    """Each long window with its short one: the same share, and the same threshold."""
    ordered = sorted(found, key=lambda burn: burn.window, reverse=True)
    for index, long in enumerate(ordered):
        for short in ordered[index + 1 :]:
            same = long.shape == short.shape and long.compared.threshold == short.compared.threshold
            if same and short.window < long.window:
                yield long, short


def is_product(threshold: Expr) -> bool:
    """Whether a threshold is written as a burn rate times an error budget, such as `14.4 * 0.001`.

    `1e9 * 0.9` is neither: nothing burns a million times too fast, and an objective is more than a half.
    """
    node = unwrap(threshold)
    if not isinstance(node, Binary) or node.op != "*":
        return False
    factors = [unwrap(node.lhs), unwrap(node.rhs)]
    rates = [factor for factor in factors if isinstance(factor, Number) and 1 <= factor.value <= FASTEST]
    budgets = [factor for factor in factors if _is_budget(factor)]
    return len(rates) == len(budgets) == 1


def _is_budget(node: Expr) -> bool:
    """What an objective leaves: `0.001`, or `1 - 0.999`."""
    match node:
        case Number(value=value):
            return 0 < value <= LARGEST
        case Binary(op="-", lhs=lhs, rhs=rhs):
            return unwrap(lhs) == Number(1.0) and isinstance(unwrap(rhs), Number)
    return False


def window(node: Expr) -> int | None:
    """The window of a range, or of a recorded series by its name, in milliseconds."""
    match node:
        case MatrixSelector(range=length) | Subquery(range=length):
            return length
        case VectorSelector(name=str() as name) if named := _NAMED.search(name):
            return parse_duration(named[1])
    return None


def longest(expr: Expr) -> int:
    """The longest window of an expression, read or by name; 0 for an instant value."""
    return max((window(node) or 0 for node in walked(expr)), default=0)


def _without_window(node: Expr) -> Expr:
    match node:
        case MatrixSelector() | Subquery():
            return replace(node, range=ANY_WINDOW)
        case VectorSelector(name=str() as name) if _NAMED.search(name):
            return replace(node, name=_NAMED.sub("", name))
    return node
