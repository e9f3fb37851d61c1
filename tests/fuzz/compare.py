"""An expression to how the engine and Prometheus differ on it, and which differences Prometheus itself leaves open."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeAlias

from tests.oracle_numbers import bits_of
from tests.prometheus import Prometheus, QueryFailed, Rows

from tocsin.diagnostics import ProblemError
from tocsin.engine.evaluate import evaluate_range
from tocsin.engine.semantics import Result, Semantics
from tocsin.labels import Labels
from tocsin.promql.ast import (
    Aggregation,
    Binary,
    Call,
    Expr,
    Matching,
    MatrixSelector,
    Number,
    String,
    Subquery,
    ValueType,
    transform,
    unwrap,
    walk,
)
from tocsin.promql.parse import parse
from tocsin.promql.print import parenthesize, print_expr
from tocsin.series import Recording

Answer: TypeAlias = dict[tuple[Labels, int], bytes] | str
"""The bits of each value by labels and time, or the message of an error."""

REPEATS = 60
"""How often Prometheus is asked again for its other answers: a map of two series gives both orders by then, but for
one time in 10^18."""

CRASH = "crash: "

SAME_LABELS = "vector cannot contain metrics with the same labelset"


class Refused(Exception):  # noqa: N818
    """The engine says that it does not support the expression."""


@dataclass(frozen=True)
class Case:
    """An expression, a range query's grid, and the times of it that are asked for as instant queries too."""

    text: str
    start: int
    end: int
    step: int
    instants: tuple[int, ...]


@dataclass(frozen=True)
class Difference:
    case: Case
    query: str
    expected: Answer
    got: Answer

    def __str__(self) -> str:
        case = self.case
        lines = [f"{self.query}: {case.text}", f"  start={case.start} end={case.end} step={case.step}"]
        if isinstance(self.expected, str) or isinstance(self.got, str):
            told = (
                answer if isinstance(answer, str) else f"{len(answer)} samples" for answer in (self.expected, self.got)
            )
            return "\n".join([*lines, "  expected {}\n  got {}".format(*told)])
        keys = sorted(key for key in self.expected | self.got if self.expected.get(key) != self.got.get(key))
        for key in keys[:4]:
            expected, got = self.expected.get(key), self.got.get(key)
            lines.append(f"  {dict(key[0])} at {key[1]}: expected {_number(expected)}, got {_number(got)}")
        return "\n".join([*lines, f"  {len(keys)} of {len(self.expected | self.got)} samples differ"])


@dataclass
class Verdict:
    """What comparing a case found: differences, the names of the exceptions, whether there were samples or errors."""

    differences: list[Difference] = field(default_factory=list)
    exceptions: list[str] = field(default_factory=list)
    samples: int = 0
    failed: int = 0
    queries: int = 0


def compare(case: Case, server: Prometheus, recording: Recording) -> Verdict:
    """Ask for the range and the instants; raises Refused."""
    verdict = Verdict()
    whole = _engine(case, recording, ends=(case.start, case.end))
    _judge(verdict, case, "range", partial(server.range, case.text, case.start, case.end, case.step), whole, server)
    steps = _engine(case, recording, ends=None) if _depends_on_ends(case.text) else whole
    for at in case.instants:
        _judge(verdict, case, f"instant {at}", partial(server.instant, case.text, at), _step(steps, at), server)
    return verdict


def _judge(
    verdict: Verdict, case: Case, query: str, ask: Callable[[], Rows], result: Result | str, server: Prometheus
) -> None:
    expected, got = _asked(ask), _told(result)
    verdict.queries += 1
    verdict.failed += isinstance(expected, str)
    verdict.samples += 0 if isinstance(expected, str) else len(expected)
    if agree(expected, got):
        return
    for name, holds in EXCEPTIONS.items():
        if holds(case, query, ask, expected, got, server):
            verdict.exceptions.append(name)
            return
    verdict.differences.append(Difference(case, query, expected, got))


def agree(expected: Answer, got: Answer) -> bool:
    if isinstance(got, str) and got.startswith(CRASH):
        return False
    return isinstance(got, str) if isinstance(expected, str) else expected == got


# --- what Prometheus leaves open -------------------------------------------------------------------------------------


def _order_of_a_map(
    _case: Case, _query: str, ask: Callable[[], Rows], expected: Answer, got: Answer, _server: Prometheus
) -> bool:
    """Prometheus's own answer changes from one time to the next, and ours differs from it only where it does so.

    In range evaluation, so also in subqueries, it takes the series of an operator's result from a Go map, whose order
    is random (promql/engine.go, `rangeEval`), as `histogram_quantile` and `count_values` do: sums round differently,
    ties of `topk` fall differently, and which of two errors comes first is open.
    """
    open_samples: set[tuple[Labels, int]] = set()
    for _ in range(REPEATS):
        again = _asked(ask)
        if agree(again, got):
            return True
        if isinstance(again, str) or isinstance(expected, str) or isinstance(got, str):
            if isinstance(again, str) != isinstance(expected, str):
                return True
            continue
        open_samples |= {key for key in again | expected if again.get(key) != expected.get(key)}
        if {key for key in got | expected if got.get(key) != expected.get(key)} <= open_samples:
            return True
    return False


def _duplicates_at_different_steps(
    case: Case, query: str, _ask: Callable[[], Rows], expected: Answer, got: Answer, server: Prometheus
) -> bool:
    """A range query fails where two series have the same labels at different steps, though no instant query does.

    Functions of a range vector look for duplicates among the series of the whole range (promql/engine.go,
    `ContainsSameLabelset`). The engine answers as an instant query of each step, which is how rules are evaluated.
    """
    return (
        query == "range"
        and isinstance(expected, str)
        and SAME_LABELS in expected
        and _as_instant_queries(case, server) == got
    )


def _moving_window(
    case: Case, query: str, _ask: Callable[[], Rows], _expected: Answer, got: Answer, server: Prometheus
) -> bool:
    """In a range query the fixed window of `predict_linear(v[5m] @ 100, 1)` moves with the steps.

    It is not evaluated once for all of them (promql/functions.go, `AtModifierUnsafeFunctions`), and its offset, which
    stands for the `@`, is that of the first step. The engine answers as an instant query of each step.
    """
    return query == "range" and has_moving_window(case.text) and _as_instant_queries(case, server) == got


def has_moving_window(text: str, within: type[Expr] = Expr) -> bool:
    """Whether there is a `predict_linear` over a fixed window, somewhere below a node of some kind."""
    try:
        expr = parse(of_prometheus_3(text))
    except ProblemError:
        return False
    nodes = (node for outer in walk(expr) if isinstance(outer, within) for node in walk(outer))
    return any(isinstance(node, Call) and node.function == "predict_linear" and _fixed(node.args[0]) for node in nodes)


def _fixed(window: Expr) -> bool:
    window = unwrap(window)
    at = (
        window.selector.at
        if isinstance(window, MatrixSelector)
        else window.at
        if isinstance(window, Subquery)
        else None
    )
    return at is not None


def _as_instant_queries(case: Case, server: Prometheus) -> Answer:
    """The range query's answer, put together from an instant query for each of its steps."""
    ends = {"start()": case.start, "end()": case.end}
    text = re.sub(r"(start|end)\(\)", lambda found: f"{ends[found[0]] / 1000:.3f}", case.text)
    every: dict[tuple[Labels, int], bytes] = {}
    for at in range(case.start, case.end + 1, case.step):
        step = _asked(partial(server.instant, text, at))
        if isinstance(step, str):
            return step
        every |= step
    return every


def _parameter_of_the_first_step(
    case: Case, query: str, _ask: Callable[[], Rows], _expected: Answer, got: Answer, server: Prometheus
) -> bool:
    """An aggregation over what is the same at every step takes its parameter from the first, though that may change.

    To see whether an aggregation can be evaluated once for all steps, Prometheus looks at its vector and not at its
    parameter (promql/engine.go, `preprocessExprHelper`), so a range query or a subquery differs from instant queries.
    Asked again with vectors that hang on the time, it gives our answer.
    """
    text = _hanging_on_the_time(case.text)
    if text == case.text:
        return False
    if query == "range":
        ask = partial(server.range, text, case.start, case.end, case.step)
    else:
        ask = partial(server.instant, text, int(query.removeprefix("instant ")))
    again = _asked(ask)
    return agree(again, got) or _order_of_a_map(case, query, ask, again, got, server)


def _hanging_on_the_time(text: str) -> str:
    """The expression with `v and on () vector(time())` for each vector `v` that is aggregated with a parameter."""
    now = Call("vector", (Call("time", (), ValueType.SCALAR),), ValueType.VECTOR)

    def change(node: Expr) -> Expr:
        if not isinstance(node, Aggregation) or node.param is None or isinstance(node.param, Number | String):
            return node
        matching = Matching(on=True, cardinality="many-to-many")
        return replace(node, expr=Binary("and", node.expr, now, matching=matching))

    try:
        expr = parse(of_prometheus_3(text))
    except ProblemError:
        return text
    changed = transform(expr, change)
    return text if changed is expr else of_prometheus_2(print_expr(parenthesize(changed)))


Exception_: TypeAlias = Callable[[Case, str, Callable[[], Rows], Answer, Answer, Prometheus], bool]

EXCEPTIONS: dict[str, Exception_] = {
    "duplicates at different steps of a range query": _duplicates_at_different_steps,
    "predict_linear's fixed window moves in a range query": _moving_window,
    "parameter of the first step": _parameter_of_the_first_step,
    "Prometheus's answer changes from one time to the next": _order_of_a_map,
}


# --- the two answers -------------------------------------------------------------------------------------------------


def _asked(ask: Callable[[], Rows]) -> Answer:
    try:
        rows = ask()
    except QueryFailed as failed:
        return f"error: {failed}"
    found = {(labels, time): bits_of(value) for labels, points in rows for time, value in points.items()}
    twice = sum(len(points) for _, points in rows) - len(found)
    assert not twice, f"Prometheus gives {twice} samples of the same series and time twice"
    return found


def _engine(case: Case, recording: Recording, ends: tuple[int, int] | None) -> Result | str:
    """The engine's result; the message of an error that no step escapes."""
    try:
        expr = parse(of_prometheus_3(case.text))
        return evaluate_range(expr, recording, case.start, case.end, case.step, Semantics(compat=2, ends=ends))
    except ProblemError as error:
        if error.problem.code == "promql/unsupported":
            raise Refused(error.problem.message) from error
        return f"error: {error.problem.message}"
    except Exception as crash:
        # A crash is a difference too, and is no reason to lose the rest of the run.
        return f"{CRASH}{crash!r}"


def of_prometheus_3(text: str) -> str:
    """The engine knows functions by their newer names."""
    return text.replace("holt_winters(", "double_exponential_smoothing(")


def of_prometheus_2(text: str) -> str:
    return text.replace("double_exponential_smoothing(", "holt_winters(")


def _step(result: Result | str, at: int) -> Result | str:
    """The result as of one step."""
    if isinstance(result, str):
        return result
    column = result.frame.times == at
    frame = result.frame
    cut = type(frame)(frame.labels, frame.times[column], frame.values[:, column], frame.present[:, column])
    return Result(cut, tuple(type(f)(f.at[column], f.problem) for f in result.failures))


def _told(result: Result | str) -> Answer:
    if isinstance(result, str):
        return result
    for failure in result.failures:
        if failure.at.any():
            return f"error: {failure.problem.message}"
    return dict(_samples(result))


def _samples(result: Result) -> Iterator[tuple[tuple[Labels, int], bytes]]:
    frame = result.frame
    for row, labels in enumerate(frame.labels):
        for column in frame.present[row].nonzero()[0]:
            yield (labels, int(frame.times[column])), bits_of(float(frame.values[row, column]))


def _depends_on_ends(text: str) -> bool:
    return "start()" in text or "end()" in text


def _number(bits: bytes | None) -> str:
    return "nothing" if bits is None else "NaN" if bits == b"NaN" else repr(struct.unpack(">d", bits)[0])
