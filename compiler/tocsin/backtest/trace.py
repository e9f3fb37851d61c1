"""What a rule compares over time, with what: the values behind its alerts, thinned to what a chart can show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import numpy as np

from tocsin.alerts.reach import sample_times
from tocsin.alerts.replay import replay
from tocsin.backtest.model import Backtest, Window
from tocsin.diagnostics import ProblemError
from tocsin.engine.evaluate import DEFAULT, evaluate_range
from tocsin.engine.semantics import Semantics
from tocsin.labels import Labels
from tocsin.promql.ast import Binary, Expr, unwrap
from tocsin.promql.compare import comparison
from tocsin.rules import AlertingRule, RuleGroup
from tocsin.series import Frame, Mask, Recording, Times, Values, are_histograms

Evaluate: TypeAlias = Callable[[Expr, int, int], Frame]
"""Evaluates an expression at every step from one time to another, both inclusive, in Unix milliseconds."""

Span: TypeAlias = tuple[int, int]
"""The first and the last millisecond of a stretch of time."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A value is bad where `value op limit`."""

    op: str
    limit: float


@dataclass(frozen=True, slots=True)
class Compared:
    """An expression, and the constants that a rule compares it with."""

    value: Expr
    thresholds: tuple[Threshold, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """The values that a rule compared, as a Frame whose times may have gaps; the series nearest to alert first.

    `omitted` counts the series left out.
    """

    group: str
    rule: AlertingRule
    comparison: Compared
    frame: Frame
    omitted: int = 0


def thresholds(expr: Expr) -> Compared | None:
    """What an alert's expression compares with constants, or None where it compares nothing of the kind.

    Guards are looked through (`(value > 1) and guard`), and both ends of a range are found
    (`value < 1 or value > 9`); where several values are compared, the first one counts.
    """
    if found := comparison(expr):
        return Compared(found.value, (Threshold(found.op, found.threshold),))
    match unwrap(expr):
        case Binary(op="and" | "unless", lhs=lhs, rhs=rhs) as guarded:
            return thresholds(lhs) or (thresholds(rhs) if guarded.op == "and" else None)
        case Binary(op="or", lhs=lhs, rhs=rhs):
            return _either(thresholds(lhs), thresholds(rhs))
    return None


def _either(one: Compared | None, other: Compared | None) -> Compared | None:
    if one is None or other is None or one.value != other.value:
        return one or other
    return Compared(one.value, tuple(dict.fromkeys(one.thresholds + other.thresholds)))


def traces(
    backtest: Backtest, groups: Iterable[RuleGroup], recording: Recording, semantics: Semantics = DEFAULT
) -> tuple[Trace, ...]:
    """What the alerts of a backtest compared, those left out that compare nothing with a constant.

    The more alerts there are the coarser each is, so that all of them together stay small.
    """
    window, every = backtest.window, tuple(groups)
    spans = recorded(recording, window, semantics)
    points = min(1200, max(200, 40_000 // max(1, len(backtest.rules))))
    done = backtest.replay or replay(every, recording, window.start, window.end, semantics)
    return tuple(chain.from_iterable(_of_group(group, spans, points, done.source, semantics) for group in every))


def _of_group(
    group: RuleGroup, spans: Sequence[Span], points: int, recording: Recording, semantics: Semantics
) -> Iterator[Trace]:
    step = group.interval or semantics.evaluation_interval
    aligned = [(-(-start // step) * step, end) for start, end in spans]

    def evaluate(expr: Expr, start: int, end: int) -> Frame:
        return evaluate_range(expr, recording, start, end, step, semantics).frame

    for rule in group.rules:
        with suppress(ProblemError):  # the backtest has told it
            if isinstance(rule, AlertingRule):
                found = trace(group.name, rule, aligned, step, evaluate, points=points)
                yield from [found] if found else []


_WORTH_A_BREAK = 60
"""Evaluations without samples that are worth to start the engine once more, which takes about a millisecond."""


def recorded(recording: Recording, window: Window, semantics: Semantics = DEFAULT) -> tuple[Span, ...]:
    """The stretches of the window in which the recording has samples, without its gaps of an hour and more."""
    samples = sample_times(recording, window.start - semantics.lookback, window.end)
    if not len(samples):
        return ()
    gaps = np.flatnonzero(np.diff(samples) > semantics.lookback + _WORTH_A_BREAK * window.step)
    firsts = samples[np.concatenate([[0], gaps + 1])].tolist()
    lasts = samples[np.concatenate([gaps, [len(samples) - 1]])].tolist()
    clipped = (
        (max(first, window.start), min(last + semantics.lookback, window.end))
        for first, last in zip(firsts, lasts, strict=True)
    )
    return tuple((start, end) for start, end in clipped if start <= end)


def trace(
    group: str,
    rule: AlertingRule,
    spans: Sequence[Span],
    step: int,
    evaluate: Evaluate,
    *,
    points: int = 1200,
    keep: int = 6,
) -> Trace | None:
    """The values that a rule compares during `spans` (sorted, disjoint), evaluated every `step` milliseconds.

    At most about `points` times, of which each pair holds the smallest and the largest value of its stretch in
    their order, and the `keep` series that came nearest to alert. None where nothing is compared with a constant.
    """
    comparison = thresholds(rule.expr)
    if comparison is None:
        return None
    steps = sum((end - start) // step + 1 for start, end in spans)
    width = max(1, -(-2 * steps // points))
    frames: list[Frame] = []
    for span in spans:
        tiles = _tiles(span, width * step, step)
        frames += [thin(evaluate(comparison.value, start, end), width) for start, end in tiles]
        frames.append(_nothing(span[1] + 1))
    frame = join(frames)
    order = nearest(frame, comparison.thresholds)
    return Trace(group, rule, comparison, _pick(frame, order[:keep]), max(0, len(order) - keep))


def _nothing(time: int) -> Frame:
    """A time without values, which ends the lines before it."""
    return Frame((), np.array([time]), np.zeros((0, 1)), np.zeros((0, 1), dtype=np.bool_))


_TILE = 4096
"""Evaluations at a time, so that memory does not grow with the length of the history."""


def _tiles(span: Span, bucket: int, step: int) -> Iterator[Span]:
    """The span in pieces of whole buckets; the times of all pieces are those of the span."""
    length = max(bucket, _TILE * step // bucket * bucket)
    for start in range(span[0], span[1] + 1, length):
        yield start, min(start + length - step, span[1])


def thin(frame: Frame, width: int) -> Frame:
    """Two times for every `width` of a frame, with the least and the greatest finite value of them, in their order.

    Native histograms are left out: nothing draws them.
    """
    usable = frame.present & np.isfinite(frame.values)
    if frame.histograms is not None:
        usable &= ~are_histograms(frame.histograms)
    count = len(frame.times)
    if width <= 2 or not count:
        return Frame(frame.labels, frame.times, np.where(usable, frame.values, 0.0), usable)
    buckets = -(-count // width)
    shape = (len(frame.labels), buckets, width)
    padding = ((0, 0), (0, buckets * width - count))
    there = np.pad(usable, padding).reshape(shape)
    values = np.pad(np.where(usable, frame.values, 0.0), padding).reshape(shape)
    low, high = np.where(there, values, np.inf), np.where(there, values, -np.inf)
    least, greatest = low.min(axis=2, initial=np.inf), high.max(axis=2, initial=-np.inf)
    falls = low.argmin(axis=2) > high.argmax(axis=2)
    pairs = np.stack([np.where(falls, greatest, least), np.where(falls, least, greatest)], axis=2)
    present = np.repeat(there.any(axis=2), 2, axis=1)
    times = np.stack(
        [frame.times[::width], frame.times[np.minimum(np.arange(buckets) * width + width // 2, count - 1)]]
    )
    flat = pairs.reshape(len(frame.labels), 2 * buckets)
    return Frame(frame.labels, times.T.reshape(-1), np.where(present, flat, 0.0), present)


def join(frames: Sequence[Frame]) -> Frame:
    """Frames of successive times as one, with the series of all of them."""
    labels = tuple(sorted({one for frame in frames for one in frame.labels}))
    row = {one: index for index, one in enumerate(labels)}
    times: Times = np.concatenate([np.empty(0, np.int64), *(frame.times for frame in frames)])
    values: Values = np.zeros((len(labels), len(times)))
    present: Mask = np.zeros((len(labels), len(times)), dtype=np.bool_)
    column = 0
    for frame in frames:
        rows = [row[one] for one in frame.labels]
        values[rows, column : column + len(frame.times)] = frame.values
        present[rows, column : column + len(frame.times)] = frame.present
        column += len(frame.times)
    return Frame(labels, times, values, present)


def nearest(frame: Frame, limits: Iterable[Threshold]) -> list[int]:
    """The series that have values, those that came nearest to a threshold, or went furthest past it, first."""
    margin = np.full(len(frame.labels), -np.inf)
    for limit in limits:
        distance = _past(limit, frame.values)
        margin = np.maximum(margin, np.where(frame.present, distance, -np.inf).max(axis=1, initial=-np.inf))
    seen: Mask = np.any(frame.present, axis=1).reshape(-1)
    return [int(index) for index in np.argsort(-margin, kind="stable") if seen[index]]


def _past(limit: Threshold, values: Values) -> Values:
    """How far values are past a threshold; negative where they have not come to it."""
    if limit.op in ("<", "<="):
        return limit.limit - values
    if limit.op in (">", ">="):
        return values - limit.limit
    gap: Values = np.abs(values - limit.limit)
    return -gap if limit.op == "==" else gap


def _pick(frame: Frame, rows: Sequence[int]) -> Frame:
    labels: tuple[Labels, ...] = tuple(frame.labels[row] for row in rows)
    return Frame(labels, frame.times, frame.values[list(rows)], frame.present[list(rows)])
