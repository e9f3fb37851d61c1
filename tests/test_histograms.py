"""Native histograms as values: worked out by hand, and what holds of any."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.histogram_notation import format_histogram, histogram_sequence, parse_histogram
from tests.histograms import h, histograms

from tocsin.histograms.arithmetic import MixedBucketsError, Total, added, divided, reduced, scaled, subtracted
from tocsin.histograms.estimates import exp2, fraction_between, quantile, variance
from tocsin.histograms.model import Histogram, exponential_bound, same
from tocsin.histograms.resets import is_reset
from tocsin.histograms.trim import trimmed

# --- Values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "index", "bound"),
    [
        (0, 0, 1.0),
        (0, 3, 8.0),
        (0, -1, 0.5),
        (-2, 1, 16.0),
        (1, 1, 1.414213562373095),  # Prometheus's table is not the nearest float, which ends in 951
        (8, 255, 1.9945921121709396),
        (0, 1024, 1.7976931348623157e308),
        (0, 1025, math.inf),
        (0, -1100, 0.0),
    ],
)
def test_buckets_end_where_prometheus_says(schema: int, index: int, bound: float) -> None:
    assert exponential_bound(index, schema) == bound


def test_bounds_of_all_schemas_rise_and_nest() -> None:
    for schema in range(-4, 8):
        bounds = [exponential_bound(i, schema) for i in range(-8, 9)]
        assert bounds == sorted(set(bounds))
        assert bounds == [exponential_bound(2 * i, schema + 1) for i in range(-8, 9)]


@pytest.mark.parametrize(
    "text",
    [
        "{{}}",
        "{{schema:1 count:4 sum:-5.5 z_bucket:1 z_bucket_w:0.001 offset:-2 buckets:[1 0 2] n_offset:3 n_buckets:[1]}}",
        "{{schema:-53 count:4 sum:5 custom_values:[-1.5 5 10] offset:1 buckets:[1 2]}}",
        "{{count:NaN sum:+Inf counter_reset_hint:gauge}}",
        "{{count:1e+100 sum:1e-05}}",
    ],
)
def test_the_notation_reads_what_it_writes(text: str) -> None:
    assert format_histogram(parse_histogram(text)) == text


def test_an_offset_is_where_the_buckets_begin() -> None:
    assert parse_histogram("{{count:3 sum:2.5 buckets:[1 2] offset:-1}}").positive == {-1: 1.0, 0: 2.0}
    assert format_histogram(Histogram(count=3.0, positive={1: 1.0, 3: 2.0})) == "{{count:3 offset:1 buckets:[1 0 2]}}"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{schema:1}", "stands between"),
        ("{{schema:9}}", "-4 to 8"),
        ("{{schema:1.5}}", "1.5"),
        ("{{count:x}}", "x"),
        ("{{count:1 count:2}}", "twice"),
        ("{{buckets:1}}", "no entry"),
        ("{{buckets:[1}}", "no entry"),
        ("{{colour:1}}", "no entry"),
        ("{{counter_reset_hint:maybe}}", "no entry"),
        ("{{z_bucket_w:NaN}}", "not that wide"),
        ("{{z_bucket_w:-1}}", "not that wide"),
        ("{{custom_values:[1]}}", "-53"),
        ("{{schema:-53 n_buckets:[1]}}", "all in `buckets`"),
        ("{{schema:-53 custom_values:[1] buckets:[1 2 3]}}", "more buckets"),
    ],
)
def test_what_is_no_histogram_is_refused(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        parse_histogram(text)


@pytest.mark.parametrize(
    ("a", "b", "total"),
    [
        ("count:3 sum:4 buckets:[1 2]", "count:2 sum:1 offset:1 buckets:[1 1]", "count:5 sum:5 buckets:[1 3 1]"),
        # Buckets (1,2] and (2,4] of schema 0 are one of schema -1.
        (
            "schema:-1 count:1 offset:1 buckets:[1]",
            "count:5 offset:1 buckets:[2 3]",
            "schema:-1 count:6 offset:1 buckets:[6]",
        ),
        # The wider zero bucket takes (0.25,0.5] and, whole, the bucket it only reaches into: (0.5,1].
        (
            "count:3 z_bucket:1 z_bucket_w:0.125 offset:-1 buckets:[1 1]",
            "count:2 z_bucket:2 z_bucket_w:0.75",
            "count:5 z_bucket:5 z_bucket_w:1",
        ),
        (
            "count:1 z_bucket_w:0.5 buckets:[1]",
            "count:1 offset:-3 buckets:[1]",
            "count:2 z_bucket:1 z_bucket_w:0.5 buckets:[1]",
        ),
        # Custom buckets meet on the bounds that both have.
        (
            "schema:-53 count:6 custom_values:[2 4 6] buckets:[1 2 3]",
            "schema:-53 count:4 custom_values:[1 4 8] buckets:[1 1 1 1]",
            "schema:-53 count:10 custom_values:[4] buckets:[5 5]",
        ),
        ("counter_reset_hint:gauge", "counter_reset_hint:reset", "counter_reset_hint:gauge"),
        ("counter_reset_hint:not_reset", "counter_reset_hint:reset", ""),
    ],
)
def test_sums_worked_out_by_hand(a: str, b: str, total: str) -> None:
    assert format_histogram(added(h(a), h(b))) == "{{" + total + "}}"
    assert format_histogram(Total(h(a)).plus(h(b)).value()) == "{{" + total + "}}"


def test_a_difference_may_be_negative() -> None:
    less = subtracted(h("count:1 sum:2 buckets:[1]"), h("count:3 sum:5 buckets:[2 1]"))
    assert format_histogram(less) == "{{count:-2 sum:-3 buckets:[-1 -1]}}"


def test_exponential_and_custom_buckets_do_not_add_up() -> None:
    for combine in (added, subtracted, lambda a, b: Total(a).plus(b)):
        with pytest.raises(MixedBucketsError):
            combine(h("count:1"), h("schema:-53 count:1"))


def test_kahan_sums_keep_what_plain_sums_lose() -> None:
    samples = [h(f"count:1 sum:{s} buckets:[{s}]") for s in ("1", "1e100", "1", "-1e100")]
    total = Total(samples[0])
    for one in samples[1:]:
        total = total.plus(one)
    assert total.value().sum == 2.0
    assert total.value().positive == {0: 2.0}
    assert added(added(added(*samples[:2]), samples[2]), samples[3]).sum == 0.0


def test_by_zero_a_histogram_loses_its_buckets() -> None:
    none = divided(h("count:4 sum:-5 z_bucket:0 buckets:[1 2 1]"), 0.0)
    assert (none.count, none.sum, none.positive) == (math.inf, -math.inf, {})
    assert math.isnan(none.zero_count)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("count:4 buckets:[1 2 1]", "count:5 buckets:[1 3 1]", False),
        ("count:4 buckets:[1 2 1]", "count:3 buckets:[1 2]", True),
        ("count:4 buckets:[1 2 1]", "count:5 buckets:[1 1 3]", True),
        ("count:4 buckets:[1 2 1]", "count:9 buckets:[1 0 9] counter_reset_hint:not_reset", False),
        ("count:4 buckets:[1 2 1]", "count:9 buckets:[9 9 9] counter_reset_hint:reset", True),
        ("count:4 buckets:[1 2 1]", "schema:1 count:9 buckets:[9 9 9]", True),
        ("schema:1 count:4 buckets:[1 2 1]", "count:4 buckets:[1 3]", False),
        ("count:2 z_bucket_w:0.5 z_bucket:2", "count:2 z_bucket:2", True),
        ("count:2 offset:-2 buckets:[1 1]", "count:2 z_bucket_w:0.25 z_bucket:1 offset:-1 buckets:[1]", False),
        ("count:2 offset:-2 buckets:[1 1]", "count:2 z_bucket_w:0.4 z_bucket:2", True),
        ("count:1", "schema:-53 count:1", True),
        (
            "schema:-53 count:3 custom_values:[2 4] buckets:[1 1 1]",
            "schema:-53 count:3 custom_values:[4] buckets:[2 1]",
            False,
        ),
        (
            "schema:-53 count:3 custom_values:[2 4] buckets:[1 1 1]",
            "schema:-53 count:3 custom_values:[4] buckets:[1 2]",
            True,
        ),
    ],
)
def test_a_counter_was_reset_where_something_fell(before: str, after: str, expected: bool) -> None:
    assert is_reset(h(after), h(before)) is expected


@pytest.mark.parametrize(
    ("text", "q", "expected"),
    [
        ("count:4 buckets:[1 2 1]", 0.5, 2**0.5),  # the middle of (1,2] on the scale of logarithms
        ("count:4 buckets:[1 2 1]", 0.0, 0.5),
        ("count:4 buckets:[1 2 1]", 1.0, 4.0),
        ("count:4 n_buckets:[1 2 1]", 0.5, -(2**0.5)),
        ("count:4 z_bucket:4 z_bucket_w:1", 0.25, -0.5),
        ("count:8 z_bucket:4 z_bucket_w:1 offset:1 buckets:[4]", 0.25, 0.5),  # nothing is negative
        ("schema:-53 count:4 custom_values:[5 10] buckets:[1 2 1]", 0.5, 7.5),
        ("schema:-53 count:4 custom_values:[5 10] buckets:[1 2 1]", 1.0, 10.0),
        ("schema:-53 count:4 custom_values:[-5 10] buckets:[2 2]", 0.25, -5.0),
        ("count:4 buckets:[4]", -0.1, -math.inf),
        ("count:4 buckets:[4]", 1.1, math.inf),
        ("count:4 sum:NaN buckets:[2]", 0.75, math.nan),  # two observations are NaN
        ("", 0.5, math.nan),
    ],
)
def test_quantiles_worked_out_by_hand(text: str, q: float, expected: float) -> None:
    assert quantile(q, h(text)) == pytest.approx(expected, nan_ok=True, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "low", "high", "expected"),
    [
        ("count:4 buckets:[1 2 1]", 1, 2, 0.5),
        ("count:4 buckets:[1 2 1]", 2**0.5, 2, 0.25),
        ("count:4 buckets:[1 2 1]", -math.inf, math.inf, 1.0),
        ("count:4 buckets:[1 2 1]", 2, 1, 0.0),
        ("count:4 n_buckets:[1 2 1]", -2, -(2**0.5), 0.25),
        ("count:4 z_bucket:4 z_bucket_w:1", -0.5, 1, 0.75),
        ("schema:-53 count:4 custom_values:[5 10] buckets:[1 2 1]", 5, 7.5, 0.25),
        ("count:4 sum:NaN buckets:[2]", -math.inf, math.inf, 0.5),
        ("", 0, 1, math.nan),
    ],
)
def test_fractions_worked_out_by_hand(text: str, low: float, high: float, expected: float) -> None:
    assert fraction_between(low, high, h(text)) == pytest.approx(expected, nan_ok=True, rel=1e-15)


def test_the_variance_takes_each_bucket_at_its_middle() -> None:
    # Two at sqrt(1 * 4) = 2 and two at 8, of the mean 5.
    assert variance(h("schema:-1 count:4 sum:20 offset:1 buckets:[2 2]")) == 9.0
    assert variance(h("schema:-53 count:2 sum:10 custom_values:[0 4 12] offset:1 buckets:[1 1]")) == 9.0


def test_trimming_cuts_within_a_bucket_and_estimates_the_sum() -> None:
    counted = h("schema:-53 count:11 sum:99 custom_values:[5 10 15] buckets:[1 6 4]")
    kept = "{{schema:-53 count:4 sum:21.25 custom_values:[5 10 15] buckets:[1 3]}}"
    assert format_histogram(trimmed(counted, 7.5, below=True)) == kept
    assert trimmed(counted, math.inf, below=True) is counted
    assert trimmed(counted, math.nan, below=True).count == 0


def test_sequences_of_test_series() -> None:
    rising = histogram_sequence(h("count:1 buckets:[1]"), h("schema:1 count:1 offset:2 buckets:[1]"), 2)
    assert [format_histogram(one) for one in rising] == [
        "{{count:1 buckets:[1]}}",
        "{{count:2 buckets:[1 1]}}",
        "{{count:3 buckets:[1 2]}}",
    ]
    falling = histogram_sequence(h("count:3 buckets:[3]"), h("count:1 buckets:[1]"), 1, falling=True)
    assert falling[1].positive == {0: 2.0}
    with pytest.raises(ValueError, match="cannot merge"):
        histogram_sequence(h("schema:1"), h("schema:0"), 1)


def test_scaling_by_a_negative_number_makes_a_gauge() -> None:
    assert scaled(h("count:1 counter_reset_hint:reset"), 2.0).hint == "reset"
    assert scaled(h("count:1"), -1.0).hint == "gauge"


# --- Properties ------------------------------------------------------------------------------------------------------


@given(histograms())
def test_any_histogram_survives_the_notation(one: Histogram) -> None:
    assert same(parse_histogram(format_histogram(one)).compacted(), one.compacted())


@given(histograms(), histograms())
def test_it_does_not_matter_which_comes_first(a: Histogram, b: Histogram) -> None:
    assert same(added(a, b).compacted(), added(b, a).compacted())


@given(histograms(), histograms())
def test_a_sum_holds_what_its_summands_hold(a: Histogram, b: Histogram) -> None:
    both = added(a, b)
    assert both.count == a.count + b.count
    assert both.zero_count + sum(both.positive.values()) + sum(both.negative.values()) == both.count
    assert both.schema == min(a.schema, b.schema)
    assert both.zero_threshold >= max(a.zero_threshold, b.zero_threshold)


@given(st.lists(histograms(), min_size=1, max_size=6))
def test_kahan_sums_of_whole_numbers_are_exact(summands: list[Histogram]) -> None:
    total, plain = Total(summands[0]), summands[0]
    for one in summands[1:]:
        total, plain = total.plus(one), added(plain, one)
    assert same(total.value().compacted(), plain.compacted())


@given(histograms(), st.integers(0, 4))
def test_a_lower_resolution_holds_as_much(one: Histogram, steps: int) -> None:
    coarse = reduced(one, max(one.schema - steps, -4))
    assert sum(coarse.positive.values()) == sum(one.positive.values())
    assert sum(coarse.negative.values()) == sum(one.negative.values())


@given(histograms(), histograms())
def test_more_of_a_counter_is_no_reset(before: Histogram, more: Histogram) -> None:
    grown = added(before, more)
    assert not is_reset(grown, before)
    assert is_reset(before, grown) or more.count == 0


@given(histograms(least=1), st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_quantiles_rise(one: Histogram, qs: list[float]) -> None:
    found = [quantile(q, one) for q in sorted(qs)]
    assert all(a <= b or a == pytest.approx(b, rel=1e-9, abs=1e-12) for a, b in pairwise(found))


@given(histograms(st.integers(0, 4), least=1), st.floats(0.05, 0.95))
def test_a_fraction_undoes_a_quantile(one: Histogram, q: float) -> None:
    assume(one.zero_threshold > 0 or one.zero_count == 0)
    value = quantile(q, one)
    assert fraction_between(-math.inf, value, one) == pytest.approx(q, rel=1e-6)


@given(histograms(), st.floats(-20, 20))
def test_the_two_sides_of_a_cut_make_the_whole(one: Histogram, at: float) -> None:
    assume(one.zero_threshold > 0 or at != 0)
    parts = [trimmed(one, at, below=below).count for below in (True, False)]
    assert sum(parts) == pytest.approx(one.count, rel=1e-9)


@given(st.floats(-1073, 1023))
def test_exp2_is_within_a_unit_of_the_power(x: float) -> None:
    assert exp2(x) == pytest.approx(2.0**x, rel=3e-16)


def test_exp2_at_its_ends() -> None:
    assert [exp2(x) for x in (math.inf, -math.inf, 1024.0, -1075.0, 0.0)] == [math.inf, 0.0, math.inf, 0.0, 1.0]
