"""Two vectors joined on labels: one-to-one, `group_left` and `group_right`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from tocsin.engine.arithmetic import drops_name
from tocsin.engine.fill import filled
from tocsin.engine.merge import ranks_of
from tocsin.engine.native import combine_samples, rows_of
from tocsin.engine.tile import Tile
from tocsin.functions.values import Compat, Vector, without_name
from tocsin.labels import NAME, Labels, drop, from_mapping, get, is_plain_name, keep, quote
from tocsin.promql.ast import Binary, Matching
from tocsin.series import Mask, Offsets

DUPLICATE = (
    "found duplicate series for the match group {key} on the {side} hand-side of the operation: [{first}, {second}];"
    "many-to-many matching not allowed: matching labels must be unique on one side"
)
NOT_GROUPED = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
NOT_UNIQUE = "multiple matches for labels: grouping labels must ensure unique matches"


@lru_cache(maxsize=65536)
def signature(labels: Labels, matching: Matching) -> Labels:
    """The labels that must agree."""
    return keep(labels, matching.labels) if matching.on else drop(labels, (*matching.labels, NAME))


def join(node: Binary, lhs: Vector, rhs: Vector, tile: Tile) -> Vector:
    """Every pair of series whose matching labels agree, in the order of the "many" side.

    Rows may share labels afterwards, where series of the "one" side take turns. Prometheus `VectorBinop`.
    """
    matching = node.matching
    swapped = matching.cardinality == "one-to-many"
    many, one = (rhs, lhs) if swapped else (lhs, rhs)
    active = np.any(lhs.present, axis=0) & np.any(rhs.present, axis=0)
    many_keys = [signature(labels, matching) for labels in many.labels]
    one_keys = [signature(labels, matching) for labels in one.labels]
    if matching.fills:
        active[:] = True
        many, one, many_keys, one_keys = filled(many, one, many_keys, one_keys, matching)
    repeated = _repeated(one_keys, one.present) & active
    if repeated.any():
        side, step = "left" if swapped else "right", int(repeated.argmax())
        tile.fail(node, repeated, _duplicate(side, one_keys, one, step, tile.semantics.compat))
    left, right = _pairs(many_keys, one_keys)
    met = many.present[left] & one.present[right] & ~repeated
    operands = (many.values[left], rows_of(many, left)), (one.values[right], rows_of(one, right))
    first, second = reversed(operands) if swapped else operands
    values, kept, histograms = combine_samples(node.op, first, second, node.returns_bool, met)
    present = met if kept is None else met & kept
    # An operator takes the name at once, `bool` marks it (Prometheus `VectorBinop`).
    delayed = node.returns_bool and tile.semantics.delayed_names
    dropped = drops_name(node.op, node.returns_bool and not delayed, tile.semantics.compat)
    labels = tuple(_result(many.labels[m], one.labels[o], matching, dropped) for m, o in zip(left, right, strict=True))
    # Since Prometheus 3 a sample that the comparison filters out still counts as a match.
    counted = present if tile.semantics.compat == 2 else met
    keys = [many_keys[m] for m in left]
    if matching.cardinality == "one-to-one":
        clashes, message = _repeated(keys, counted), NOT_GROUPED
    else:
        clashes, message = _repeated(list(zip(keys, labels, strict=True)), counted), NOT_UNIQUE
    tile.fail(node, clashes, message)
    rank = None if many.rank is None and (np.diff(left) > 0).all() else ranks_of(many)[left]
    joined = Vector(labels, np.ascontiguousarray(values), present & ~clashes, rank, histograms=histograms)
    return joined.without_name() if delayed else joined


def _pairs(many: Sequence[Labels], one: Sequence[Labels]) -> tuple[Offsets, Offsets]:
    """The rows of both sides whose keys agree."""
    rows: dict[Labels, list[int]] = {}
    for row, key in enumerate(one):
        rows.setdefault(key, []).append(row)
    found = [(m, o) for m, key in enumerate(many) for o in rows.get(key, ())]
    pairs = np.array(found, dtype=np.int64).reshape(len(found), 2)
    return pairs[:, 0], pairs[:, 1]


def _repeated(keys: Sequence[object], present: Mask) -> Mask:
    """bool[T]: the steps at which two rows of the same key are present."""
    rows: dict[object, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    hit = np.zeros(present.shape[1], dtype=np.bool_)
    for members in rows.values():
        if len(members) > 1:
            hit |= present[members].sum(axis=0) > 1
    return hit


def _duplicate(side: str, keys: Sequence[Labels], one: Vector, step: int, compat: Compat) -> str:
    """The error at a step: the first two series that share a key, in the order of their text; in 2.42 the later first.

    Prometheus `VectorBinop`.
    """
    seen: dict[Labels, int] = {}
    present = np.flatnonzero(one.present[:, step])
    for row in present[np.argsort(ranks_of(one)[present, step], kind="stable")].tolist():
        earlier = seen.setdefault(keys[row], row)
        if earlier != row:
            pair = [_in_braces(one.labels[which]) for which in (row, earlier)]
            first, second = pair if compat == 2 else sorted(pair)
            return DUPLICATE.format(key=_in_braces(keys[row]), side=side, first=first, second=second)
    raise AssertionError("no two series share a key")


def _in_braces(labels: Labels) -> str:
    """A label set as Prometheus writes it in messages, the name among the labels."""
    pairs = (f"{name if is_plain_name(name) else quote(name)}={quote(value)}" for name, value in labels)
    return "{" + ", ".join(pairs) + "}"


@lru_cache(maxsize=65536)
def _result(many: Labels, one: Labels, matching: Matching, dropped: bool) -> Labels:
    """Prometheus `resultMetric`: the labels of the "many" side, and the included ones of the "one" side."""
    labels = without_name(many) if dropped else many
    if matching.cardinality == "one-to-one":
        labels = keep(labels, matching.labels) if matching.on else drop(labels, matching.labels)
    if not matching.include:
        return labels
    return from_mapping({**dict(labels), **{name: get(one, name) for name in matching.include}})
