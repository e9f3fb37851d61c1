"""What Prometheus evaluates once, and that a subquery without steps evaluates it too."""

from __future__ import annotations

import pytest
from tests.evaluations import recording
from tests.prometheus import prometheus

from tocsin.engine.evaluate import evaluate, evaluate_instant
from tocsin.engine.invariant import invariants
from tocsin.engine.semantics import Grid, Semantics
from tocsin.labels import from_mapping
from tocsin.promql.parse import parse
from tocsin.promql.print import print_expr

MINUTE = 60_000
DATA = {from_mapping({"__name__": "m", "i": i}): [(t * MINUTE, float(t)) for t in range(20)] for i in "ab"}
SAME = 'label_join(m @ 300, "i", "")'


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("m @ 5", ["m @ 5.000"]),
        ("m", []),
        ("1 + 2", ["1 + 2"]),
        ("m + 1", []),
        ("m + sum(m @ 5)", ["sum(m @ 5.000)"]),
        ("topk(scalar(m), m @ 5)", ["topk(scalar(m), m @ 5.000)"]),
        ("timestamp(m @ 5)", ["m @ 5.000"]),
        ("predict_linear(m[5m] @ 5, 60) + rate(m[5m] @ 5)", ["m[5m] @ 5.000", "rate(m[5m] @ 5.000)"]),
        ("max_over_time((m @ 5)[5m:1m])", ["(m @ 5.000)"]),
        ("max_over_time(m[5m:1m] @ 5)", ["max_over_time(m[5m:1m] @ 5.000)"]),
        ("-(m @ end())", ["-(m @ end())"]),
    ],
)
def test_the_largest_parts_that_hang_on_no_step(text: str, parts: list[str]) -> None:
    assert [print_expr(part) for part in invariants(parse(text))] == parts


QUERIES = [
    (f"sum_over_time({SAME}[20s:1m])", True),
    (f"sum_over_time(({SAME} + m)[20s:1m])", True),
    (f"sum_over_time((m + on () group_left {SAME})[20s:1m])", True),
    (f"sum_over_time(timestamp({SAME})[20s:1m])", True),
    ("sum_over_time((m @ 300)[20s:1m])", False),
    ("sum_over_time((m @ 300 + on () m @ 300)[20s:1m])", True),
    ('sum_over_time(label_join(m, "i", "")[20s:1m])', False),
    (f"sum_over_time({SAME}[20s:1m] @ 600)", True),
]


@pytest.mark.parametrize(("text", "fails"), QUERIES)
def test_a_subquery_without_steps_fails_where_that_fails(text: str, fails: bool) -> None:
    result = evaluate_instant(parse(text), recording(DATA), 10 * MINUTE + 30_000, Semantics(compat=2))
    assert bool(result.failures) == fails
    assert not result.frame.labels


def test_steps_with_and_without_inner_ones() -> None:
    """Of three windows of 50 s the second holds no full minute."""
    expr = parse(f"sum_over_time({SAME}[50s:1m])")
    grid = Grid(10 * MINUTE + 10_000, 11 * MINUTE + 40_000, 45_000)
    (results,) = list(evaluate([expr], recording(DATA), grid, Semantics(compat=2)))
    assert results[0].failed.tolist() == [True] * 3


@pytest.mark.live("prometheus")
def test_as_prometheus_does() -> None:
    with prometheus(DATA) as server:
        for text, fails in QUERIES:
            answer = server.query(text, 10 * MINUTE + 30_000)
            assert answer == (None if fails else {}), text
