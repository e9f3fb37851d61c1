"""Aggregations: `sum`, `avg`, `topk` and the others, by group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from tocsin.engine.grouping import Groups, folded, grouped
from tocsin.engine.merge import ranks_of, unique
from tocsin.engine.native_aggregate import with_histograms, with_sums
from tocsin.engine.tile import Tile, unsupported, value_of
from tocsin.functions.relabel import is_label_name, relabelled
from tocsin.functions.values import Compat, Vector
from tocsin.kernels import aggregate as kernels
from tocsin.kernels import quantile
from tocsin.kernels.select import foremost, greatest
from tocsin.kernels.threads import over_rows
from tocsin.labels import quote
from tocsin.promql.ast import Aggregation, String, unwrap
from tocsin.registry import Registry
from tocsin.series import Mask, Offsets, Values

Operator: TypeAlias = Callable[[Aggregation, Vector, Tile], Vector]

OPERATORS: Registry[Operator] = Registry("aggregation")


@value_of.register
def aggregate(node: Aggregation, tile: Tile) -> Vector:
    operator = OPERATORS.get(node.op)
    if operator is None:
        raise unsupported(node, f"the aggregation `{node.op}`")
    vector = tile.vector(node.expr)
    return operator(node, vector, tile) if vector.histograms is None else with_histograms(node, vector, tile, operator)


Fold: TypeAlias = Callable[[Values, Mask, Offsets, int, Compat], Values]


def _sum(values: Values, present: Mask, group: Offsets, groups: int, compat: Compat) -> Values:
    out = np.zeros((groups, values.shape[1]))
    begun = np.zeros(out.shape, dtype=np.bool_)

    def work(steps: slice) -> None:
        kernels.total(values, present, group, compat == 3, steps.start, steps.stop, begun, out)

    over_rows(work, values.shape[1], values.size)
    return out


def _avg(values: Values, present: Mask, group: Offsets, groups: int, compat: Compat) -> Values:
    out = np.zeros((groups, values.shape[1]))
    count = np.zeros(out.shape, dtype=np.int64)
    if compat == 2:
        kernels.incremental_mean(values, present, group, count, out)
    else:
        overflowed = np.zeros(out.shape, dtype=np.bool_)
        kernels.mean(values, present, group, count, overflowed, np.zeros(out.shape), out)
    return out


def _stdvar(values: Values, present: Mask, group: Offsets, groups: int, compat: Compat) -> Values:
    out = np.zeros((groups, values.shape[1]))
    kernels.variance(values, present, group, compat == 3, np.zeros(out.shape, dtype=np.int64), np.zeros(out.shape), out)
    return out


def _stddev(values: Values, present: Mask, group: Offsets, groups: int, compat: Compat) -> Values:
    return np.sqrt(_stdvar(values, present, group, groups, compat))


def _max(values: Values, present: Mask, group: Offsets, groups: int, _compat: Compat) -> Values:
    out = np.zeros((groups, values.shape[1]))
    kernels.greatest(values, present, group, np.zeros(out.shape, dtype=np.int64), out)
    return out


def _min(values: Values, present: Mask, group: Offsets, groups: int, compat: Compat) -> Values:
    return -_max(-values, present, group, groups, compat)


def _register_fold(name: str, fold: Fold) -> None:
    def apply(node: Aggregation, vector: Vector, tile: Tile) -> Vector:
        groups = grouped(vector.labels, vector.present, node)

        def of_compat(values: Values, present: Mask, group: Offsets, count: int) -> Values:
            return fold(values, present, group, count, tile.semantics.compat)

        return groups.vector(folded(of_compat, vector, groups), vector)

    OPERATORS.add(name, apply)


for _name, _fold in (
    ("sum", _sum),
    ("avg", _avg),
    ("stdvar", _stdvar),
    ("stddev", _stddev),
    ("max", _max),
    ("min", _min),
):
    _register_fold(_name, _fold)


def _count(node: Aggregation, vector: Vector, _tile: Tile) -> Vector:
    groups = grouped(vector.labels, vector.present, node)
    return groups.vector(groups.count.astype(np.float64), vector)


def _group(node: Aggregation, vector: Vector, _tile: Tile) -> Vector:
    groups = grouped(vector.labels, vector.present, node)
    return groups.vector(np.ones(groups.count.shape), vector)


def _quantile(node: Aggregation, vector: Vector, tile: Tile) -> Vector:
    assert node.param is not None
    groups = grouped(vector.labels, vector.present, node)
    out = np.zeros(groups.count.shape)
    q, order, compat = tile.scalar(node.param).values, vector.order, tile.semantics.compat
    quantile.grouped(vector.values, vector.present, order, groups.of, len(groups.labels), q, compat, out)
    return groups.vector(out, vector)


GREATEST = 9223372036854774784.0
"""The greatest float64 below 2**63, Prometheus's `maxInt64` (promql/engine.go)."""


def _limits(node: Aggregation, tile: Tile) -> Offsets:
    """How many series each step keeps; a number that no int64 holds is an error there.

    Prometheus 3 asks first whether any are kept at all, so that no number is too small for it.
    """
    assert node.param is not None
    limit = tile.scalar(node.param).values
    if tile.semantics.compat == 3:
        tile.fail(node, np.isnan(limit), "Parameter value is NaN")
        wrong = limit >= GREATEST
        none = wrong | ~(limit >= 1)
    else:
        none = wrong = ~((limit >= -(2.0**63)) & (limit <= GREATEST))
    if wrong.any():
        tile.fail(node, wrong, f"Scalar value {format_value(limit[wrong][0], 'g')} overflows int64")
    return np.where(none, 0, limit).astype(np.int64)


def _ranked(node: Aggregation, vector: Vector, keys: Values, tile: Tile) -> Vector:
    """The rows with the greatest keys of each group, in the order of the keys."""
    groups = grouped(vector.labels, vector.present, node)
    rank = np.empty(vector.present.shape, dtype=np.int64)
    limits, compat = _limits(node, tile), tile.semantics.compat
    greatest(keys, vector.present, vector.order, groups.of, len(groups.labels), limits, compat, rank)
    return replace(vector, present=rank >= 0, rank=rank)


def _topk(node: Aggregation, vector: Vector, tile: Tile) -> Vector:
    return _ranked(node, vector, vector.values, tile)


def _bottomk(node: Aggregation, vector: Vector, tile: Tile) -> Vector:
    return _ranked(node, vector, -vector.values, tile)


def _limitk(node: Aggregation, vector: Vector, tile: Tile) -> Vector:
    return first_of_groups(node, vector, vector.present, _limits(node, tile))


def first_of_groups(node: Aggregation, vector: Vector, chosen: Mask, limits: Offsets) -> Vector:
    """The first `chosen` rows (bool[S, T]) of each group, `limits` int64[T] of them, as Prometheus's heap holds them.

    A histogram counts as its sum there (promql/functions.go, `vectorByValueHeap`).
    """
    groups = grouped(vector.labels, vector.present, node)
    keys = vector.values if vector.histograms is None else with_sums(vector.values, vector.histograms)
    rank = np.empty(vector.present.shape, dtype=np.int64)
    foremost(keys, vector.present, chosen, vector.order, groups.of, len(groups.labels), limits, rank)
    return replace(vector, present=rank >= 0, rank=rank)


def format_value(value: float, form: Literal["f", "g"] = "f") -> str:
    """A number as Go's `FormatFloat(value, form, -1, 64)` writes it; `g` only of what it writes with an exponent.

    >>> format_value(1e21), format_value(0.1), format_value(float("inf"))
    ('1000000000000000000000', '0.1', '+Inf')
    """
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if form == "g":
        return np.format_float_scientific(value, trim="-", exp_digits=2)
    return np.format_float_positional(value, trim="-")


def _count_values(node: Aggregation, vector: Vector, tile: Tile) -> Vector:
    """Series are split by their value, which becomes a label, and then counted."""
    assert node.param is not None
    name = unwrap(node.param)
    assert isinstance(name, String)
    if not is_label_name(name.value, tile.semantics.compat):
        tile.fail(node, np.ones(len(tile.times), dtype=np.bool_), f"invalid label name {quote(name.value)}")
    ranks = ranks_of(vector)
    labels, rows, places, unnamed = [], [], [], []
    for row, own in enumerate(vector.labels):
        here = vector.present[row]
        distinct = np.unique(vector.values[row, here].view(np.uint64)).view(np.float64)  # 0 and -0 are two
        for text in dict.fromkeys(map(format_value, distinct)):
            labels.append(relabelled(own, name.value, text))
            rows.append(here & _equal(vector.values[row], text))
            places.append(ranks[row])
            unnamed.append(vector.unnamed_rows[row])
    present = np.array(rows, dtype=np.bool_).reshape(len(rows), len(tile.times))
    rank = np.array(places, dtype=np.int64).reshape(present.shape)
    split = node if node.without else Aggregation(node.op, node.expr, node.param, (*node.grouping, name.value))
    groups: Groups = grouped(labels, present, split)
    members = Vector(tuple(labels), np.zeros(present.shape), present, rank, np.array(unnamed, dtype=np.bool_))
    return unique(groups.vector(groups.count.astype(np.float64), members), node, tile)


def _equal(values: Values, text: str) -> Mask:
    number = float(text)
    return np.isnan(values) if np.isnan(number) else (values == number) & (np.signbit(values) == np.signbit(number))


for _name, _operator in {
    "count": _count,
    "group": _group,
    "quantile": _quantile,
    "topk": _topk,
    "bottomk": _bottomk,
    "limitk": _limitk,
    "count_values": _count_values,
}.items():
    OPERATORS.add(_name, _operator)
