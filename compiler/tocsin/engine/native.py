"""Native histograms on their way through the engine: who may read them, who leaves them out, and operators on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from tocsin.engine.arithmetic import combine
from tocsin.engine.tile import Tile, unsupported
from tocsin.functions.registry import FUNCTIONS, NATIVE
from tocsin.functions.values import Value, Vector, Windows
from tocsin.histograms.arithmetic import MixedBucketsError, added, divided, scaled, subtracted
from tocsin.histograms.model import Histogram, same
from tocsin.histograms.trim import trimmed
from tocsin.promql.ast import TRIMS, Call, Expr
from tocsin.series import Mask, Objects, Offsets, Series, Values, any_histograms, are_histograms


def check_readable(series: Series, node: Expr, tile: Tile) -> None:
    """Prometheus 2 reckons with native histograms in other ways than 3, which are not ours."""
    if series.histograms is not None and tile.semantics.compat == 2:
        raise unsupported(node, "native histograms as Prometheus 2 does")


def prepared(node: Call, arguments: Sequence[Value]) -> tuple[Callable[..., Value], list[Value]]:
    """The implementation for these arguments, and the arguments for it: the one place that knows who takes what."""
    function, native = FUNCTIONS[node.function], NATIVE.get(node.function)
    if not any(isinstance(one, Vector | Windows) and one.histograms is not None for one in arguments):
        return function.implementation, list(arguments)
    if native is not None:
        return native, list(arguments)
    if function.histograms == "refused":
        raise unsupported(node, f"the function `{node.function}` of native histograms")
    if function.histograms == "understood":
        return function.implementation, list(arguments)
    return function.implementation, [one.floats() if isinstance(one, Vector | Windows) else one for one in arguments]


def without_resets(histograms: Objects) -> Objects:
    """Samples of a subquery: what a sample said of the one before it in the series is not true of them."""
    unknown = [h.hinted("unknown") if h is not None and h.hint in ("reset", "not_reset") else h for h in histograms]
    return _objects(unknown, histograms.shape)


def _objects(cells: Sequence[Histogram | None], shape: tuple[int, ...]) -> Objects:
    objects = np.full(shape, None, dtype=object)
    for place, cell in enumerate(cells):
        objects.flat[place] = cell
    return objects


def negated(histograms: Objects | None) -> Objects | None:
    if histograms is None:
        return None
    cells: list[Histogram | None] = histograms.ravel().tolist()
    return _objects([None if h is None else scaled(h, -1.0) for h in cells], histograms.shape)


def rows_of(vector: Vector, rows: Offsets) -> Objects | None:
    """The histograms of some of its series."""
    return None if vector.histograms is None else vector.histograms[rows]


def stacked(lhs: Vector, rhs: Vector) -> Objects | None:
    """The histograms of both, row under row."""
    if lhs.histograms is None and rhs.histograms is None:
        return None
    sides = [np.full(v.values.shape, None, dtype=object) if v.histograms is None else v.histograms for v in (lhs, rhs)]
    return np.concatenate(sides)


def padded(histograms: Objects | None, rows: int) -> Objects | None:
    """With as many rows of floats below."""
    if histograms is None:
        return None
    return np.concatenate([histograms, np.full((rows, histograms.shape[1]), None, dtype=object)])


Operand: TypeAlias = tuple[Values, Objects | None]
"""Values that broadcast to those of the result, and the histograms among them."""


def combine_samples(
    op: str, lhs: Operand, rhs: Operand, returns_bool: bool, met: Mask
) -> tuple[Values, Mask | None, Objects | None]:
    """`lhs op rhs` wherever both are present (`met`): the values, where there is a result, and the histograms.

    What Prometheus does not define between a float and a histogram, or two histograms, is left out (promql/engine.go,
    `vectorElemBinop`).
    """
    if op not in TRIMS and lhs[1] is None and rhs[1] is None:
        return *combine(op, lhs[0], rhs[0], returns_bool), None
    values, kept = np.zeros(met.shape), np.zeros(met.shape, dtype=np.bool_)
    if op not in TRIMS:
        combined, filtered = combine(op, lhs[0], rhs[0], returns_bool)
        values[:], kept[:] = combined, True if filtered is None else filtered
    held = _held(lhs, met) | _held(rhs, met)
    histograms = np.full(met.shape, None, dtype=object)
    for row, column in np.argwhere(held & met).tolist():
        result = _operate(op, _sample(lhs, met, row, column), _sample(rhs, met, row, column))
        kept[row, column] = result is not None and (returns_bool or result is not False)
        if isinstance(result, Histogram):
            histograms[row, column] = result
        elif returns_bool:
            values[row, column] = float(result is True)
        elif result is True:
            histograms[row, column] = _sample(lhs, met, row, column)
    return values, kept, any_histograms(histograms)


def _held(operand: Operand, met: Mask) -> Mask:
    histograms = operand[1]
    return np.zeros(met.shape, dtype=np.bool_) if histograms is None else are_histograms(histograms)


def _sample(operand: Operand, met: Mask, row: int, column: int) -> float | Histogram:
    values, histograms = operand
    histogram: Histogram | None = None if histograms is None else histograms[row, column]
    return histogram if histogram is not None else float(np.broadcast_to(values, met.shape)[row, column])


def _operate(op: str, lhs: float | Histogram, rhs: float | Histogram) -> Histogram | bool | None:
    """A histogram, or whether a comparison holds; None where the operator is not defined."""
    if isinstance(lhs, Histogram) and isinstance(rhs, Histogram):
        return _of_two(op, lhs, rhs)
    if isinstance(lhs, Histogram) and isinstance(rhs, float):
        match op:
            case "*":
                return scaled(lhs, rhs).compacted()
            case "/":
                return divided(lhs, rhs).compacted()
            case "</" | ">/":
                return trimmed(lhs, rhs, below=op == "</")
    if isinstance(lhs, float) and isinstance(rhs, Histogram) and op == "*":
        return scaled(rhs, lhs).compacted()
    return None


def _of_two(op: str, lhs: Histogram, rhs: Histogram) -> Histogram | bool | None:
    try:
        match op:
            case "+":
                return added(lhs, rhs).compacted()
            case "-":
                return subtracted(lhs, rhs).hinted("gauge").compacted()
            case "==":
                return same(lhs, rhs)
            case "!=":
                return not same(lhs, rhs)
    except MixedBucketsError:
        pass
    return None
