"""PromQL text to a tree with places."""

from __future__ import annotations

import math

import pytest
from tests.trees import fault, spans

from tocsin.diagnostics import Source, Text
from tocsin.promql import build
from tocsin.promql.ast import (
    WINDOW,
    Aggregation,
    Binary,
    Call,
    Matcher,
    Matching,
    MatrixSelector,
    Number,
    String,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
    walk,
)
from tocsin.promql.parse import parse, parse_windowed
from tocsin.promql.print import print_expr


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e-3", 0.001),
        ("0x1F", 31.0),
        ("010", 8.0),
        ("08", 8.0),
        ("1_000", 1000.0),
        ("9223372036854775808", 2.0**63),
        ("-1", -1.0),
        ("- + -1", 1.0),
        ("+Inf", math.inf),
        ("-inF", -math.inf),
        ("5m", 300.0),
        ("0.1", 0.1),
        ("1e-400", 0.0),
        ("-0", -0.0),
        ("nAn", math.nan),
    ],
)
def test_numbers_are_those_of_go(text: str, value: float) -> None:
    assert parse(text) == Number(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"a\"b"', 'a"b'),
        (r"'a\'b'", "a'b"),
        (r"`a\d'`", r"a\d'"),
        (r'"\x41\101\u00e9\U0001F600\a\\"', "AAé😀\a\\"),
        (r'"\xe2\x82\xac"', "€"),
        ("`a\nb`", "a\nb"),
        ('"😀"', "😀"),
        ('""', ""),
    ],
)
def test_strings_are_those_of_go(text: str, value: str) -> None:
    assert parse(text) == String(value)
    assert parse(print_expr(String(value))) == String(value)


SELECTORS = {
    "up": VectorSelector("up"),
    'up{job="a",env!="b",}': VectorSelector("up", (Matcher("job", "=", "a"), Matcher("env", "!=", "b"))),
    '{"a.b", "c.d"=~`x\\d`}': VectorSelector("a.b", (Matcher("c.d", "=~", r"x\d"),)),
    '{__name__="up"}': VectorSelector(None, (Matcher("__name__", "=", "up"),)),
    "up offset -5m @ 1.0005": VectorSelector("up", (), -300_000, 1001),
    "up @ -1.5 offset 90": VectorSelector("up", (), 90_000, -1500),
    "up @ end()": VectorSelector("up", (), 0, "end"),
    "up @ 2m": VectorSelector("up", (), 0, 120_000),
    "up offset 1w1d1h1m1s1ms": VectorSelector("up", (), 694_861_001),
    "sum": VectorSelector("sum"),
    "anchored": VectorSelector("anchored"),
    '{on="x"}': VectorSelector(None, (Matcher("on", "=", "x"),)),
    r'up{a=~"\\Qa.b\\E"}': VectorSelector("up", (Matcher("a", "=~", r"\Qa.b\E"),)),
    'up{a=~"[a[b]"}': VectorSelector("up", (Matcher("a", "=~", "[a[b]"),)),
}


@pytest.mark.parametrize("text", SELECTORS)
def test_selectors(text: str) -> None:
    assert parse(text) == SELECTORS[text]
    assert spans(parse(text)) == [text]


def test_a_range_selector_covers_its_modifiers_and_the_selector_its_name_and_braces() -> None:
    expr = parse('rate(x{a="b"} [1.5] offset 5m @ start())')
    assert spans(expr)[1:] == ['x{a="b"} [1.5] offset 5m @ start()', 'x{a="b"}']
    selector = VectorSelector("x", (Matcher("a", "=", "b"),), 300_000, "start")
    assert expr == Call("rate", (MatrixSelector(selector, 1500),), ValueType.VECTOR)


def test_subqueries() -> None:
    expr = parse("max_over_time(sum(x)[1h : 5m] @ 1 offset 1m) > max_over_time(x offset 1m [5m:])")
    assert spans(expr) == [
        "max_over_time(sum(x)[1h : 5m] @ 1 offset 1m) > max_over_time(x offset 1m [5m:])",
        "max_over_time(sum(x)[1h : 5m] @ 1 offset 1m)",
        "sum(x)[1h : 5m] @ 1 offset 1m",
        "sum(x)",
        "x",
        "max_over_time(x offset 1m [5m:])",
        "x offset 1m [5m:]",
        "x offset 1m",
    ]
    window = expr.lhs.args[0] if isinstance(expr, Binary) and isinstance(expr.lhs, Call) else None
    assert window == Subquery(Aggregation("sum", VectorSelector("x")), 3_600_000, 300_000, 60_000, 1000)


def test_aggregations_cover_their_clause_wherever_it_stands() -> None:
    before = parse('SUM BY (a, "b.c",) (x)')
    after = parse('sum (x) by (a, "b.c")')
    assert before == after == Aggregation("sum", VectorSelector("x"), None, ("a", "b.c"))
    assert spans(before) == ['SUM BY (a, "b.c",) (x)', "x"]
    assert spans(after) == ['sum (x) by (a, "b.c")', "x"]
    assert parse("topk without () (3, x)") == Aggregation("topk", VectorSelector("x"), Number(3.0), (), True)


def test_binary_operators_with_all_that_can_follow_them() -> None:
    expr = parse("a > bool on (x) group_left (y, z) b - 1 ^ 2 ^ c")
    assert spans(expr)[:4] == ["a > bool on (x) group_left (y, z) b - 1 ^ 2 ^ c", "a", "b - 1 ^ 2 ^ c", "b"]
    assert isinstance(expr, Binary)
    assert (expr.op, expr.returns_bool) == (">", True)
    assert expr.matching == Matching(("x",), True, "many-to-one", ("y", "z"))
    assert spans(expr)[4:] == ["1 ^ 2 ^ c", "1", "2 ^ c", "2", "c"]


@pytest.mark.parametrize(
    ("text", "matching"),
    [
        ("a + b", Matching()),
        ("a and b", Matching(cardinality="many-to-many")),
        ("a UNLESS ON () b", Matching((), True, "many-to-many")),
        ("a * ignoring (x) group_right b", Matching(("x",), False, "one-to-many")),
        ("a + fill (-1) b", Matching(fill_left=-1.0, fill_right=-1.0)),
        ("a + on (x) fill_left (1) fill_right (2) b", Matching(("x",), True, fill_left=1.0, fill_right=2.0)),
        ('a + on ("x.y") group_left ("z w") b', Matching(("x.y",), True, "many-to-one", ("z w",))),
    ],
)
def test_matching(text: str, matching: Matching) -> None:
    expr = parse(text)
    assert isinstance(expr, Binary)
    assert expr.matching == matching


def test_signs() -> None:
    x = VectorSelector("x")
    assert parse("+x") == x
    assert parse("a - + b") == parse("a - b")
    assert parse("-x ^ 2") == Unary(Binary("^", x, Number(2.0)))
    assert parse("-1 ^ 2") == Unary(Binary("^", Number(1.0), Number(2.0)))
    assert parse("-x * 2") == Binary("*", Unary(x), Number(2.0))
    assert spans(parse("1 - + -2")) == ["1 - + -2", "1", "+ -2"]
    assert spans(parse("+(-x)")) == ["+(-x)", "-x", "x"]


def test_comments_and_space_are_no_part_of_a_node() -> None:
    expr = parse("  sum(x # ) }\n) # y\n + # z\n  b ")
    assert spans(expr) == ["sum(x # ) }\n) # y\n + # z\n  b", "sum(x # ) }\n)", "x", "b"]


def test_places_are_those_of_the_file() -> None:
    source = Source("rules.yml", 'expr: "up\\n  + x"')
    text = Text("up\n  + x", source.span(6, 17), [7, 8, 9, 11, 12, 13, 14, 15])
    expr = parse(text)
    assert isinstance(expr, Binary)
    assert expr.rhs.span == source.span(15, 16)
    assert expr.span == source.span(7, 16)


# `$window`


def test_a_window_stands_for_a_duration() -> None:
    expr = parse_windowed("sum(rate(x[$window] offset -$window)) + max_over_time(y[$window:$window] offset $window)")
    assert spans(expr)[4] == "x"
    assert [node.range for node in walk(expr) if isinstance(node, MatrixSelector | Subquery)] == [WINDOW, WINDOW]
    assert parse_windowed(print_expr(expr)) == expr
    chosen = build.with_window(expr, 300_000)
    assert chosen == parse("sum(rate(x[5m] offset -5m)) + max_over_time(y[5m:5m] offset 5m)")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("x{a='$window'}", "'$window'"),
        ("label_replace(x, '$window', '', '', '')", "'$window'"),
        ("x + $window", "$window"),
        ("x @ $window", "$window"),
        ("x[$windows]", "$"),
        ("$window", "$window"),
        ("x[5m]$window", "$window"),
    ],
)
def test_a_window_stands_nowhere_else(text: str, place: str) -> None:
    assert fault(text, windowed=True)[:2] == ("promql/syntax", place)


def test_a_comment_may_name_the_window() -> None:
    assert parse_windowed("x # $window") == VectorSelector("x")
