"""What the fuzz test found: one example each, with the answers of a live Prometheus 2.42."""

from __future__ import annotations

from math import nan

import pytest
from tests.evaluations import recording
from tests.oracle_numbers import Samples

from tocsin.engine.evaluate import evaluate_range
from tocsin.engine.semantics import Semantics
from tocsin.labels import Labels, from_mapping
from tocsin.promql.parse import parse

START = 1_700_000_040_000
MINUTE = 60_000

Row = list[float | None]


def minutes(*values: float, **labels: str) -> dict[Labels, Samples]:
    return {from_mapping({"__name__": "g", **labels}): [(START + k * MINUTE, v) for k, v in enumerate(values)]}


def rows(text: str, data: dict[Labels, Samples], steps: int = 3) -> tuple[list[Row], list[bool]]:
    """The values of each series by minute, and at which the evaluation fails."""
    result = evaluate_range(
        parse(text), recording(data), START, START + (steps - 1) * MINUTE, MINUTE, Semantics(compat=2)
    )
    frame = result.frame
    found: list[Row] = [
        [float(value) if there else None for value, there in zip(values, present, strict=True)]
        for values, present in zip(frame.values, frame.present, strict=True)
    ]
    return found, result.failed.tolist()


@pytest.mark.parametrize("text", ["sum_over_time(g @ start()[2m:])", "sum_over_time((g @ end())[2m:] @ 1700000400)"])
def test_the_ends_inside_a_subquery_are_the_step(text: str) -> None:
    assert rows(text, minutes(1, 2, 3)) == ([[3.0, 6.0, 9.0]], [False] * 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("timestamp(g @ 1700000160)", 1_700_000_160.0),
        ("timestamp(g @ 1700000160 offset 1m)", 1_700_000_100.0),
        ("timestamp(g @ 1700000100 offset -1m)", 1_700_000_100.0),
        ("timestamp(g @ 1700000460 offset 5m)", 1_700_000_160.0),
        ("timestamp(g @ 1700000460 offset 5m1ms)", None),
        ("timestamp(g @ 1700000460 offset 3m)", 1_700_000_160.0),
        ("timestamp(g @ 1700000520 offset 3m)", None),
    ],
)
def test_timestamp_loses_an_offset_that_stands_with_a_time(text: str, expected: float | None) -> None:
    found, _failed = rows(text, minutes(1, 2, 3), steps=1)
    assert found == ([] if expected is None else [[expected]])


def test_smoothing_looks_at_its_factors_where_there_are_samples() -> None:
    assert rows("double_exponential_smoothing(nothing[5m], 2, 0.5)", minutes(1)) == ([], [False] * 3)
    factor = f"(time() - {START // 1000}) / 120"
    found, failed = rows(f"double_exponential_smoothing(g[5m], {factor}, 0.5)", minutes(1, 2, 3))
    assert (found, failed) == ([[None, 2.0, None]], [True, False, True])
    assert rows("double_exponential_smoothing(g[5m], 0.5, NaN)", minutes(1, 2))[1] == [False] * 3


@pytest.mark.parametrize(
    ("bound", "expected"),
    [("1_0", 10.0), ("0x_1p3", 8.0), ("1__0", 1.0), ("1e999", 1.0), ("0x1", 1.0), (" 2", 1.0), ("+nan", 1.0)],
)
def test_bounds_of_buckets_are_read_as_go_reads_them(bound: str, expected: float) -> None:
    data = minutes(1, le="1") | minutes(3, le=bound) | minutes(9, le="+Inf")
    assert rows("histogram_quantile(1, g)", data, steps=1) == ([[expected]], [False])


def ordered(text: str, data: dict[Labels, Samples]) -> list[str]:
    """What tells the series apart, in the order of an instant query."""
    result = evaluate_range(parse(text), recording(data), START, START, 1, Semantics(compat=2))
    return ["".join(value for name, value in labels if name != "__name__") for labels in result.frame.labels]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sort(g)", ["b", "a", "d", "f", "e", "c"]),
        ("sort_desc(g)", ["a", "d", "b", "f", "e", "c"]),
        ("sort(sgn(bottomk(3, g)))", ["b", "a", "d"]),
        ('count_values("v", topk(3, g))', ["2", "1"]),
        ("delta(sort(bottomk(2, -g @ end()))[2m:])", ["a", "d"]),
        ("delta(sort(bottomk(1, g @ end()) or g @ end())[2m:])", ["b", "a", "d", "f", "e", "c"]),
    ],
)
def test_equal_values_stay_in_their_order_and_nans_turn_theirs(text: str, expected: list[str]) -> None:
    data: dict[Labels, Samples] = {}
    for name, value in {"a": 2.0, "b": 1.0, "c": nan, "d": 2.0, "e": nan, "f": nan}.items():
        data |= minutes(value, n=name)
    assert ordered(text, data) == expected


def test_groups_of_groups_stay_in_the_order_in_which_the_first_series_are_met() -> None:
    data = minutes(1, k="0", n="p")  # one sample has no delta
    for k, name in enumerate("qqqqqrp", start=1):
        data[from_mapping({"__name__": "g", "k": str(k), "n": name})] = [(START - MINUTE, 1.0), (START, 1.0)]
    assert ordered("avg without () (count by (n) (delta(g[5m])))", data) == ["q", "r", "p"]


def test_zeros_of_both_signs_are_two_values() -> None:
    found, _failed = rows('count_values("v", g)', minutes(0.0, -0.0, 0.0))
    assert sorted(found, key=str) == [[1.0, None, 1.0], [None, 1.0, None]]


@pytest.mark.parametrize("text", ['absent((nothing{a="1"}))', 'absent_over_time(((nothing{a="1"}[5m])))'])
def test_absent_looks_into_parentheses(text: str) -> None:
    result = evaluate_range(parse(text), recording(minutes(1)), START, START, 1, Semantics(compat=2))
    assert result.frame.labels == ((("a", "1"),),)
