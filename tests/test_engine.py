"""The engine against an evaluator that anyone can read, and against Prometheus 2.42 itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.evaluations import GRID, answer_at, answer_bits, asked, at, one, prepared, recording
from tests.prometheus import Prometheus, prometheus
from tests.promql_samples import START, expressions, samples

from tocsin.diagnostics import ProblemError
from tocsin.engine.evaluate import evaluate, evaluate_instant, evaluate_range
from tocsin.engine.semantics import Grid, Semantics
from tocsin.functions.values import Compat
from tocsin.labels import from_mapping
from tocsin.promql.ast import Matcher
from tocsin.promql.parse import parse
from tocsin.series import STALE, Series
from tocsin.sources.memory import MemoryRecording


@settings(max_examples=250)
@given(expressions, st.integers(0, 3), st.sampled_from([2, 3]))
@example("sum by (job) (rate(c_total[5m])) / on (job) group_left (team) t", 0, 3)
@example("sum(sum by (instance) (g) + 0)", 1, 3)
@example('rate({__name__=~"c_total|g"}[2m])', 1, 3)
@example('{__name__=~"c_total|i"} * 2', 1, 2)
@example("time() - timestamp(g)", 2, 3)
@example("sum(topk(2, g))", 0, 3)
@example("sum(sort_desc(c_total))", 0, 2)
@example("max_over_time(sum(rate(c_total[1m]))[10m:1m])", 0, 3)
@example("sum_over_time((g > 0)[10m:])", 0, 2)
@example("mad_over_time(g[5m])", 0, 3)
@example("sum_over_time((i / on (job, instance) i @ start())[5m:1m])", 0, 3)
@example("max_over_time((c_total @ end())[3m:30s])", 1, 2)
def test_the_engine_agrees_with_the_oracle_bit_for_bit(text: str, seed: int, compat: Compat) -> None:
    data, source = prepared(seed)
    expr = parse(text)
    (results, *more) = zip(*evaluate([expr], source, GRID, Semantics(compat), tile=7), strict=True)
    assert not more
    for result in results:
        for t, time in enumerate(result.frame.times):
            expected = asked(expr, data, int(time), compat)
            got = answer_at(result, t, isinstance(expected, float))
            assert answer_bits(got) == answer_bits(expected), f"{text} at {time}"


@settings(max_examples=60)
@given(expressions, st.integers(1, 20))
def test_tiles_do_not_show(text: str, tile: int) -> None:
    _data, source = prepared(0)
    whole = evaluate_range(parse(text), source, GRID.start, GRID.end, GRID.step)
    parts = [result for (result,) in evaluate([parse(text)], source, GRID, tile=tile)]
    t = 0
    for part in parts:
        for own in range(len(part.frame.times)):
            assert answer_bits(answer_at(part, own, False)) == answer_bits(answer_at(whole, t, False))
            t += 1


class Counted(MemoryRecording):
    """Notes every read, and holds nothing that need not be read."""

    reads: tuple[tuple[str, int, int], ...] = ()

    def resident(self, _matchers: Sequence[Matcher], _start: int, _end: int, stale: bool) -> Series | None:  # noqa: ARG002  (by its name)
        return None

    def read(self, matchers: Sequence[Matcher], start: int, end: int) -> Series:
        self.reads += ((matchers[0].value, start, end),)
        return super().read(matchers, start, end)


def test_each_selector_is_read_once_for_all_expressions_and_windows() -> None:
    source = Counted(recording(samples(0, stale=False)).series)
    texts = ["rate(c_total[5m])", "rate(c_total[1h]) > 0", "c_total offset 10m", "max_over_time(c_total[5m:1m])", "g"]
    list(evaluate([parse(text) for text in texts], source, Grid(START, START + 600_000, 60_000)))
    assert sorted(source.reads) == [
        ("c_total", START - 3_600_000, START + 600_000),
        ("g", START - 300_000, START + 600_000),
    ]


def test_a_selector_far_away_is_read_on_its_own() -> None:
    source = Counted(recording(samples(0, stale=False)).series)
    list(evaluate([parse("g - g offset 1d")], source, Grid(START, START, 1)))
    day = 86_400_000
    assert sorted(source.reads) == [("g", START - day - 300_000, START - day), ("g", START - 300_000, START)]


@pytest.mark.parametrize(("compat", "expected"), [(2, 0.0), (3, 1.0)])
def test_prometheus_3_compensates_sums_and_2_does_not(compat: Compat, expected: float) -> None:
    data = one(1e100, __name__="g", n="0") | one(1.0, __name__="g", n="1") | one(-1e100, __name__="g", n="2")
    assert at("sum(g)", data, 0, compat) == {(): expected}


@pytest.mark.parametrize(("compat", "count"), [(2, 6.0), (3, 5.0)])
def test_windows_are_closed_on_the_left_in_2_only(compat: Compat, count: float) -> None:
    data = one(*range(20), __name__="g")
    assert at("count_over_time(g[5m])", data, 10, compat) == {(): count}
    assert at("count_over_time(g[5m:1m] offset 27s)", data, 10, compat) == {(): count}


@pytest.mark.parametrize("compat", [2, 3])
def test_a_stale_marker_hides_what_is_older(compat: Compat) -> None:
    data = one(1.0, 2.0, STALE, __name__="g")
    assert at("g", data, 1, compat) == {(("__name__", "g"),): 2.0}
    assert at("g", data, 2, compat) == {}
    assert at("count_over_time(g[10m])", data, 2, compat) == {(): 2.0}


def test_groups_are_added_in_the_order_of_the_step_and_not_of_the_tile() -> None:
    # Where `a` is missing, group y comes first: 1e16 + 1 + 1 is not 1 + 1 + 1e16.
    data = {
        from_mapping({"__name__": "g", "s": "a", "group": "x"}): [(START, 1.0)],
        from_mapping({"__name__": "g", "s": "b", "group": "y"}): [(START, 1e16), (START + 600_000, 1e16)],
        from_mapping({"__name__": "g", "s": "c", "group": "x"}): [(START, 0.0), (START + 600_000, 1.0)],
        from_mapping({"__name__": "g", "s": "d", "group": "z"}): [(START, 1.0), (START + 600_000, 1.0)],
    }
    result = evaluate_range(
        parse("sum(sum by (group) (g))"), recording(data), START, START + 600_000, 600_000, Semantics(compat=2)
    )
    assert result.frame.values.tolist() == [[1.0 + 1e16 + 1.0, 1e16 + 1.0 + 1.0]]


@pytest.mark.parametrize(("compat", "named"), [(2, ["2", "1"]), (3, ["1", "2"])])
def test_duplicates_are_named_as_each_version_names_them(compat: Compat, named: list[str]) -> None:
    data = one(1.0, __name__="g", n="1") | one(1.0, __name__="g", n="2") | one(1.0, __name__="t")
    (failure,) = evaluate_instant(parse("t * on () g"), recording(data), START, Semantics(compat)).failures
    assert re.findall('n="(.)"', failure.problem.message) == named


def test_an_error_is_one_of_the_step_where_it_hits() -> None:
    data = {
        from_mapping({"__name__": "g", "job": "a", "n": "1"}): [(START, 1.0), (START + 600_000, 1.0)],
        from_mapping({"__name__": "g", "job": "a", "n": "2"}): [(START + 600_000, 2.0)],
        from_mapping({"__name__": "t", "job": "a"}): [(START, 1.0), (START + 600_000, 1.0)],
    }
    result = evaluate_range(parse("t * on (job) g"), recording(data), START, START + 600_000, 600_000)
    assert result.failed.tolist() == [False, True]
    assert result.frame.present.tolist() == [[True, False]]
    (failure,) = result.failures
    assert failure.problem.code == "promql/execution"
    assert "duplicate series for the match group" in failure.problem.message
    assert failure.problem.span.text == "t * on (job) g"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("start_timestamp(g)", "`start_timestamp`"),
        ("g[5m]", "range vector"),
        ('"text"', "string"),
    ],
)
def test_what_is_not_implemented_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(ProblemError) as refused:
        evaluate_instant(parse(text), recording(one(1.0, __name__="g")), START)
    assert refused.value.problem.code in ("promql/unsupported", "promql/syntax")
    assert named in refused.value.problem.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('label_replace(g, "to", "$1-${name}$$", "job", "(a)(?P<name>.*)")', {"job": "api", "to": "a-pi$"}),
        ('label_replace(g, "to", "x$1y", "job", "(a).*")', {"job": "api", "to": "x"}),
        ('label_replace(g, "to", "$1", "job", "b(.*)")', {"job": "api"}),
        ('label_replace(g, "to", "[$01][${00}][$0]", "job", "(a).*")', {"job": "api", "to": "[][][api]"}),
        ('label_replace(g, "to", "$1²$1é", "job", "(a).*")', {"job": "api", "to": "a²"}),
        ('label_replace(g, "to", "x", "job", "none)|(pi")', {"job": "api", "to": "x"}),
        ('label_replace(g, "job", "", "job", ".*")', {}),
        ('label_join(g, "to", "/", "job", "no", "job")', {"job": "api", "to": "api//api"}),
        ('count_values("v", g)', {"v": "1.5"}),
        ('absent(no{job="a", job="b", x="1", y!="2"})', {"x": "1"}),
    ],
)
def test_labels(text: str, expected: dict[str, str]) -> None:
    answer = at(text, one(1.5, __name__="g", job="api"), 0)
    assert isinstance(answer, dict)
    name = {"__name__": "g"} if text.startswith("label") else {}
    assert set(answer) == {from_mapping({**expected, **name})}


@pytest.fixture(scope="module")
def live() -> Iterator[tuple[Prometheus, MemoryRecording]]:
    data = samples(7, stale=False)
    with prometheus(data) as server:
        yield server, recording(data)


def check_live(live: tuple[Prometheus, MemoryRecording], text: str) -> None:
    server, source = live
    expr = parse(text)
    result = evaluate_range(expr, source, GRID.start, GRID.end, GRID.step, Semantics(compat=2))
    for t, time in enumerate(result.frame.times):
        expected = server.query(text, int(time))
        got = answer_at(result, t, isinstance(expected, float))
        assert answer_bits(got) == answer_bits(expected), f"{text} at {time}: {got} and not {expected}"


LIVE = [
    *(f"{name}(g)" for name in "exp ln log2 log10 abs ceil floor sqrt sgn round minute year days_in_month".split()),
    *(f"{name}(i)" for name in "exp ln log2 log10 deg rad".split()),
    *(f"g ^ {power}" for power in ("2", "3", "0.5", "-1", "1.7", "-2.25", "1e3")),
    "2 ^ g",
    *(
        f"{part}(vector({value}))"
        for part in "minute hour day_of_week day_of_month day_of_year days_in_month month year".split()
        for value in ("NaN", "-Inf", "1e15", "-1e14")
    ),
    "g atan2 i",
    "clamp(g, -1, 1)",
    "clamp(g, 1, -1)",
    "clamp_min(i, scalar(t{job='a'}))",
    "topk(2, g)",
    "bottomk by (job) (1, i)",
    "topk(0, g)",
    "sum(topk(3, g))",
    "quantile(0.3, g)",
    "quantile by (job) (NaN, g)",
    'count_values("v", i)',
    'count_values without (instance) ("v", i)',
    "histogram_quantile(0.9, h_bucket)",
    "histogram_quantile(NaN, h_bucket)",
    "histogram_quantile(0.5, sum by (le) (rate(h_bucket[5m])))",
    "histogram_quantile(0.99, h_bucket{le!='+Inf'})",
    "histogram_quantile(1, sum without (job) (h_bucket))",
    "label_replace(g, 'x', '$1', 'instance', '(.)')",
    "label_replace(g, 'instance', 'same', 'instance', '.*')",
    "absent(g{job='zz', instance=~'1'})",
    "absent_over_time(t{team='x'}[5m])",
    "sum(sum by (instance) (rate(c_total[2m])) / 3)",
    "avg(avg by (job) (g))",
    "stddev_over_time(g[17m])",
    "time() - timestamp(c_total)",
    "max_over_time(rate(c_total[2m])[17m:47s])",
    "sum_over_time((i / on (job, instance) i @ start())[5m:1m])",
    "t * on (job) group_right c_total",
    "c_total * on (job) t",
    "c_total > on (job) t",
    "c_total * on (job) group_left (team) t",
    "g or i",
    "g unless on (job, instance) i > 1",
]


@pytest.mark.live("prometheus", "promtool")
@pytest.mark.parametrize("text", LIVE)
def test_functions_agree_with_prometheus_bit_for_bit(live: tuple[Prometheus, MemoryRecording], text: str) -> None:
    check_live(live, text)


@pytest.mark.live("prometheus", "promtool")
def test_smoothing_agrees_with_prometheus_under_its_older_name(live: tuple[Prometheus, MemoryRecording]) -> None:
    server, source = live
    time = START + 30 * 60_000
    smoothing = "double_exponential_smoothing(c_total[17m], 0.3, 0.6)"
    got = answer_at(evaluate_instant(parse(smoothing), source, time, Semantics(compat=2)), 0, False)
    assert answer_bits(got) == answer_bits(server.query("holt_winters(c_total[17m], 0.3, 0.6)", time))
