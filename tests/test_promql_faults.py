"""What is no PromQL, and where the fault is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trees import assert_places, bare, fault

from tocsin.diagnostics import ProblemError, Severity
from tocsin.promql.ast import (
    MatrixSelector,
    VectorSelector,
    children,
    transform,
    walk,
)
from tocsin.promql.check import check
from tocsin.promql.parse import parse
from tocsin.promql.print import pretty, print_expr
from tocsin.promql.scan import MAX_DEPTH, MAX_LENGTH


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("sum(x", "(", "unclosed left parenthesis"),
        ("x)", ")", "unexpected right parenthesis"),
        ("x[5m", "[", "unclosed left bracket"),
        ("x{a='b'", "{", "unexpected end of input inside braces"),
        ("(x]", "]", "unexpected right bracket"),
        ("a b", "b", "unexpected identifier `b`"),
        ("sum by (x) (a) by (y)", "by", "unexpected <by>"),
        ("a + (b c) + d", "c", "unexpected identifier `c`"),
        ("rate(x[5m]) > > 1", ">", "unexpected <op:>>"),
        ("a =~ b", "=~", "unexpected character after '=': '~'"),
        ("x{a=b}", "b", "unexpected identifier `b` in label matching, expected string"),
        ("x{1='a'}", "1", "unexpected character inside braces: '1'"),
        ("x{a='b' c='d'}", "c", "expected `,` or `}`"),
        ("x{a='b' or c='d'}", "or", "MetricsQL"),
        ("x{,}", ",", "in label matching"),
        ("x{'y'}", "x{'y'}", "metric name must not be set twice"),
        ("x{__name__='y'}", "x{__name__='y'}", "metric name must not be set twice"),
        ("{'x', 'y'}", "'y'", "metric name must not be set twice"),
        ("a + {b=''}", "{b=''}", "at least one non-empty matcher"),
        ("a + {b=~'.*'}", "{b=~'.*'}", "at least one non-empty matcher"),
        ("a + 1e1000", "1e1000", "out of range"),
        ("0x8000000000000000", "0x8000000000000000", "invalid syntax"),
        ("1..2 + a", "1..2", "bad number"),
        ("x[5m1h]", "5m1h", "not a valid duration"),
        ("x[0s]", "0s", "greater than 0"),
        ("x[300y]", "300y", "duration out of range"),
        ("x[9.5e10]", "9.5e10", "out of range"),
        ("x offset 300y", "300y", "duration out of range"),
        ("x @ 1e100", "1e100", "out of bounds"),
        ("x @ Inf", "Inf", "out of bounds"),
        (r"x{a='\d'}", r"\d", "unknown escape sequence"),
        (r"x{a='\"'}", r"\"", "unknown escape sequence"),
        (r"x{a='\400'}", r"\400", "invalid Unicode"),
        (r"x{a='\ud800'}", r"\ud800", "invalid Unicode"),
        (r"x{a='\xff'}", r"'\xff'", "not valid UTF-8"),
        ("x{a='�'}", "'�'", "invalid UTF-8"),
        ("x + 'abc\n'", "'abc\n'", "unterminated quoted string"),
        ("x + `abc", "`abc", "unterminated raw string"),
        ("a + ö", "ö", "unexpected character"),
        ("", "", "no expression found"),
        (" # only a comment", " # only a comment", "no expression found"),
        ("time() + rate(x[5m], 1)", "rate(x[5m], 1)", "expected 1 argument(s)"),
        ("sum(x) + topk by (a) (x)", "topk by (a) (x)", "expected 2, got 1"),
        ("a and (b + bool c)", "b + bool c", "bool modifier"),
        ("a + on (x) group_left (x) b", "a + on (x) group_left (x) b", "must not occur"),
        ("$window", "$", "unexpected character"),
        ("a @ (1)", "(", "unexpected `(`"),
    ],
)
def test_syntax_is_refused_at_its_place(text: str, place: str, said: str) -> None:
    code, where, message = fault(text)
    assert (code, where) == ("promql/syntax", place)
    assert said in message


@pytest.mark.parametrize("text", ["1 +", "sum(x) >", "x offset", "x @ start"])
def test_an_unfinished_expression_ends_unexpectedly(text: str) -> None:
    assert fault(text)[2].startswith("unexpected end of input")


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("a + rate(x)", "rate(x)", "expected type range vector in call to function `rate`, got instant vector"),
        ("sum(a) + sum(1)", "sum(1)", "expected type instant vector in aggregation expression, got scalar"),
        ("abs(1 > 2)", "1 > 2", "comparisons between scalars must use BOOL modifier"),
        ("(a and 1) + 2", "a and 1", "set operator `and` not allowed in binary scalar expression"),
        ("rate(+x[5m])", "+x[5m]", "unary expression only allowed"),
        ("info(x, y)", "y", "label selectors only"),
    ],
)
def test_types_are_refused_at_their_place(text: str, place: str, said: str) -> None:
    code, where, message = fault(text)
    assert (code, where) == ("promql/type", place)
    assert said in message


def test_a_proposed_syntax_is_refused_by_name() -> None:
    code, where, message = fault("x[5m::1m]")
    assert (code, where) == ("promql/unsupported", "::")
    assert "aligned subqueries" in message


@pytest.mark.parametrize("text", ["offset + min_of(1, 2)", "anchored + smoothed", "a and anchored", "x{step='1'}"])
def test_words_of_experimental_syntax_are_names_elsewhere(text: str) -> None:
    assert_places(parse(text))


@pytest.mark.parametrize("pattern", ["a{1001}", "b++", "(?x) a", "(a", "a)(b", "(?=a)", "[z-a]", r"\\C", r"\\u0041"])
def test_regular_expressions_that_go_refuses_are_refused(pattern: str) -> None:
    assert fault(f'a + x{{y=~"{pattern}"}}')[:2] == ("promql/regex", f'"{pattern}"')
    assert isinstance(parse(f'x{{y="{pattern}"}}'), VectorSelector)


@pytest.mark.parametrize(
    ("text", "place", "help"),
    [
        ("1 + rat(x[5m])", "rat", "did you mean `rate`?"),
        ("sum(abs(holt_winters(x[5m], 1, 1)))", "holt_winters", "Prometheus 3 calls it `double_exponential_smoothing`"),
        ("summ by (x) (y)", "by", ""),
        ("zzzzzzz(x)", "zzzzzzz", ""),
    ],
)
def test_an_unknown_function_gets_a_suggestion(text: str, place: str, help: str) -> None:
    with pytest.raises(ProblemError) as caught:
        parse(text)
    assert (caught.value.problem.span.text, caught.value.problem.help) == (place, help)
    assert caught.value.problem.code == ("promql/unknown-function" if place != "by" else "promql/syntax")


DEEP: dict[str, Callable[[int], str]] = {
    "parentheses": lambda n: "(" * n + "a" + ")" * n,
    "calls": lambda n: "abs(" * n + "a" + ")" * n,
    "aggregations": lambda n: "sum by (x) (" * n + "a" + ")" * n,
    "a sum": lambda n: " + ".join(["a"] * n),
    "a power": lambda n: "^".join(["a"] * n),
    "alternatives": lambda n: " or ".join(["a"] * n),
    "signs": lambda n: "-" * n + "a",
    "subqueries": lambda n: "abs(" * n + "a" + "[1m:])" * n,
    "a sum of selectors": lambda n: "+".join(['a{b="",}'] * n),
    "signed parentheses": lambda n: "-(" * n + "a" + ")" * n,
}


@pytest.mark.parametrize("shape", DEEP)
@pytest.mark.parametrize("size", [MAX_DEPTH + 1, 1000, 1100, 5000, 100_000])
def test_what_is_too_deep_is_refused_and_does_not_crash(shape: str, size: int) -> None:
    text = DEEP[shape](size)
    if shape == "subqueries" and size < 3000:
        assert fault(text)[0] in ("promql/too-deep", "promql/type")
        return
    assert fault(text)[0] == ("promql/too-long" if len(text) > MAX_LENGTH else "promql/too-deep")


@pytest.mark.parametrize("shape", sorted(DEEP.keys() - {"subqueries"}))
def test_what_is_just_not_too_deep_is_read_printed_compared_and_changed(shape: str) -> None:
    size = (MAX_DEPTH - 2) // (2 if shape == "signed parentheses" else 1)
    expr = parse(DEEP[shape](size))
    assert parse(print_expr(expr)) == expr
    assert bare(parse(pretty(expr, 20).replace("  ", ""))) == bare(expr)
    assert transform(expr, lambda node: node) is expr
    assert hash(expr) == hash(parse(print_expr(expr)))
    assert repr(expr)


def test_the_limit_is_that_of_the_depth_of_the_tree() -> None:
    assert len(list(walk(parse(" + ".join(["a"] * (MAX_DEPTH - 1)))))) == 2 * MAX_DEPTH - 3
    wide = " + ".join(["(a * b + c)"] * 150)
    assert len(children(parse(wide))) == 2


@pytest.mark.parametrize("stack", [0, 512 * 1024])
def test_deep_text_is_safe_in_a_thread(stack: int) -> None:
    found: list[int] = []
    text = "a" + " + a" * (MAX_DEPTH - 20)
    previous = threading.stack_size(stack)
    thread = threading.Thread(target=lambda: found.append(len(list(walk(parse(text))))))
    thread.start()
    threading.stack_size(previous)
    thread.join()
    assert found == [2 * (MAX_DEPTH - 20) + 1]


def test_deep_text_is_refused_where_little_of_the_stack_is_left() -> None:
    def deeper(frames: int) -> str:
        return deeper(frames - 1) if frames else fault(DEEP["calls"](MAX_DEPTH - 2))[0]

    assert deeper(600) == "promql/too-deep"


@pytest.mark.parametrize(
    "text",
    [
        "(a b)" * 6000,
        "a + " * 900 + "b c",
        "(" * 190 + "rate(x)" + ")" * 190,
        "abs(1), " * 4000,
        "a{b='c'} " * 3000,
        "a b" * 9000 + ")",
    ],
)
def test_what_is_wrong_is_found_in_bounded_time(text: str) -> None:
    begun = time.monotonic()
    fault(text)
    assert time.monotonic() - begun < 5


@given(st.text(max_size=40) | st.text("ab(){}[],=~!'\"`\\+-*/^<>@:#. 15msumbyonoffset\n", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ProblemError):
        assert_places(parse(text))


# What only shows at run time


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("up == 0", []),
        ("vector(1)", []),
        ("x[5m]", [("promql/type", "x[5m]", Severity.ERROR)]),
        ("x[5m:]", [("promql/type", "x[5m:]", Severity.ERROR)]),
        ("('a')", [("promql/type", "('a')", Severity.ERROR)]),
        ("label_replace(x, 'a', '$1', 'b', '(.*)')", []),
        ("1 + label_replace(x, 'a', '$1', 'b', '(')", [("promql/regex", "'('", Severity.ERROR)]),
        ("label_replace(x, '', '$1', 'b', '.*')", [("promql/label-name", "''", Severity.ERROR)]),
        ("label_replace(x, 'a-b', '$1', 'b', '.*')", [("promql/label-name", "'a-b'", Severity.WARNING)]),
        ("label_join(x, 'a', '-', 'b', 'c')", []),
        ("label_join(x, 'a', '-', 'b', '')", [("promql/label-name", "''", Severity.ERROR)]),
        ("count_values('', x)", [("promql/label-name", "''", Severity.ERROR)]),
    ],
)
def test_check(text: str, found: list[tuple[str, str, Severity]]) -> None:
    assert [(p.code, p.span.text, p.severity) for p in check(parse(text))] == found


def test_check_of_what_was_built_shows_its_text() -> None:
    (problem,) = check(MatrixSelector(VectorSelector("a"), 60_000))
    assert problem.span.text == "a[1m]"
