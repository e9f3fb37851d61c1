"""What the linter knows of an expression without data, held against what the engine finds with data."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import lru_cache
from math import inf, isnan

import pytest
from tests.evaluations import recording
from tests.fuzz.grammar import SHAPES, Grammar
from tests.fuzz.world import MINUTES, START, world

from tocsin.diagnostics import ProblemError
from tocsin.engine.evaluate import evaluate
from tocsin.engine.semantics import Grid
from tocsin.labels import NAME
from tocsin.lint.bounds import ANY, Interval, bounds
from tocsin.lint.labels import ALL, Names, all_but, flow, matched, only, remover
from tocsin.lint.metrics import type_of
from tocsin.lint.presence import dead, mismatch, presence
from tocsin.promql.ast import Binary, Expr, unwrap
from tocsin.promql.check import check
from tocsin.promql.parse import parse
from tocsin.promql.print import print_expr
from tocsin.sources.memory import MemoryRecording

GRID = Grid(START + 5 * 60_000, START + MINUTES * 60_000, 1_180_000)


@lru_cache(maxsize=8)
def data(seed: int) -> MemoryRecording:
    """Samples with all kinds of trouble, but of counters: none below zero, and none too large to subtract."""
    return recording(
        {
            labels: kept
            for labels, samples in world(seed).items()
            if (kept := [(time, value) for time, value in samples if 0 <= value <= 1e12])
        }
    )


def drawn(seed: int) -> list[Expr]:
    """Random expressions of every shape, and parts of them."""
    rng = random.Random(seed)
    found = []
    for _ in range(40):
        text = Grammar(rng, 0.1).vector(rng.choice(SHAPES), rng.randint(1, 4))
        try:
            expr = parse(text)
        except ProblemError:
            continue
        if not list(check(expr)):
            found.append(expr)
    return found


def never(expr: Expr) -> bool:
    """Whether the linter says that an expression has no result."""
    node = unwrap(expr)
    pairs = isinstance(node, Binary) and node.op not in ("or", "unless") and not node.matching.fills
    return presence(expr) == "never" or (pairs and isinstance(node, Binary) and mismatch(node) is not None)


@pytest.mark.parametrize("seed", range(24))
def test_series_are_as_foretold(seed: int) -> None:
    for expr in drawn(seed):
        try:
            (results,) = next(evaluate([expr], data(seed % 4), GRID))
        except ProblemError:
            continue
        frame, labels, limits, shown = results.frame, flow(expr), bounds(expr), print_expr(expr)
        there = frame.present & ~results.failed[None, :]
        assert not never(expr) or not there.any(), shown
        if presence(expr) == "always":
            assert (there.any(axis=0) | results.failed).all(), shown
        for row, series in enumerate(frame.labels):
            if not there[row].any():
                continue
            names = {name for name, _ in series}
            assert all(name in labels.may for name in names), (shown, series, labels)
            assert labels.must <= names, (shown, series, labels)
            assert all(dict(series).get(name) == value for name, value in labels.fixed.items()), (shown, series)
            values = [float(value) for value in frame.values[row][there[row]] if not isnan(value)]
            assert all(limits.low <= value <= limits.high for value in values), (shown, values, limits)


def test_the_random_expressions_tell_something() -> None:
    """Of so many, some have labels that are known, some bounds, some never a result: the test above is no empty one."""
    exprs = [expr for seed in range(24) for expr in drawn(seed)]
    assert sum(flow(expr).may != ALL for expr in exprs) > 200
    assert sum(bool(flow(expr).must) for expr in exprs) > 50
    assert sum(bounds(expr) != ANY for expr in exprs) > 200
    assert sum(never(expr) for expr in exprs) > 5
    assert sum(presence(expr) == "always" for expr in exprs) > 5


JOB, POD = only(["job"]), only(["pod"])


@pytest.mark.parametrize(
    ("text", "may", "must", "fixed"),
    [
        ("x", ALL, {NAME}, {NAME: "x"}),
        ('x{a="1", b=""}', all_but("b"), {NAME, "a"}, {NAME: "x", "a": "1"}),
        ('x{a!="", b=~".+", c=~".*", d!~"u"}', ALL, {NAME, "a", "b"}, {NAME: "x"}),
        ('rate(x{job="a"}[5m])', all_but(NAME), {"job"}, {"job": "a"}),
        ("last_over_time(x[5m])", ALL, {NAME}, {NAME: "x"}),
        ("sum by (job) (x)", JOB, set(), {}),
        ('sum by (job) (x{job="a"})', JOB, {"job"}, {"job": "a"}),
        ("sum by (job) (sum by (pod) (x))", Names(), set(), {}),
        ("sum without (job) (x)", all_but(NAME, "job"), set(), {}),
        ("sum without (job) (sum by (job, pod) (x))", POD, set(), {}),
        ("sum(x)", Names(), set(), {}),
        ("topk by (job) (3, x)", ALL, {NAME}, {NAME: "x"}),
        ('count_values("v", x)', only(["v"]), {"v"}, {}),
        ('count_values without (v) ("v", x)', all_but(NAME, "v"), set(), {}),
        ("histogram_quantile(0.9, sum by (le, job) (rate(x_bucket[5m])))", JOB, set(), {}),
        ('absent(x{job="a", pod=~"b", zone!="c"})', JOB, {"job"}, {"job": "a"}),
        ('absent(x{job="a", job!="b"})', Names(), set(), {}),
        ('absent_over_time(x{job="a"}[5m])', JOB, {"job"}, {"job": "a"}),
        ('absent(sum(x{job="a"}))', Names(), set(), {}),
        ("vector(1)", Names(), set(), {}),
        ("scalar(x)", Names(), set(), {}),
        ("hour()", Names(), set(), {}),
        ('label_replace(sum(x), "a", "b", "", "")', only("a"), {"a"}, {"a": "b"}),
        ('label_replace(sum(x), "a", "$1", "b", "(.+)")', Names(), set(), {}),
        ('label_replace(sum by (b) (x), "a", "$1", "b", "(.+)")', only("ab"), set(), {}),
        ('label_replace(sum by (b) (x{b="c"}), "a", "$1", "b", "(.*)")', only("ab"), {"a", "b"}, {"b": "c"}),
        ('label_replace(sum by (a) (x), "a", "", "", "")', Names(), set(), {}),
        ('label_join(sum by (a) (x), "c", "-", "a", "b")', only("ac"), {"c"}, {}),
        ('label_join(sum by (a) (x), "c", "", "b")', only("a"), set(), {}),
        ("x > 5", ALL, {NAME}, {NAME: "x"}),
        ("x > bool 5", all_but(NAME), set(), {}),
        ("5 < x", ALL, {NAME}, {NAME: "x"}),
        ("x * 5", all_but(NAME), set(), {}),
        ("-x", all_but(NAME), set(), {}),
        ("x / on (job) y", JOB, set(), {}),
        ('x{job="a"} / on (job, pod) y{pod="b"}', only(["job", "pod"]), {"job", "pod"}, {"job": "a", "pod": "b"}),
        ("x / ignoring (job) y", all_but(NAME, "job"), set(), {}),
        ("sum by (job, pod) (x) * on (job) group_left sum by (job) (y)", only(["job", "pod"]), set(), {}),
        ("sum by (job) (x) * on (job) group_left (pod) y", only(["job", "pod"]), set(), {}),
        ('sum by (job) (x) * on (job) group_left (pod) y{pod="1"}', only(["job", "pod"]), {"pod"}, {"pod": "1"}),
        ("sum by (job) (x) * on (job) group_left (pod) sum by (job) (y)", JOB, set(), {}),
        ("sum by (job) (x) * on (job) group_right y", all_but(NAME), set(), {}),
        ("x and on (job) y", ALL, {NAME}, {NAME: "x"}),
        ('x and on (job) y{job="b"}', ALL, {NAME, "job"}, {NAME: "x", "job": "b"}),
        ("x and sum by (job) (y)", only(["job", NAME]), {NAME}, {NAME: "x"}),
        ("x unless on (job) y", ALL, {NAME}, {NAME: "x"}),
        ("sum by (job) (x) or sum by (pod) (y)", only(["job", "pod"]), set(), {}),
        ('sum by (job) (x{job="a"}) or vector(0)', JOB, set(), {}),
        ("max_over_time(sum by (job) (x)[5m:1m])", JOB, set(), {}),
    ],
)
def test_labels(text: str, may: Names, must: set[str], fixed: Mapping[str, str]) -> None:
    found = flow(parse(text))
    assert (found.may, set(found.must), found.fixed) == (may, must, fixed)


@pytest.mark.parametrize(
    ("text", "label", "culprit"),
    [
        ("sum(x) > 5", "pod", "sum(x)"),
        ("sum by (job) (x) / sum by (job) (y)", "pod", "sum by (job) (x)"),
        ("sum by (job, pod) (sum by (job) (x)) > 1", "pod", "sum by (job) (x)"),
        ('absent(x{job="a"})', "pod", 'absent(x{job="a"})'),
        ("x / on (job) y", "pod", "x / on (job) y"),
        ('(x{pod=""})', "pod", 'x{pod=""}'),
        ("5 < (sum(x) and y)", "pod", "sum(x)"),
    ],
)
def test_what_takes_a_label_away(text: str, label: str, culprit: str) -> None:
    assert remover(parse(text), label) == parse(culprit)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("clamp(x, 0, 1) * 100", 0, 100),
        ("clamp_min(x, 2)", 2, inf),
        ("clamp_max(x_total, 2)", 0, 2),
        ("1 - up", 0, 1),
        ("sgn(x)", -1, 1),
        ("hour()", 0, 23),
        ("absent(x) * 100", 100, 100),
        ("sum(up) / count(up)", 0, 1),
        ('count(x{a="b"}) / count(x)', 0, 1),
        ("count(up) / sum(up)", 0, inf),
        ('sum(rate(x_total{a="b"}[5m])) / sum(rate(x_total[5m]))', 0, 1),
        ('sum(rate(x_total{a="b"}[5m])) / sum(rate(x_total[30m]))', 0, inf),
        ('sum(rate(x_total{a="b"}[5m])) / sum(rate(x_total[5m] offset 1d))', 0, inf),
        ('sum(x{a="b"}) / sum(x)', -inf, inf),
        ("(x_total > 5) / 10", 0.5, inf),
        ("x % 10", -10, 10),
        ("ceil(up / 2)", 0, 1),
        ("quantile(0.5, up)", 0, 1),
        ("quantile(5, up)", -inf, inf),
        ("rate(x[5m])", 0, inf),
        ("rate((-x)[5m:1m])", -inf, inf),
        ("5 - 3", 2, 2),
        ("x == 5", 5, 5),
        ("5 < x", 5, inf),
        ("x > bool 5", 0, 1),
    ],
)
def test_bounds(text: str, low: float, high: float) -> None:
    assert bounds(parse(text)) == Interval(low, high)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vector(1)", "always"),
        ("vector(1) > 2", "never"),
        ("sum(vector(1))", "always"),
        ("x or vector(0)", "always"),
        ("sum(x) or vector(0)", "always"),
        ("x > 5 or up > 1", "sometimes"),
        ("up > 1 or up < 0", "never"),
        ("(up > 1) * 5", "never"),
        ("sum(up > 1) > 0", "never"),
        ("x and up > 1", "never"),
        ("x unless up > 1", "sometimes"),
        ("vector(1) unless up > 1", "always"),
        ("absent(up > 1)", "always"),
        ("absent(sum(x) or vector(0))", "never"),
        ("absent(x)", "sometimes"),
        ('x{a="b", a!="b"}', "never"),
        ('x{a=~"b", a!~"b"}', "never"),
        ("histogram_quantile(0.9, vector(1))", "sometimes"),
        ("rate(vector(1)[5m:1m])", "sometimes"),
        ("up != 2", "sometimes"),
    ],
)
def test_presence(text: str, expected: str) -> None:
    assert presence(parse(text)) == expected


def test_what_is_dead_is_named_where_it_is() -> None:
    found = list(dead(parse('sum(up > 1) > 0 and x{a="b", a="c"}')))
    assert found == [parse("up > 1"), parse('x{a="b", a="c"}')]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('x{pod="a"} / on (job, pod) sum by (job) (y)', "pod"),
        ('x{job="a"} and on (job) y{job="b"}', "job"),
        ('x{job="a"} and sum(y)', "job"),
        ("x / on (job) y", None),
        ('x{job="a"} and on (job) y{job=~"a|b"}', None),
        ("sum(x) / sum(y)", None),
        ("sum by (job) (x) / ignoring (job) group_left sum(y)", None),
    ],
)
def test_sides_that_cannot_pair(text: str, label: str | None) -> None:
    node = parse(text)
    assert isinstance(node, Binary)
    assert mismatch(node) == label
    assert matched(node) == (only(node.matching.labels) if node.matching.on else all_but(NAME, *node.matching.labels))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("x_total", "counter"),
        ("x_count", "counter"),
        ("x_bytes", None),
        ("process_resident_memory_bytes", "gauge"),
        ("up", "gauge"),
        ("x", None),
        ("job:x:sum", None),
        ("drives_total", "gauge"),
        ("lat_count", "counter"),
        ("lat", "summary"),
        ("jobs_count", "gauge"),
    ],
)
def test_the_type_of_a_metric(name: str, kind: str | None) -> None:
    assert type_of(name, {"drives_total": "gauge", "lat": "summary", "jobs_count": "gauge"}) == kind
