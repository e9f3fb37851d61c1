"""Trees to PromQL text, and the constructors of trees."""

from __future__ import annotations

import math

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.strategies import expressions
from tests.trees import assert_places, bare

from tocsin.promql import build
from tocsin.promql.ast import (
    Binary,
    Expr,
    Matcher,
    Number,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
)
from tocsin.promql.names import FUNCTIONS, returns
from tocsin.promql.parse import parse
from tocsin.promql.print import parenthesize, pretty, print_expr

# What is printed


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ('sum(x{b="1",a=~"2"})by(c)', 'sum by (c) (x{b="1",a=~"2"})'),
        ("sum by () (x)", "sum(x)"),
        ("sum without() (x)", "sum without () (x)"),
        ("x [300] @ 100 offset 5m", "x[5m] @ 100.000 offset 5m"),
        ("x offset 5m @ start()", "x @ start() offset 5m"),
        ("a+on()group_left b", "a + on () group_left () b"),
        ("a and ignoring() b", "a and b"),
        ("a==bool 1", "a == bool 1"),
        ("1e21 + 1e-7 + 0.1 + .5 + 1e3", "1000000000000000000000 + 0.0000001 + 0.1 + 0.5 + 1000"),
        ("Inf - -inf - nan", "+Inf - -Inf - NaN"),
        ("-0", "-0"),
        ("x[90m:]", "x[1h30m:]"),
        ("'a\"\\n'", '"a\\"\\n"'),
        ('{"a.b",c="d"}', '{"a.b",c="d"}'),
        ('{"up"}', "up"),
        ("x{}", "x"),
        ('sum by ("a.b", c) (x)', 'sum by ("a.b", c) (x)'),
        ("x @ -1.5", "x @ -1.500"),
        ("a + fill(1) b + fill_left(-1) c", "a + fill (1) b + fill_left (-1) c"),
    ],
)
def test_the_printed_form_is_that_of_prometheus(text: str, printed: str) -> None:
    assert print_expr(parse(text)) == printed
    assert parse(printed) == parse(text)


A, B, C = (VectorSelector(name) for name in "abc")


@pytest.mark.parametrize(
    ("built", "printed"),
    [
        (Binary("*", Binary("+", A, B), C), "(a + b) * c"),
        (Binary("+", A, Binary("*", B, C)), "a + b * c"),
        (Binary("-", A, Binary("-", B, C)), "a - (b - c)"),
        (Binary("-", Binary("-", A, B), C), "a - b - c"),
        (Binary("^", Binary("^", A, B), C), "(a ^ b) ^ c"),
        (Binary("^", A, Binary("^", B, C)), "a ^ b ^ c"),
        (Binary("^", Unary(A), B), "(-a) ^ b"),
        (Binary("^", Number(-1.0), B), "(-1) ^ b"),
        (Binary("^", Number(math.inf), B), "(+Inf) ^ b"),
        (Binary("^", A, Number(-1.0)), "a ^ -1"),
        (Binary("*", Binary("^", A, Unary(B)), C), "a ^ -b * c"),
        (Unary(Binary("+", A, B)), "-(a + b)"),
        (Unary(Binary("^", A, B)), "-a ^ b"),
        (Unary(Number(1.0)), "-(1)"),
        (Unary(Unary(A)), "--a"),
        (Subquery(Binary("+", A, B), 60_000), "(a + b)[1m:]"),
        (Subquery(Unary(A), 60_000), "(-a)[1m:]"),
        (VectorSelector("on"), '{"on"}'),
        (VectorSelector(None), "{}"),
    ],
)
def test_parentheses_stand_where_the_text_would_read_otherwise(built: Expr, printed: str) -> None:
    assert print_expr(built) == printed


def test_pretty_splits_what_is_too_long() -> None:
    text = 'histogram_quantile(0.99, sum by (le, x) (rate(h_bucket{job="a"}[5m]))) > on (x) (a + b)'
    text += " or max_over_time(topk(1, -(c))[1h:5m])"
    assert pretty(parse(text), 44) == "\n".join(
        [
            "    histogram_quantile(",
            "      0.99,",
            "      sum by (le, x) (",
            '        rate(h_bucket{job="a"}[5m])',
            "      )",
            "    )",
            "  > on (x)",
            "    (a + b)",
            "or",
            "  max_over_time(topk(1, -(c))[1h:5m])",
        ]
    )
    assert pretty(parse("a + b")) == "a + b"


@given(expressions())
def test_what_is_printed_reads_back(expr: Expr) -> None:
    again = parse(print_expr(expr))
    assert again == expr
    assert_places(again)


@given(expressions(), st.integers(10, 100))
def test_what_is_prettily_printed_reads_back(expr: Expr, width: int) -> None:
    assert bare(parse(pretty(expr, width))) == bare(expr)


@given(expressions())
def test_needless_parentheses_change_nothing_else(expr: Expr) -> None:
    assert bare(parse(print_expr(bare(expr)))) == bare(expr)
    assert parenthesize(expr) == expr


# What is built


def test_the_compilers_expressions() -> None:
    def rate(name: str) -> Expr:
        return build.aggregate("sum", build.call("rate", build.over(build.selector(name), 300_000)))

    bad = build.binary(rate("bad"), "or", build.call("vector", build.number(0)))
    share = build.binary(bad, "/", build.compare(rate("total"), ">", build.number(0)))
    high = build.compare(share, ">", build.number(0.01))
    assert print_expr(high) == "(sum(rate(bad[5m])) or vector(0)) / (sum(rate(total[5m])) > 0) > 0.01"
    assert parse(print_expr(high)) == high

    buckets = build.selector("h_bucket", Matcher("job", "=", "a"))
    summed = build.aggregate("sum", build.call("rate", build.over(buckets, 300_000)), ("le", "x"))
    quantile = build.call("histogram_quantile", build.number(0.99), summed)
    assert print_expr(quantile) == 'histogram_quantile(0.99, sum by (le, x) (rate(h_bucket{job="a"}[5m])))'

    before = build.call("present_over_time", build.over(A, 3_600_000))
    gone = build.binary(build.aggregate("group", before, ("i",)), "unless", build.aggregate("group", A, ("i",)))
    assert print_expr(gone) == "group by (i) (present_over_time(a[1h])) unless group by (i) (a)"
    assert parse(print_expr(gone)) == gone


def test_builders_of_parts() -> None:
    assert print_expr(build.smooth(A, None)) == "a"
    assert print_expr(build.smooth(A, 60_000)) == "avg_over_time(a[1m])"
    assert print_expr(build.smooth(Binary("/", A, B), 60_000)) == "avg_over_time((a / b)[1m:])"
    assert print_expr(build.over(A, 60_000, step=1000)) == "a[1m:1s]"
    assert print_expr(build.narrowed(parse("rate(a[5m]) / b{c='d'}"), Matcher("e", "=", "f"))) == (
        'rate(a{e="f"}[5m]) / b{c="d",e="f"}'
    )
    since = parse("sum_over_time((a and on () vector(time()) > scalar(b))[1d:5m])")
    assert print_expr(build.narrowed(since, Matcher("e", "=", "f"))) == print_expr(since).replace("(a", '(a{e="f"}')
    joined = build.binary(A, "*", B, on=("x",), group_left=("y",))
    assert print_expr(joined) == "a * on (x) group_left (y) b"
    assert parse(print_expr(joined)) == joined
    assert print_expr(build.binary(A, "-", B, ignoring=("x",))) == "a - ignoring (x) b"
    assert build.binary(A, "and", B, on=()) == parse("a and on () b")
    assert print_expr(build.aggregate("topk", A, ("x",), param=build.number(3))) == "topk by (x) (3, a)"
    assert build.call("label_replace", A, *map(build.string, "abcd")) == parse('label_replace(a, "a", "b", "c", "d")')


def test_builders_refuse_what_there_is_not() -> None:
    with pytest.raises(ValueError, match="no function 'rte'"):
        build.call("rte", A)
    with pytest.raises(ValueError, match="no aggregation 'rate'"):
        build.aggregate("rate", A)
    with pytest.raises(ValueError, match="no comparison 'and'"):
        build.compare(A, "and", B)
    with pytest.raises(ValueError, match="a range of 0 ms"):
        build.over(A, 0)


def test_functions_are_those_of_the_library_with_its_types() -> None:
    candidates = ["", "a", "1", "a[1m]", "a,1", "1,a", "a,1,1", "1,2", "a[1m],1", "1,a[1m]", "a[1m],1,1", "1,1,a"]
    candidates += ["a,'x'", "a,'x','y','z'", "a,'x','y','z','w'", "a,'x',1,2"]
    for function in FUNCTIONS:
        calls = [f"{function}({args})" for args in candidates]
        trees = [tree for tree in map(_accepted, calls) if tree is not None]
        assert trees, function
        kinds = {str(tree.func.return_type).rpartition(".")[2].lower() for tree in trees}
        assert kinds == {"scalar" if returns(function) is ValueType.SCALAR else "vector"}, function


def _accepted(text: str) -> promql_parser.Call | None:
    try:
        tree = promql_parser.parse(text)
    except ValueError:
        return None
    assert isinstance(tree, promql_parser.Call)
    return tree
