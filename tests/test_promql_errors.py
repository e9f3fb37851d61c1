"""What is said of an expression that is not PromQL, in Prometheus's words; and computed durations, which are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.trees import assert_places, fault

from tocsin.diagnostics import ProblemError
from tocsin.promql.ast import Computed, MatrixSelector, Subquery, VectorSelector, unwrap
from tocsin.promql.durations import resolve
from tocsin.promql.parse import parse
from tocsin.promql.print import pretty, print_expr

SAME = r"""
sum(x
x)
x[5m
x{a='b'
(x]
a b
sum by (x) (a) by (y)
rate(x[5m]) > > 1
a =~ b
x{a=b}
x{1='a'}
x{a='b' c='d'}
x{,}
x{__name__='y'}
a + {b=''}
a + 1e1000
0x8000000000000000
x[5m1h]
x[300y]
x[0s]
x offset 300y
x @ 1e100
x @ Inf
x{a='\d'}
x{a='\400'}
x + `abc
"abc
time() + rate(x[5m], 1)
topk by (a) (x)
a and (b + bool c)
a + on (x) group_left (x) b
g and on (job) group_left i
a @ (1)
a + rate(x)
sum(1)
abs(1 > 2)
a and 1
rate(+x[5m])
-x[5m]
-'a'
1 +
sum(x) >
x @ start
x @ y
x @ 'a'
1 + rat(x[5m])
rate()
sum()
topk(x, x)
count_values(1, x)
abs('a')
vector(x)
scalar(1)
label_replace(x, 1, 'b', 'c', 'd')
histogram_quantile(x, 0.9)
absent(x[5m])
sum(x)[5m]
x[5m][5m]
1[5m]
x offset 5m [5m]
x @ 1 [5m]
x[5m] offset 1m offset 2m
x[5m] @ 1 @ 2
x[5m] + 1
x[5m:0s]
x{a=~'a{1001}'}
x{a=~'*'}
x{a=~'a**'}
x{a=~'[z-a]'}
x{a=~'(?=a)'}
x{a=~'\\8'}
a + group_left b
sum(x) by
sum by x
sum by (1) (x)
sum by (x y) (z)
sum by (x) a
sum(a b)
sum(abs(a b))
x + on y
bool
on(x)
sum sum
x +* y
x = y
x ! y
x{a}
x{a=}
x{a==b}
x{a='b',,}
(
()
)
0x
1e
sum(x,)
1 offset 5m
sum(x) @ 5
x unless bool y
a + on (x) group_left
a + on (x) group_left =
(a + on (x) group_left (1) b)
"\x"
"\x4g"
"\u12"
"\uzz"
"\1"
"\18"
"\8"
'\"'
x{a="b"}}
x start
x @ start(1)
x BY y
sum(x) by sUM
x{a!"b"}
x{a!
x!
x{(
(x{a="b")
x{[5m]}
x{=5m}
x{~="1"}
x{é="a"}
x{a="b", !~"b"}
x{a="b"!=}
sum(without le) (x)
sum by (a) (abs(b c))
sum by (a) (b c)
sum(a) by (b) (c)
sum(x{a="b"} y)
by b
a > bool on (z) by b
a + ignoring (on b) c
a + on (by b) c
1 == bool on (a) 2
x == on (a) 2
1 + ignoring (a) x
x @ -inf
x @ -1e30
x @ -5 y
x[5m:][5m:]
sum(x) by (a.5)
absent(xa="1"})
sum by (job) rate(x[5m]))
sum(x) by a,)
rate(x)5m])
x y{
a b "c
a b{c=}
a b[c]
a b @ 1e100
a + on (b c) d{e='\d'}
""".strip().split("\n")
"""Refused with the same words by Prometheus 2.42 and 3."""

LATER = {
    "x offset": "unexpected end of input in offset, expected number, duration, step(), or range()",
    "x offset a": "unexpected identifier `a` in offset, expected number, duration, step(), or range()",
    "x[a]": "unexpected character in duration expression: 'a'",
    "x['5m']": 'unexpected character in duration expression: "\'"',
    "x[(sum)]": "unexpected character in duration expression: 's'",
    "x[5m + a]": "unexpected character: 'a', expected ':'",
    "x[5m offset 1m]": "unexpected character: 'o', expected ':'",
    "x[]": "unexpected `]` in subquery or range selector, expected number, duration, step(), or range()",
    "x[5m 5m]": "unexpected duration `5m` in subquery or range, expected `:` or `]`",
    "x[5m:a]": "unexpected character: 'a', expected ':'",
    "x[5m:5m 1]": "unexpected number `1` in subquery selector, expected `]`",
    "x[0]": "duration must be greater than 0",
    "x[-5m]": "duration must be greater than 0",
    "x[5m - 300]": "duration must be greater than 0",
    "x[5m / 0]": "division by zero",
    "x offset (5m % (2 - 2))": "modulo by zero",
    "x[9.5e10]": "duration out of range",
    "x[1e9 * 1e9]": "duration is out of range",
    "x offset (2 ^ 1e9)": "duration is out of range",
    "x[(-1) ^ 0.5]": "duration is out of range",
    "x[step(1)]": "unexpected number `1` in subquery or range selector, expected number, duration, step(), or range()",
    "x{a=~'('}": "error parsing regexp: missing closing ): `(`",
    "x{a=~'a)(b'}": "error parsing regexp: unexpected ): `a)(b`",
    r'x{a=~"\\"}': "error parsing regexp: trailing backslash at end of expression: ``",
    "sum by ('') (x)": 'invalid label name for grouping: ""',
    "x + on (a, ``) y": 'invalid label name for grouping: ""',
    "x[5m @ 1]": "unexpected <op:@> in subquery or range, expected `:` or `]`",
    "x range": "unexpected `range`",
    "{'x', 'y'}": 'metric name must not be set twice: "x" or "y"',
    "x[5m:1m] anchored": "anchored modifier is not supported for subqueries",
    "sum(x) smoothed": "smoothed modifier not implemented",
    "x[5m] anchored smoothed": "anchored and smoothed modifiers cannot be used together",
    "1 </ 2": 'operator "</" not allowed for Scalar operations',
    "sum_over_time(x[1m] anchored)": (
        "anchored modifier can only be used with: changes, delta, increase, rate, resets - not with sum_over_time"
    ),
}
"""Refused in the words of Prometheus 3, where 2.42 has other ones or another grammar."""


def _plain(message: str) -> str:
    return re.sub(r"[`'\"]", "'", message)


@pytest.mark.live
@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_what_is_refused_is_refused_in_the_words_of_prometheus(tmp_path: Path) -> None:
    groups = [{"name": f"g{i}", "rules": [{"record": "r", "expr": text}]} for i, text in enumerate(SAME)]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": groups}))
    done = subprocess.run(["promtool", "check", "rules", str(path)], capture_output=True, text=True, check=False)
    found = re.findall(r'"g(\d+)", rule 1, "r": could not parse expression: \d+:\d+: parse error: (.*)', done.stderr)
    said = {SAME[int(index)]: _plain(message) for index, message in found}
    assert {text: _plain(fault(text)[2]) for text in SAME} == said


@pytest.mark.parametrize("text", LATER)
def test_what_only_prometheus_3_says(text: str) -> None:
    assert fault(text)[2] == LATER[text]


@pytest.mark.parametrize(
    ("text", "place"),
    [("1 + x[5m / 0]", "/"), ("x[5m - 300s]", "5m - 300s"), ("x offset (1h * 1e9)", "(1h * 1e9)"), ("x[1 + a]", "a")],
)
def test_a_fault_of_a_duration_has_its_place(text: str, place: str) -> None:
    assert fault(text)[1] == place


@pytest.mark.parametrize("size", [300, 900, 3000])
@pytest.mark.parametrize("shape", ["x[{open}1{close}]", "x[1{more}]", "x[{signs}1]", "x offset ({signs}step())"])
def test_a_deep_duration_does_not_crash(shape: str, size: int) -> None:
    text = shape.format(open="(" * size, close=")" * size, more=" + step()" * size, signs="-" * size)
    assert fault(text)[0] == "promql/too-deep"


# Durations


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("x[29s+1s:5s+5s]", "x[30s:10s]"),
        ("x[2*(1m+30)]", "x[3m]"),
        ("x offset 100 + 2", "x offset 1m40s + 2"),
        ("x offset (100 + 2)", "x offset 1m42s"),
        ("x offset (-2 ^ 2)", "x offset -4s"),
        ("x offset -2 ^ 2", "x offset -2s ^ 2"),
        ("x[2 ^ 3 ^ 0]", "x[2s]"),
        ("x[min_of(5m, 1h)]", "x[5m]"),
        ("x[1m:STEP()]", "x[1m:step()]"),
        ("x[(step() + 1m) * 2]", "x[(step() + 1m) * 2]"),
        ("x[step() - (range() - 1)]", "x[step() - (range() - 1)]"),
        ("x[2 ^ step() ^ (-2)]", "x[2 ^ step() ^ (-2)]"),
        ("x[(-2) ^ step() + 1]", "x[(-2) ^ step() + 1]"),
        ("x[-step() ^ 2]", "x[-step() ^ 2]"),
        ("x offset -(step() * 2)", "x offset -(step() * 2)"),
        ("x offset -step() * 2", "x offset -step() * 2"),
        ("x offset max_of(3s, range())", "x offset max_of(3s, range())"),
        ("rate(x[5m] offset 1m anchored @ 5)", "rate(x[5m] anchored @ 5.000 offset 1m)"),
        ("x smoothed", "x smoothed"),
        ("x anchored[5m]", "x[5m] anchored"),
        ("a </ 1 >/ b", "a </ 1 >/ b"),
        ("a </ on (x) b + 1", "a </ on (x) b + 1"),
        ("x{a=~`b\\d`}", 'x{a=~"b\\\\d"}'),
        ("1 atan2.5", "1 atan2 0.5"),
        ("sum by (a:b) (x) * on (c:d) group_left (:e) y", 'sum by ("a:b") (x) * on ("c:d") group_left (":e") y'),
        ("x >bool.5", "x > bool 0.5"),
    ],
)
def test_what_the_library_refuses_is_read_and_printed(text: str, printed: str) -> None:
    expr = parse(text)
    assert_places(expr)
    assert print_expr(expr) == printed
    assert parse(printed) == expr
    assert parse(pretty(expr, 4)) == expr


@pytest.mark.parametrize(
    "text",
    ["anchored", "a + on (b) anchored", "smoothed anchored", "offset offset 5m", "a and offset", "and and and", "step"],
)
def test_modifiers_are_names_where_no_operand_stands_before_them(text: str) -> None:
    assert_places(parse(text))


def test_what_depends_on_the_evaluation_is_resolved_there() -> None:
    expr = parse("rate(x[step() + 1m] offset (range() / 2))")
    (selector,) = resolve(expr, step=30_000, span=600_000).args  # type: ignore[attr-defined]  # a call
    assert selector == MatrixSelector(VectorSelector("x", offset=300_000), 90_000)
    assert isinstance(parse("x[step()]").range_expr, Computed)  # type: ignore[attr-defined]  # a range
    subquery = resolve(unwrap(parse("(x[2 * range():step()])")), 5_000, 60_000)
    assert subquery == Subquery(VectorSelector("x"), 120_000, 5_000)


def test_an_instant_query_has_no_step() -> None:
    assert resolve(parse("x[step() + 1m]")) == parse("x[1m]")
    with pytest.raises(ProblemError) as caught:
        resolve(parse("1 + rate(x[step()])"))
    problem = caught.value.problem
    assert (problem.code, problem.span.text) == ("promql/duration", "x[step()]")
    assert problem.message == "duration must be greater than 0"
