"""Function calls: the arguments, then the implementation that is registered under the name."""

from __future__ import annotations

import numpy as np

from tocsin.engine.extended import anchored, change, extended_range
from tocsin.engine.merge import unique
from tocsin.engine.native import prepared
from tocsin.engine.select import newest, sample_times
from tocsin.engine.tile import Tile, unsupported, value_of
from tocsin.functions.info import describing
from tocsin.functions.registry import FUNCTIONS
from tocsin.functions.values import ExecutionError, Scalar, Value, Vector
from tocsin.promql.ast import Call, ValueType, VectorSelector, unwrap
from tocsin.registry import discover

discover("tocsin.functions")


@value_of.register
def call(node: Call, tile: Tile) -> Value:
    function = FUNCTIONS.get(node.function)
    if function is None:
        raise unsupported(node, f"the function `{node.function}`")
    value = _apply(node, tile)
    return unique(value, node, tile) if isinstance(value, Vector) else value


def _apply(node: Call, tile: Tile) -> Value:
    if node.function == "timestamp" and isinstance(selector := unwrap(node.args[0]), VectorSelector):
        # Only a plain selector knows the times of its samples (Prometheus engine.go, `timestamp`).
        return sample_times(selector, tile).without_name()
    arguments: list[Value]
    if (extended := extended_range(node)) is None:
        arguments = _arguments(node, tile)
    elif node.function in ("changes", "resets"):
        arguments = [anchored(extended, tile)]
    else:
        return change(node.function, extended, tile)
    try:
        implementation, arguments = prepared(node, arguments)
        return implementation(tile.steps(node), *arguments)
    except ExecutionError as error:
        tile.fail(node, np.ones(len(tile.times), dtype=np.bool_) if error.at is None else error.at, str(error))
        return error.value or _nothing(FUNCTIONS[node.function].returns, len(tile.times))


def _arguments(node: Call, tile: Tile) -> list[Value]:
    if node.function == "info":
        return [tile.value(node.args[0]), newest(describing(node), tile)]
    return [tile.value(argument) for argument in node.args]


def _nothing(returns: ValueType, steps: int) -> Value:
    if returns is ValueType.SCALAR:
        return Scalar(np.full(steps, np.nan))
    return Vector((), np.zeros((0, steps)), np.zeros((0, steps), dtype=np.bool_))
