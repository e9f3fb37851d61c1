"""The newer functions of PromQL: what Prometheus 3 documents of them, hand-computed values, and slow twins."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evaluations import GRID, answer_at, answer_bits, asked, at, error, one, prepared, recording
from tests.oracle_numbers import Samples
from tests.prometheus import Answer
from tests.promql_samples import START

from tocsin.diagnostics import ProblemError
from tocsin.engine.evaluate import evaluate, evaluate_instant, evaluate_range
from tocsin.engine.ratio import offset_of
from tocsin.engine.semantics import Grid, Semantics
from tocsin.functions.sorting import precedes
from tocsin.labels import Labels, from_mapping, get
from tocsin.promql.parse import parse

METRIC = one(1.0, 2.0, 3.0, __name__="m")


def histogram(counts: Mapping[str, float], name: str = "h", **labels: str) -> dict[Labels, Samples]:
    """A classic histogram: counts by `le`."""
    return {from_mapping({"__name__": name, "le": le, **labels}): [(START, n)] for le, n in counts.items()}


def value(answer: Answer) -> float:
    assert isinstance(answer, dict)
    (only,) = answer.values()
    return only


# Histograms

SPREAD = histogram({"1": 10, "2": 30, "4": 40, "+Inf": 50})


@pytest.mark.parametrize(
    ("low", "high", "share"),
    [
        ("0", "1", 10 / 50),
        ("0.5", "1.5", (20 - 5) / 50),
        ("-Inf", "+Inf", 1.0),
        ("2", "+Inf", 20 / 50),
        ("4", "1000", 0.0),  # nothing is known of the last bucket but that it has no end
        ("3", "3", 0.0),
        ("3", "1", 0.0),
        ("NaN", "1", math.nan),
        ("-5", "0", 0.0),
    ],
)
def test_a_fraction_is_spread_evenly_over_a_bucket(low: str, high: str, share: float) -> None:
    got = value(at(f"histogram_fraction({low}, {high}, h)", SPREAD, 0))
    assert got == share or (math.isnan(got) and math.isnan(share))


def test_the_first_bucket_has_no_beginning_where_its_bound_is_not_above_zero() -> None:
    data = histogram({"-1": 10, "1": 30, "+Inf": 30})
    assert value(at("histogram_fraction(-Inf, -5, h)", data, 0)) == 10 / 30
    assert value(at("histogram_fraction(-5, 0, h)", data, 0)) == 10 / 30


def test_a_histogram_without_its_last_bucket_has_no_fraction() -> None:
    assert math.isnan(value(at("histogram_fraction(0, 1, h)", histogram({"1": 1, "2": 2}), 0)))
    assert math.isnan(value(at("histogram_fraction(0, 1, h)", histogram({"1": 0, "+Inf": 0}), 0)))


def test_2_42_has_no_fractions_of_classic_histograms() -> None:
    assert at("histogram_fraction(0, 1, h)", SPREAD, 0, compat=2) == {}


bounds = st.lists(st.integers(-8, 8), min_size=1, max_size=6, unique=True).map(sorted)
edges = st.floats(-10, 10)


@given(bounds, st.data(), edges, edges)
def test_fractions_agree_with_the_ranks_of_their_edges(
    uppers: list[int], draw: st.DataObject, low: float, high: float
) -> None:
    """The share is the difference of two ranks, each found by a scan of the bucket that holds the edge."""
    sizes = draw.draw(st.lists(st.integers(0, 9), min_size=len(uppers) + 1, max_size=len(uppers) + 1))
    counts = [float(n) for n in np.cumsum(sizes)]
    data = histogram({str(le): n for le, n in zip([*uppers, "+Inf"], counts, strict=True)})

    def rank(edge: float) -> float:
        starts = [-math.inf if uppers[0] <= 0 else 0.0, *map(float, uppers)]
        ends = [*map(float, uppers), math.inf]
        for start, end, below, count in zip(starts, ends, [0.0, *counts], counts, strict=False):
            if edge <= start:
                return below
            if edge < end:
                return count if math.isinf(start) else below + (count - below) * (edge - start) / (end - start)
        return counts[-1]

    expected = math.nan if counts[-1] == 0 else max(rank(high) - rank(low), 0.0) / counts[-1]
    got = value(at(f"histogram_fraction({low!r}, {high!r}, h)", data, 0))
    assert got == expected or (math.isnan(got) and math.isnan(expected))


def test_quantiles_are_each_a_quantile_with_its_number_as_a_label() -> None:
    data = SPREAD | histogram({"1": 5, "+Inf": 10}, job="b")
    answer = at('histogram_quantiles(h, "q", 0.5, 0, 1, 1e-7, NaN, +Inf)', data, 0)
    assert isinstance(answer, dict)
    assert {get(labels, "q") for labels in answer} == {"0.5", "0.0", "1.0", "1e-07", "NaN", "+Inf"}
    for quantile in ("0.5", "0.0", "1.0", "1e-07"):
        alone = at(f"histogram_quantile({quantile}, h)", data, 0)
        assert isinstance(alone, dict)
        for labels, expected in alone.items():
            assert answer[from_mapping({**dict(labels), "q": quantile})] == expected


def test_a_quantile_that_changes_with_time_is_another_series() -> None:
    data = {labels: [(START, n), (START + 60_000, n)] for labels, ((_at, n),) in SPREAD.items()}
    text = f'histogram_quantiles(h, "q", (time() > bool {START // 1000}))'
    result = evaluate_range(parse(text), recording(data), START, START + 60_000, 60_000)
    assert {
        get(labels, "q"): row.tolist() for labels, row in zip(result.frame.labels, result.frame.present, strict=True)
    } == {
        "0.0": [True, False],
        "1.0": [False, True],
    }


def test_the_same_quantile_twice_is_the_same_series_twice() -> None:
    assert error('histogram_quantiles(h, "q", 0.5, 0.5)', SPREAD) == (
        "vector cannot contain metrics with the same labelset"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("double_exponential_smoothing(m[1m], Inf, 2)", "invalid smoothing factor. Expected: 0 < sf < 1, got: +Inf"),
        ("double_exponential_smoothing(m[1m], 0.5, -1)", "invalid trend factor. Expected: 0 < tf < 1, got: -1.000000"),
        (r"label_replace(m, 'a', 'b', 'own', '\\C')", r"invalid regular expression in label_replace(): \C"),
    ],
)
def test_faults_are_told_in_the_words_of_prometheus(text: str, message: str) -> None:
    assert error(text, METRIC) == message


# limit_ratio


def test_the_hash_of_labels_is_that_of_their_text_behind_its_length() -> None:
    # xxHash64 of no bytes at all, from its specification, and of the bytes 1 'a' 1 'b'.
    assert offset_of(()) == 0xEF46DB3751D8E999 / 2**64
    assert offset_of((("a", "b"),)) != offset_of((("a", "c"),))


def test_a_ratio_and_its_complement_share_the_series() -> None:
    data: dict[Labels, Samples] = {}
    for n in range(300):
        data |= one(float(n), __name__="g", n=str(n), half=str(n % 2))
    for ratio in (0.0, 0.1, 0.5, 0.9, 1.0):
        kept, rest = at(f"limit_ratio({ratio}, g)", data, 0), at(f"limit_ratio({ratio - 1}, g)", data, 0)
        assert isinstance(kept, dict)
        assert isinstance(rest, dict)
        if 0 < ratio < 1:
            assert kept.keys().isdisjoint(rest)
            assert kept.keys() | rest.keys() == data.keys()
        assert abs(len(kept) - 300 * ratio) < 40
    assert at("limit_ratio(7, g)", data, 0) == at("limit_ratio by (half) (-7, g)", data, 0) == at("g", data, 0)


def test_limit_ratio_names_a_ratio_that_is_no_number() -> None:
    assert error("limit_ratio(NaN, m)", METRIC) == "Ratio value is NaN"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("limitk(2, g)", "ba"),
        ("limitk(9, g)", "cdbae"),
        ("limitk by (x) (2, g)", "bacde"),
        ("limit_ratio(1, g)", "cdbae"),
        ("limit_ratio by (x) (-1, g)", "bacde"),
        ("limitk(-1e30, g)", ""),
    ],
)
def test_what_is_limited_stands_as_a_heap_holds_it(text: str, kept: str) -> None:
    data: dict[Labels, Samples] = {}
    for name, group, value in zip("abcde", "11223", (9.0, 3.0, math.nan, -0.0, 7.5), strict=True):
        data |= one(value, __name__="g", i=name, x=group)
    frame = evaluate_instant(parse(text), recording(data), START).frame
    assert "".join(get(labels, "i") for labels in frame.labels) == kept


# Order


def order(text: str, data: Mapping[Labels, Samples]) -> list[str]:
    frame = evaluate_instant(parse(text), recording(data), START).frame
    return [get(labels, "n") for labels in frame.labels]


def test_numbers_in_labels_are_ordered_as_numbers() -> None:
    names = ["a1", "a2", "a10", "a10b2", "a10b10", "b", "10", "9", "007"]
    data = {from_mapping({"__name__": "g", "n": name}): [(START, 1.0)] for name in names}
    expected = ["007", "9", "10", "a1", "a2", "a10", "a10b2", "a10b10", "b"]
    assert order('sort_by_label(g, "n")', data) == expected
    assert order('sort_by_label_desc(g, "n")', data) == expected[::-1]


def test_further_labels_decide_where_the_first_agree() -> None:
    data = one(1.0, __name__="g", n="2", j="a") | one(1.0, __name__="g", n="1", j="b")
    data |= one(1.0, __name__="g", n="10", j="a")
    assert order('sort_by_label(g, "j", "n")', data) == ["2", "10", "1"]
    assert order('sort_by_label(g, "none")', data) == ["10", "2", "1"]  # the order of all labels
    assert order('sort_by_label_desc(g, "j", "n")', data) == ["1", "10", "2"]


@given(st.lists(st.text("a1290", min_size=1, max_size=5), unique=True, max_size=8))
def test_the_natural_order_holds_wherever_prometheus_does_not_contradict_itself(names: list[str]) -> None:
    data = {from_mapping({"__name__": "g", "n": name}): [(START, 1.0)] for name in names}
    ordered = order('sort_by_label(g, "n")', data)
    assert sorted(ordered) == sorted(names)
    for first, second in pairwise(ordered):
        assert precedes(first, second) or not precedes(second, first)


# The query itself


@pytest.mark.parametrize(
    ("text", "expected"), [("start()", 100.0), ("end()", 130.5), ("range()", 30.5), ("step()", 7.0)]
)
def test_a_query_knows_its_range(text: str, expected: float) -> None:
    semantics = Semantics(ends=(100_000, 130_500))
    for whole in (text, f"last_over_time(vector({text})[10s:1s])"):
        result = evaluate_range(parse(whole), recording(METRIC), 100_000, 130_500, 7_000, semantics)
        assert result.frame.values.tolist() == [[expected] * 5]


def test_each_evaluation_of_a_rule_is_a_query_of_one_moment() -> None:
    grid = Grid(100_000, 130_000, 10_000)
    seconds = [100.0, 110.0, 120.0, 130.0]
    for text, expected in (
        ("start()", seconds),
        ("end()", seconds),
        ("range()", [0.0] * 4),
        ("step()", [0.0] * 4),
        ("min_over_time(vector(start())[15s:5s])", seconds),
    ):
        parts = [result for (result,) in evaluate([parse(text)], recording(METRIC), grid)]
        assert [value for part in parts for value in part.frame.values[0].tolist()] == expected, text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("min_of(3, 5)", 3.0), ("max_of(3, 5)", 5.0), ("max_of(-0, 0)", 0.0), ("min_of(1, NaN)", math.nan)],
)
def test_the_lesser_and_the_greater_of_two_numbers(text: str, expected: float) -> None:
    result = evaluate_instant(parse(text), recording(METRIC), START)
    assert repr(float(result.frame.values[0, 0])) == repr(expected)


# Fill

LEFT = one(10.0, __name__="l", k="a") | one(20.0, __name__="l", k="b")
RIGHT = one(100.0, __name__="r", k="a") | one(400.0, __name__="r", k="d")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("l + fill(0) r", {"a": 110.0, "b": 20.0, "d": 400.0}),
        ("l + fill_left(1) r", {"a": 110.0, "d": 401.0}),
        ("l + fill_right(1) r", {"a": 110.0, "b": 21.0}),
        ("l - fill_left(5) fill_right(7) r", {"a": -90.0, "b": 13.0, "d": -395.0}),
        ("l > fill(15) r", {"b": 20.0}),
        ("l < bool fill(15) r", {"a": 1.0, "b": 0.0, "d": 1.0}),
        ("l + fill(0) none", {"a": 10.0, "b": 20.0}),
        ("none + fill_right(0) l", {}),
        ("l * on (k) group_left fill_right(2) r", {"a": 1000.0, "b": 40.0}),
        ("l * on (k) group_right fill_left(2) r", {"a": 1000.0, "b": 40.0}),
    ],
)
def test_what_is_missing_is_made_up(text: str, expected: dict[str, float]) -> None:
    answer = at(text, LEFT | RIGHT, 0)
    assert isinstance(answer, dict)
    assert {get(labels, "k"): number for labels, number in answer.items()} == expected


def test_made_up_series_have_the_matching_labels_only() -> None:
    data = one(1.0, __name__="l", k="a", more="x") | one(2.0, __name__="r", k="b", more="y")
    answer = at("l + on (k) group_left (more) fill(0) r", data, 0)
    assert answer == {from_mapping({"k": "a"}): 1.0, from_mapping({"k": "b", "more": "y"}): 2.0}


def test_a_match_is_missing_step_by_step_and_series_on_both_sides_still_clash() -> None:
    data = {
        from_mapping({"__name__": "l", "k": "a"}): [(START, 1.0), (START + 600_000, 3.0)],
        from_mapping({"__name__": "r", "k": "a"}): [(START + 600_000, 10.0), (START + 1_200_000, 20.0)],
    }
    result = evaluate_range(parse("l + fill(0) r"), recording(data), START, START + 1_200_000, 600_000)
    assert result.frame.values.tolist() == [[1.0, 13.0, 20.0]]
    twice = one(1.0, __name__="l", k="a", n="1") | one(1.0, __name__="l", k="a", n="2")
    assert error("l + on (k) fill(0) r", twice).startswith("multiple matches for labels")


SIDES = st.sampled_from(["c_total", "g", "i", "t", "sum by (job) (g)", "i > 0", "none", "topk(2, g)"])


@given(
    SIDES,
    st.sampled_from(["+", "-", ">", "<= bool"]),
    st.sampled_from(["", "on (job)", "on (job) group_left (team)", "on (job) group_right ()", "on (job, instance)"]),
    st.sampled_from(["fill(0)", "fill_left(2)", "fill_right(NaN)", "fill_left(1) fill_right(-Inf)"]),
    SIDES,
)
def test_fills_agree_with_the_oracle_bit_for_bit(lhs: str, op: str, matching: str, fill: str, rhs: str) -> None:
    data, source = prepared(1)
    expr = parse(f"({lhs}) {op} {matching} {fill} ({rhs})")
    result = evaluate_range(expr, source, GRID.start, GRID.end, GRID.step)
    for t, time in enumerate(result.frame.times):
        assert answer_bits(answer_at(result, t, False)) == answer_bits(asked(expr, data, int(time), 3)), time


@pytest.mark.parametrize("text", ["l and fill(0) r", "l + fill(0) 2"])
def test_fill_is_refused_where_it_means_nothing(text: str) -> None:
    with pytest.raises(ProblemError, match="fill"):
        evaluate_instant(parse(text), recording(LEFT), START)


def test_start_timestamps_are_refused_by_name() -> None:
    with pytest.raises(ProblemError, match="`start_timestamp`"):
        evaluate_instant(parse("start_timestamp(l)"), recording(LEFT), START)
