"""One `eval` of a script to its mismatch, if it has one: every variant that Prometheus's own runner tries."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from tests.conformance.script import Eval, Fails
from tests.conformance.storage import Storage
from tests.conformance.values import Sample
from tests.histogram_notation import format_histogram

from tocsin.diagnostics import ProblemError
from tocsin.engine.evaluate import evaluate_range, evaluate_windows
from tocsin.engine.semantics import Failure, Semantics
from tocsin.histograms.model import Histogram
from tocsin.labels import Labels, format_labels
from tocsin.promql.ast import Call, Expr, MatrixSelector, String, Subquery, VectorSelector, children, unwrap, walk
from tocsin.promql.parse import parse
from tocsin.series import STALE_BITS, Objects, Values

Points: TypeAlias = dict[Labels, dict[int, Sample]]

SEMANTICS = Semantics(compat=3, delayed_names=True)
MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What an eval should have given and what it gave; `reason` is short, for counting."""

    expected: str
    got: str
    reason: str = "differs"


def mismatch(command: Eval, storage: Storage) -> Mismatch | None:
    """The first variant of an eval that does not give what is expected."""
    try:
        expr = parse(command.expr)
    except ProblemError as error:
        return _refused(command, error)
    try:
        return next(filter(None, _mismatches(command, expr, storage)), None)
    except ProblemError as error:
        return _refused(command, error)
    except Exception as error:  # a crash is what the report is for; it must not hide the evals after it
        return Mismatch(_described(command), f"a crash: {error!r}", "crash")


def is_float(command: Eval, storage: Storage) -> bool:
    """Whether an eval neither expects native histograms nor reads a series of them."""
    if any(map(_holds_histograms, _sequences(command))):
        return False
    try:
        return not storage.selected(parse(command.expr), storage.histograms)
    except ProblemError:
        named = re.findall(r"[a-zA-Z_:][\w:]*", command.expr)
        return not any(("__name__", name) in labels for labels in storage.histograms for name in named)


def _mismatches(command: Eval, expr: Expr, storage: Storage) -> Iterator[Mismatch | None]:
    if command.step is not None:
        yield _evaluated(command, expr, storage, command.start, command.end, command.step)
        return
    for variant, time in variants(expr, command.start):
        yield _instant(command, variant, storage, time)
        if not (command.fails or command.ordered or command.grid or isinstance(unwrap(variant), String)):
            yield _in_range_mode(command, variant, storage, time)


UNSAFE = frozenset(
    "days_in_month day_of_month day_of_week day_of_year hour minute month year predict_linear time timestamp "
    "start end range step".split()
)
"""Functions that give another result at another time though their arguments stand still (promql/functions.go)."""

ENDS = re.compile(r"\b(start|end|range|step)\(\)")
"""What gives another result in a range query (promql/promqltest/test.go)."""


def variants(expr: Expr, time: int) -> Iterator[tuple[Expr, int]]:
    """The expression at its time, and then with that time written into every selector, at other times too."""
    yield expr, time
    if any(isinstance(node, Call) and node.function in UNSAFE for node in walk(expr)):
        return
    fixed = at(expr, time)
    for other in (-10 * time, 0, time // 5, time, 10 * time) if time else (-1000, 0, 1000):
        yield fixed, other


def at(node: Expr, time: int) -> Expr:
    """`@ time` on every selector and subquery that has none; what stands in a subquery follows the subquery."""
    match node:
        case VectorSelector() | Subquery():
            return node if isinstance(node.at, int) else replace(node, at=time)
        case MatrixSelector(selector=selector) if not isinstance(selector.at, int):
            return replace(node, selector=replace(selector, at=time))
        case MatrixSelector():
            return node
    return _with_children(node, [at(child, time) for child in children(node)])


def _with_children(node: Expr, changed: Sequence[Expr]) -> Expr:
    new = {id(old): child for old, child in zip(children(node), changed, strict=True)}
    fields: dict[str, object] = {}
    for name in ("param", "expr", "lhs", "rhs"):
        if isinstance(old := getattr(node, name, None), Expr):
            fields[name] = new[id(old)]
    if isinstance(node, Call):
        fields["args"] = tuple(changed)
    return replace(node, **fields) if fields else node  # type: ignore[arg-type]  # the node's own fields


def _instant(command: Eval, expr: Expr, storage: Storage, time: int) -> Mismatch | None:
    if command.grid:
        return _range_vector(command, expr, storage, time)
    if isinstance(literal := unwrap(expr), String):
        return None if literal.value == command.result else Mismatch(_described(command), repr(literal.value))
    return _evaluated(command, expr, storage, time, time, 1)


def _range_vector(command: Eval, expr: Expr, storage: Storage, time: int) -> Mismatch | None:
    assert command.grid is not None
    windows, failures = evaluate_windows(expr, storage.recording, time, replace(SEMANTICS, ends=(time, time)))
    if failures:
        return Mismatch(_described(command), failures[0].problem.message)
    got: Points = {}
    for s, labels in enumerate(windows.labels):
        for k in range(windows.lo[s, 0], windows.hi[s, 0]):
            got.setdefault(labels, {})[int(windows.times[k])] = _sample(windows.values, windows.histograms, k)
    start, _end, step = command.grid
    return _compared(_expected(command, start, step), got)


def _in_range_mode(command: Eval, expr: Expr, storage: Storage, time: int) -> Mismatch | None:
    """A range query around the time must give the same in its middle."""
    if ENDS.search(command.expr):
        return None
    result = evaluate_range(
        expr, storage.recording, time - MINUTE, time + MINUTE, MINUTE, _semantics(time - MINUTE, time + MINUTE)
    )
    if result.failures:
        return Mismatch(_described(command), f"in range mode: {result.failures[0].problem.message}")
    frame = result.frame
    got: Points = {
        labels: {time: _sample(frame.values, frame.histograms, (s, 1))}
        for s, labels in enumerate(frame.labels)
        if frame.present[s, 1]
    }
    found = _compared(_expected(command, time, 1), got)
    return None if found is None else replace(found, got=f"in range mode: {found.got}")


def _semantics(start: int, end: int) -> Semantics:
    return replace(SEMANTICS, ends=(start, end))


def _evaluated(command: Eval, expr: Expr, storage: Storage, start: int, end: int, step: int) -> Mismatch | None:
    result = evaluate_range(expr, storage.recording, start, end, step, _semantics(start, end))
    if command.fails is not None:
        return _failed(command, command.fails, result.failures)
    if result.failures:
        return Mismatch(_described(command), f"the error: {result.failures[0].problem.message}", "fails")
    frame = result.frame
    got: Points = {}
    for s, labels in enumerate(frame.labels):
        for t, time in enumerate(frame.times):
            if frame.present[s, t]:
                got.setdefault(labels, {})[int(time)] = _sample(frame.values, frame.histograms, (s, t))
    expected = _expected(command, start, step)
    if command.ordered and list(expected) != list(got):
        return Mismatch(_in_order(expected), _in_order(got), "order")
    return _compared(expected, got)


def _failed(command: Eval, fails: Fails, failures: Sequence[Failure]) -> Mismatch | None:
    if not failures:
        return Mismatch(_described(command), "a result", "does not fail")
    message = failures[0].problem.message
    if fails.message not in (None, message) or (fails.pattern and not re.search(fails.pattern, message)):
        return Mismatch(_described(command), f"the error: {message}", "message")
    return None


def _refused(command: Eval, error: ProblemError) -> Mismatch | None:
    """What is not supported is no error of the expression."""
    message, fails = error.problem.message, command.fails
    if error.problem.code == "promql/unsupported":
        return Mismatch(_described(command), f"refused: {message}", message.partition(";")[0])
    if fails is None:
        return Mismatch(_described(command), f"refused: {message}", f"refused: {message}")
    if fails.message not in (None, message) or (fails.pattern and not re.search(fails.pattern, message)):
        return Mismatch(_described(command), f"the error: {message}", "message")
    return None


def _sequences(command: Eval) -> list[list[Sample | None]]:
    return [] if isinstance(command.result, float | str) else [sequence for _labels, sequence in command.result]


def _holds_histograms(sequence: Sequence[Sample | None]) -> bool:
    return any(isinstance(sample, Histogram) for sample in sequence)


def _sample(values: Values, histograms: Objects | None, place: int | tuple[int, int]) -> Sample:
    histogram: Histogram | None = None if histograms is None else histograms[place]
    return float(values[place]) if histogram is None else histogram


def _expected(command: Eval, start: int, step: int) -> Points:
    if isinstance(command.result, float):
        return {(): {start: command.result}}
    assert not isinstance(command.result, str)
    return {
        labels: {start + k * step: sample for k, sample in enumerate(sequence) if sample is not None}
        for labels, sequence in command.result
    }


def _compared(expected: Points, got: Points) -> Mismatch | None:
    """The first series that differs."""
    for labels in dict.fromkeys([*expected, *got]):
        want, have = expected.get(labels), got.get(labels)
        if want is None or have is None or not _agree(want, have):
            name = format_labels(labels)
            return Mismatch(f"{name} {_shown(want)}", f"{name} {_shown(have)}")
    return None


def _agree(want: Mapping[int, Sample], have: Mapping[int, Sample]) -> bool:
    return want.keys() == have.keys() and all(agree(want[time], have[time]) for time in want)


EPSILON = 1e-6
SMALLEST_NORMAL = 2.0**-1022


def agree(want: Sample, have: Sample) -> bool:
    """Prometheus's tolerance (util/almost): a relative error of 1e-6, and of NaN only whether it marks staleness."""
    if isinstance(want, Histogram) and isinstance(have, Histogram):
        return _alike(want.compacted(), have.compacted())
    if isinstance(want, Histogram) or isinstance(have, Histogram):
        return False
    if math.isnan(want) or math.isnan(have):
        return math.isnan(want) and math.isnan(have) and _is_stale(want) == _is_stale(have)
    if want == have:
        return True
    total, difference = abs(want) + abs(have), abs(want - have)
    if want == 0 or have == 0 or total < SMALLEST_NORMAL:
        return difference < EPSILON * SMALLEST_NORMAL
    return difference / min(total, 1.7976931348623157e308) < EPSILON


def _alike(want: Histogram, have: Histogram) -> bool:
    """The same buckets with nearly the same numbers, and the hint if one is wanted (`compareNativeHistogram`)."""
    return (
        want.schema == have.schema
        and want.bounds == have.bounds
        and want.hint in ("unknown", have.hint)
        and all(agree(getattr(want, name), getattr(have, name)) for name in ("count", "sum", "zero_count"))
        and agree(want.zero_threshold, have.zero_threshold)
        and all(
            list(one) == list(other) and all(map(agree, one.values(), other.values()))
            for one, other in ((want.positive, have.positive), (want.negative, have.negative))
        )
    )


def _is_stale(value: float) -> bool:
    return bool(struct.unpack("<Q", struct.pack("<d", value))[0] == STALE_BITS)


def _shown(points: Mapping[int, Sample] | None) -> str:
    if points is None:
        return "(absent)"
    written = ((format_histogram(value) if isinstance(value, Histogram) else repr(value)) for value in points.values())
    return " ".join(f"{value}@{t}" for t, value in zip(points, written, strict=True))


def _in_order(points: Points) -> str:
    return " then ".join(map(format_labels, points))


def _described(command: Eval) -> str:
    if command.fails is not None:
        wanted = command.fails.message or command.fails.pattern
        return f"the error: {wanted}" if wanted else "an error"
    if isinstance(command.result, float | str):
        return repr(command.result)
    return ", ".join(format_labels(labels) for labels, _sequence in command.result) or "nothing"
