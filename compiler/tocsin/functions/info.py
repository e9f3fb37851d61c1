"""`info`: a vector with the labels of the info metrics that describe its series, matched by `instance` and `job`.

Prometheus promql/info.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tocsin.functions.registry import VECTOR, function
from tocsin.functions.values import ExecutionError, Steps, Vector
from tocsin.labels import NAME, Labels, drop, from_mapping, get, keep, quote
from tocsin.promql.ast import (
    At,
    Call,
    Expr,
    Matcher,
    Subquery,
    ValueType,
    VectorSelector,
    children,
    value_type,
)
from tocsin.promql.match import accepts
from tocsin.series import Mask, Offsets, Values, are_histograms

IDENTIFYING = ("instance", "job")


def describing(call: Call) -> VectorSelector:
    """The series that may describe those of the first argument, at the time at which its samples are looked up."""
    at, offset = next(_references(call.args[0]), (None, 0))
    return VectorSelector(None, (*_name_matchers(call), *_data_matchers(call)), offset, at)


def _matchers(call: Call) -> tuple[Matcher, ...]:
    selector = call.args[1] if len(call.args) > 1 else VectorSelector(None)
    assert isinstance(selector, VectorSelector)
    return selector.matchers


def _name_matchers(call: Call) -> tuple[Matcher, ...]:
    """Which metrics describe: `target_info` where nothing is said, and no others than `..._info` by exclusion."""
    names = tuple(matcher for matcher in _matchers(call) if matcher.label == NAME)
    if not names:
        return (Matcher(NAME, "=", "target_info"),)
    if all(matcher.op in ("!=", "!~") for matcher in names):
        return (Matcher(NAME, "=~", ".+_info"), *names)
    return names


def _data_matchers(call: Call) -> tuple[Matcher, ...]:
    return tuple(matcher for matcher in _matchers(call) if matcher.label != NAME)


def _references(node: Expr, around: tuple[Subquery, ...] = ()) -> Iterator[tuple[At | None, int]]:
    """The `@` and offset of each selector that gives series, with those of the subqueries around it."""
    if value_type(node) not in (ValueType.VECTOR, ValueType.MATRIX):
        return
    if isinstance(node, VectorSelector):
        at, offset = node.at, node.offset
        for outer in reversed(around):
            if at is None:
                at, offset = outer.at, offset + outer.offset
        yield at, offset
        return
    described = node.args[:1] if isinstance(node, Call) and node.function == "info" else children(node)
    for child in described:
        yield from _references(child, (*around, node) if isinstance(node, Subquery) else around)


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest info series of one metric for one `instance` and `job`: its row at each step (int64[T]), -1 for none.

    `times` float64[T] are the times of the samples, in seconds.
    """

    row: Offsets
    times: Values


@function("info", args=(VECTOR, VECTOR), returns=VECTOR, optional=1, histograms="understood")
def info(steps: Steps, base: Vector, infos: Vector) -> Vector:
    """`infos` are the describing series; their values are the times of their samples, in seconds."""
    names = _name_matchers(steps.call)
    plain = [not all(accepts(matcher, get(labels, NAME)) for matcher in names) for labels in base.labels]
    relevant = infos.present & _relevant(base, plain, infos)
    latest, failed, message = _latest(infos, relevant)
    if infos.histograms is not None and (native := relevant & are_histograms(infos.histograms)).any():
        failed, message = failed | native.any(axis=0), "info sample should be float"
    failed &= base.present.any(axis=0)
    data = _data_matchers(steps.call)
    wanted = {matcher.label for matcher in data}
    needed = not all(accepts(matcher, "") for matcher in data)
    labels: list[Labels] = []
    source: list[int] = []
    masks: list[Mask] = []
    for row, own in enumerate(base.labels):
        candidates = latest.get(keep(own, IDENTIFYING), []) if plain[row] else []
        for rows, here in _combinations(candidates, base.present[row]):
            if not rows and needed and plain[row]:
                continue
            added, conflict = _added([infos.labels[one] for one in rows], own, wanted)
            if conflict:
                failed, message = failed | here, message or f"conflicting label: {conflict}"
            labels.append(from_mapping({**added, **dict(own)}))
            source.append(row)
            masks.append(here)
    present = np.array(masks, dtype=np.bool_).reshape(len(masks), len(steps.times)) & ~failed
    described = replace(base.rows(source), labels=tuple(labels), present=present)
    if failed.any():
        raise ExecutionError(message, failed, described)
    return described


def _relevant(base: Vector, plain: Sequence[bool], infos: Vector) -> Mask:
    """bool[S, T]: which info series carry an `instance` and `job` that the base has at that step.

    A label that no base series has at a step is not asked for there.
    """
    relevant = np.ones(infos.present.shape, dtype=np.bool_)
    asked = np.zeros(infos.present.shape[1], dtype=np.bool_)
    for name in IDENTIFYING:
        there: dict[str, Mask] = {}
        for row, labels in enumerate(base.labels):
            value = get(labels, name)
            if value and plain[row]:
                there[value] = there.get(value, False) | base.present[row]
        some = np.any(list(there.values()), axis=0) if there else np.zeros_like(asked)
        for row, labels in enumerate(infos.labels):
            relevant[row] &= ~some | there.get(get(labels, name), False)
        asked |= some
    return relevant & asked


def _latest(infos: Vector, present: Mask) -> tuple[dict[Labels, list[Latest]], Mask, str]:
    """The newest series of each metric by their `instance` and `job`, and where two are equally new."""
    steps = present.shape[1]
    found: dict[Labels, dict[str, Latest]] = {}
    clashes, message = np.zeros(steps, dtype=np.bool_), ""
    for row, labels in enumerate(infos.labels):
        metrics = found.setdefault(keep(labels, IDENTIFYING), {})
        none = Latest(np.full(steps, -1, dtype=np.int64), np.full(steps, -np.inf))
        best = metrics.setdefault(get(labels, NAME), none)
        clash = present[row] & (infos.values[row] == best.times)
        if clash.any() and not message:
            step = int(clash.argmax())
            at, first = round(best.times[step] * 1000), infos.labels[best.row[step]]
            message = (
                f"found duplicate series for info metric: existing {_text(first)} @ {at}, new {_text(labels)} @ {at}"
            )
        clashes |= clash
        newer = present[row] & (infos.values[row] > best.times)
        best.row[newer] = row
        best.times[newer] = infos.values[row][newer]
    return {key: list(metrics.values()) for key, metrics in found.items()}, clashes, message


def _combinations(candidates: Sequence[Latest], present: Mask) -> Iterator[tuple[list[int], Mask]]:
    """The sets of rows that describe a series together, and the steps at which each does."""
    if not candidates:
        yield [], present
        return
    chosen = np.array([latest.row for latest in candidates], dtype=np.int64)
    distinct, which = np.unique(chosen[:, present], axis=1, return_inverse=True)
    steps = np.flatnonzero(present)
    for column, rows in enumerate(distinct.T.tolist()):
        here = np.zeros_like(present)
        here[steps[which.ravel() == column]] = True
        yield [row for row in rows if row >= 0], here


def _added(infos: Sequence[Labels], own: Labels, wanted: set[str]) -> tuple[dict[str, str], str]:
    """The labels that info series add to a series's own, and one of which they bring two values."""
    has = dict(own)
    added: dict[str, str] = {}
    for labels in infos:
        for name, value in drop(labels, (NAME,)):
            if name in has or (wanted and name not in wanted):
                continue
            if added.setdefault(name, value) != value:
                return added, name
    return added, ""


def _text(labels: Labels) -> str:
    return "{" + ", ".join(f"{name}={quote(value)}" for name, value in labels) + "}"
