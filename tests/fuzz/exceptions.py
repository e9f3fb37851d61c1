"""Differences that are not the engine's: where Prometheus contradicts itself, or leaves the answer open."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from tests.fuzz.answers import Answer, Case, agree, asked, of_prometheus_2, of_prometheus_3
from tests.prometheus import Prometheus, Rows

from tocsin.diagnostics import ProblemError
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
    VectorSelector,
    children,
    transform,
    unwrap,
    walk,
)
from tocsin.promql.parse import parse
from tocsin.promql.print import parenthesize, print_expr

REPEATS = 300
"""How often Prometheus is asked again for its other answers: Go walks over a small map from a random one of eight
places, so that of two series the second comes first in one walk of eight. Both orders are seen by then, but for one
time in 10^17."""

SAME_LABELS = "vector cannot contain metrics with the same labelset"


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
        again = asked(ask)
        if agree(again, got):
            return True
        if isinstance(again, str) or isinstance(expected, str) or isinstance(got, str):
            if isinstance(again, str) != isinstance(expected, str):
                return True
            continue
        open_samples |= {key for key in again | expected if again.get(key) != expected.get(key)}
        differing = {key for key in got | expected if got.get(key) != expected.get(key)}
        if differing <= open_samples or (open_samples and _rounded(differing, expected, got)):
            return True
    return False


def _rounded(differing: set[tuple[Labels, int]], expected: Answer, got: Answer) -> bool:
    """Whether the samples are on both sides and differ in their last bits only.

    Three series have six orders, of which a small map has three: where sums are seen to hang on the order, ours may be
    one of the others, and a sum that rounds alike in all of theirs may round differently in it.
    """
    assert isinstance(expected, dict)
    assert isinstance(got, dict)
    sides = [[side[key] for side in (expected, got) if len(side.get(key, b"")) == 8] for key in differing]
    pairs = [[float(struct.unpack(">d", bits)[0]) for bits in both] for both in sides]
    return all(len(pair) == 2 and math.isclose(*pair, rel_tol=1e-14) for pair in pairs)


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


def _failure_between_windows(
    case: Case, query: str, _ask: Callable[[], Rows], expected: Answer, got: Answer, server: Prometheus
) -> bool:
    """A range query fails where a subquery's expression does at a time that lies in none of its windows.

    It evaluates subqueries from the first window to the last, also where the steps leave gaps between them
    (promql/engine.go, `eval` of a SubqueryExpr). No instant query looks at such a time.
    """
    return (
        query == "range"
        and isinstance(expected, str)
        and any(isinstance(node, Subquery) for node in walk(parse(of_prometheus_3(case.text))))
        and _as_instant_queries(case, server) == got
    )


def _order_lost_in_a_range_query(
    case: Case, query: str, _ask: Callable[[], Rows], _expected: Answer, got: Answer, server: Prometheus
) -> bool:
    """In a range query the order of an operator's result is lost, so that sums of it round differently.

    It is put together from a Go map, and a map of up to eight series gives them in the order in which they first appear
    in the range, from one of them on: never as an instant query does, in which the order stays. The engine answers as
    an instant query of each step.
    """
    nodes = walk(parse(of_prometheus_3(case.text)))
    return query == "range" and any(map(_folds_a_result, nodes)) and _as_instant_queries(case, server) == got


def _folds_a_result(node: Expr) -> bool:
    """Whether the order of what an operator gives can show in this node."""
    if isinstance(node, Aggregation):
        folded = node.expr
    elif isinstance(node, Call) and node.function == "histogram_quantile":
        folded = node.args[1]
    else:
        return False
    return not isinstance(unwrap(folded), VectorSelector)


def _moving_parameter(
    case: Case, query: str, _ask: Callable[[], Rows], _expected: Answer, got: Answer, server: Prometheus
) -> bool:
    """In a range query a fixed selector in a parameter, as in `topk(scalar(v @ 100), w)`, moves with the steps.

    What is the same at every step is not looked for in parameters (promql/engine.go, `preprocessExprHelper`), so that
    the offset which stands for the `@` is that of the first step. The engine answers as an instant query of each step.
    """
    nodes = walk(parse(of_prometheus_3(case.text)))
    parameters = [node.param for node in nodes if isinstance(node, Aggregation) and node.param is not None]
    parts = (part for parameter in parameters for part in walk(parameter))
    is_fixed = any(isinstance(part, VectorSelector | Subquery) and part.at is not None for part in parts)
    return query == "range" and is_fixed and _as_instant_queries(case, server) == got


def _moving_window(
    case: Case, query: str, _ask: Callable[[], Rows], _expected: Answer, got: Answer, server: Prometheus
) -> bool:
    """In a range query the fixed window of `predict_linear(v[5m] @ 100, 1)` moves with the steps.

    It is not evaluated once for all of them (promql/functions.go, `AtModifierUnsafeFunctions`), as with every function
    that also has a parameter which hangs on the step; and its offset, which stands for the `@`, is that of the first
    step. The engine answers as an instant query of each step.
    """
    return query == "range" and has_moving_window(case.text) and _as_instant_queries(case, server) == got


def has_moving_window(text: str, within: type[Expr] = Expr) -> bool:
    """Whether something is evaluated at each step over a fixed window, somewhere below a node of some kind."""
    try:
        expr = parse(of_prometheus_3(text))
    except ProblemError:
        return False
    nodes = (node for outer in walk(expr) if isinstance(outer, within) for node in walk(outer))
    return any(isinstance(node, Call) and any(map(_fixed, node.args)) and _hangs_on_the_step(node) for node in nodes)


def _hangs_on_the_step(call: Call) -> bool:
    others = (part for argument in call.args if not _fixed(argument) for part in walk(argument))
    return call.function == "predict_linear" or any(isinstance(part, Call | VectorSelector) for part in others)


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


def _begins_with_the_query(
    case: Case, query: str, _ask: Callable[[], Rows], _expected: Answer, got: Answer, server: Prometheus
) -> bool:
    """A subquery whose first step happens to be the first of what is around it looks at another time for `@`.

    The offset that stands for an `@` is reckoned anew for a subquery, unless the two first steps are the same
    (promql/engine.go, `setOffsetForAtModifier` in `eval` of a SubqueryExpr), so the same query a moment later is right.
    The engine's answer is Prometheus's at every other step.
    """
    start, end = (case.start, case.end) if query == "range" else (int(query.removeprefix("instant ")),) * 2
    if isinstance(got, str) or not _shares_first_step(parse(of_prometheus_3(case.text)), start, (start, end)):
        return False
    if query != "range":
        return True
    later = _as_instant_queries(replace(case, start=case.start + case.step), server, ends=(start, end))
    return later == {key: bits for key, bits in got.items() if key[1] != start}


def _shares_first_step(node: Expr, start: int, ends: tuple[int, int]) -> bool:
    """Whether a subquery with an `@` in it has its first step at `start`, the first of what is around it."""
    if isinstance(node, Subquery):
        at = start if node.at is None else ends[node.at == "end"] if isinstance(node.at, str) else node.at
        step = node.step or 60_000
        first = -((node.offset + node.range - at) // step) * step
        fixed = any(isinstance(part, VectorSelector | Subquery) and part.at is not None for part in walk(node.expr))
        return (first == start and fixed) or _shares_first_step(node.expr, first, ends)
    return any(_shares_first_step(child, start, ends) for child in children(node))


def _as_instant_queries(case: Case, server: Prometheus, ends: tuple[int, int] | None = None) -> Answer:
    """The range query's answer, put together from an instant query for each of its steps."""
    start, end = ends or (case.start, case.end)
    meant = {"start()": start, "end()": end}
    text = re.sub(r"(start|end)\(\)", lambda found: f"{meant[found[0]] / 1000:.3f}", case.text)
    every: dict[tuple[Labels, int], bytes] = {}
    for at in range(case.start, case.end + 1, case.step):
        step = asked(partial(server.instant, text, at))
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
    again = asked(ask)
    return (
        agree(again, got)
        or _failure_between_windows(replace(case, text=text), query, ask, again, got, server)
        or _order_of_a_map(case, query, ask, again, got, server)
    )


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
    "a subquery fails between its windows in a range query": _failure_between_windows,
    "a fixed window moves in a range query": _moving_window,
    "a fixed parameter moves in a range query": _moving_parameter,
    "a subquery begins where the query begins": _begins_with_the_query,
    "parameter of the first step": _parameter_of_the_first_step,
    "Prometheus's answer changes from one time to the next": _order_of_a_map,
    "a range query loses the order of an operator's result": _order_lost_in_a_range_query,
}


def order_is_open(case: Case, at: int, got: Answer, server: Prometheus) -> str:
    """The name of the exception that explains why the same samples come in another order, or nothing.

    What is aggregated once, for the first step, keeps its order for all of them (`_parameter_of_the_first_step`).
    """
    texts = {"order of a map": case.text, "parameter of the first step": _hanging_on_the_time(case.text)}
    for name, text in texts.items():
        ask = partial(server.instant, text, at)
        orders = {tuple(asked(ask)) for _ in range(REPEATS)}
        if len(orders) > 1 or tuple(got) in orders:
            return name
    return ""
