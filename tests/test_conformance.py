"""The engine against Prometheus's own test scripts, and the runner of the scripts against wrong expectations."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tests.conformance.__main__ import main
from tests.conformance.differences import DIFFERENCES, Difference
from tests.conformance.evals import agree, variants
from tests.conformance.run import Outcome, outcomes, run
from tests.conformance.script import Eval, ScriptError, commands, read
from tests.conformance.values import durations, samples

from tocsin.promql.parse import parse
from tocsin.promql.print import print_expr
from tocsin.series import STALE

SCRIPTS = Path(__file__).parent.parent.parent / "shared" / "promqltest"

README = Path(__file__).parent.parent / "README.md"

needs_scripts = pytest.mark.skipif(not SCRIPTS.is_dir(), reason="needs the folder shared beside the project")


def checked(script: str) -> list[Outcome]:
    return list(outcomes(commands(script), Path("inline.test")))


def failed(script: str) -> list[str]:
    """The reasons of the evals that fail."""
    return [outcome.mismatch.reason for outcome in checked(script) if outcome.mismatch is not None]


# --- Prometheus's scripts --------------------------------------------------------------------------------------------


@needs_scripts
@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.test")), ids=lambda path: path.stem)
def test_every_eval_passes_that_is_no_listed_difference(path: Path) -> None:
    wrong = [outcome for outcome in run(path) if outcome.mismatch is not None]
    unexplained = [outcome for outcome in wrong if not any(listed.explains(outcome) for listed in DIFFERENCES)]
    assert not unexplained, "\n".join(map(str, unexplained))
    for listed in DIFFERENCES:
        if listed.script == path.name:
            assert sum(map(listed.explains, wrong)) == listed.count, listed


@needs_scripts
def test_the_listed_differences_are_few() -> None:
    evals = [command for path in SCRIPTS.glob("*.test") for command in read(path) if isinstance(command, Eval)]
    assert len(evals) > 1500
    assert sum(listed.count for listed in DIFFERENCES) <= 0.05 * len(evals)
    assert sum(listed.count for listed in DIFFERENCES if listed.floats) <= 0.01 * 900


@pytest.mark.parametrize("listed", DIFFERENCES, ids=lambda listed: listed.script)
def test_the_readme_lists_the_differences(listed: Difference) -> None:
    (row,) = (line for line in README.read_text().splitlines() if line.startswith("|") and listed.reason in line)
    assert str(listed.count) in row.split()


# --- the runner ------------------------------------------------------------------------------------------------------

LOAD = """
load 1m
  up{job="a"} 0 1 2 3
  up{job="b"} 5 5 5 5
"""


@pytest.mark.parametrize(
    "expected",
    [
        'eval instant at 2m up\n  up{job="a"} 2\n  up{job="b"} 5',
        'eval instant at 2m up{job="a"}\n  up{job="a"} 2.000001',
        'eval_ordered instant at 3m sort_desc(up)\n  up{job="b"} 5\n  up{job="a"} 3',
        'eval instant at 3m sort(up)\n  expect ordered\n  up{job="a"} 3\n  up{job="b"} 5',
        'eval range from 0 to 3m step 1m up{job="a"}\n  up{job="a"} 0 1 2 3',
        'eval range from 0 to 10m step 5m up{job="a"}\n  up{job="a"} 0 3 _',
        "eval instant at 1m scalar(vector(3))\n  3",
        'eval instant "a\\tb"\n  expect string "a\\tb"',
        'eval instant at 1m up{job="a"}[90s]\n  expect range vector from 0 to 1m step 1m\n  up{job="a"} 0 1',
        'eval_fail instant at 1m -{__name__=~"up"} + on() up\n  expected_fail_regexp found duplicate .* right',
        "eval instant at 1m topk(NaN, up)\n  expect fail msg: Parameter value is NaN",
        "eval instant at 1m up{\n  expect fail",
        "eval instant at 1m absent(nothing)\n  expect no_warn\n  {} 1",
        "eval instant at 1m nothing",
        'eval_info instant at 1m rate(up[2m])\n  {job="a"} 0.008333333333333333\n  {job="b"} 0',
    ],
)
def test_a_right_expectation_passes(expected: str) -> None:
    (outcome,) = checked(f"{LOAD}\n{expected}\n")
    assert outcome.mismatch is None, outcome
    assert outcome.is_float


@pytest.mark.parametrize(
    ("expected", "reason"),
    [
        ('eval instant at 2m up\n  up{job="a"} 2\n  up{job="b"} 6', "differs"),
        ('eval instant at 2m up{job="a"}\n  up{job="a"} 2.00001', "differs"),
        ('eval instant at 2m up\n  up{job="a"} 2', "differs"),
        ('eval instant at 2m up{job="a"}\n  up{job="a"} 2\n  up{job="b"} 5', "differs"),
        ('eval instant at 2m up{job="a"}\n  {job="a"} 2', "differs"),
        ('eval instant at 2m up{job="a"}\n  up{job="a"} NaN', "differs"),
        ("eval instant at 2m up", "differs"),
        ('eval_ordered instant at 3m sort(up)\n  up{job="b"} 5\n  up{job="a"} 3', "order"),
        ('eval range from 0 to 3m step 1m up{job="a"}\n  up{job="a"} 0 1 2 4', "differs"),
        ('eval range from 0 to 3m step 1m up{job="a"}\n  up{job="a"} 0 1 2', "differs"),
        ('eval range from 0 to 10m step 5m up{job="a"}\n  up{job="a"} 0 3 3', "differs"),
        ("eval instant at 1m scalar(vector(3))\n  4", "differs"),
        ('eval instant "a"\n  expect string "b"', "differs"),
        (
            'eval instant at 1m up{job="a"}[90s]\n  expect range vector from 0 to 2m step 1m\n  up{job="a"} 0 2',
            "differs",
        ),
        ("eval_fail instant at 1m up", "does not fail"),
        ("eval instant at 1m topk(NaN, up)\n  expect fail msg: Parameter is NaN", "message"),
        ("eval instant at 1m topk(NaN, up)\n  expect fail regex: ^NaN", "message"),
        ("eval instant at 1m up{\n  expect fail msg: up", "message"),
        ("eval instant at 1m up + on() up", "fails"),
        ("eval instant at 1m up)", "refused: unexpected right parenthesis `)`"),
        ("eval instant at 1m up\n  up {{count:1}}", "differs"),
    ],
)
def test_a_wrong_expectation_fails(expected: str, reason: str) -> None:
    assert failed(f"{LOAD}\n{expected}\n") == [reason]


def test_what_is_not_supported_is_no_expected_failure() -> None:
    script = f"{LOAD}\neval_fail instant at 1m abs(up)[1m:]\n"
    assert failed(script) == ["cannot evaluate a range vector as the result"]


def test_a_series_of_native_histograms_makes_its_evals_no_float_evals() -> None:
    script = (
        "load 1m\n  h {{count:1}}x3\n  up 1 1 1\n\neval instant at 1m count(h)\n  {} 1\n\neval instant at 1m up\n  up 1"
    )
    assert [outcome.is_float for outcome in checked(script)] == [False, True]
    script = (
        "load_with_nhcb 1m\n  h_bucket{le='1'} 1\n\neval instant at 0 h\n\neval instant at 0 count(h_bucket)\n  {} 1"
    )
    assert [outcome.is_float for outcome in checked(script)] == [False, True]


def test_loads_add_up_until_they_are_cleared_and_a_comment_ends_a_block() -> None:
    script = """
load 1m
  a 1 1
# b is no part of the block above
load 2m
  a _ 3
  b 2

eval instant at 2m a + b
  {} 5

clear
eval instant at 0 a
"""
    assert failed(script) == []


def test_each_eval_runs_with_its_time_in_every_selector_at_other_times_too() -> None:
    expr = "rate(up[5m:1m]) + up offset 1m - up @ 7 + sum_over_time(sum by (job) (up @ end())[2m:])"
    shown = [(print_expr(variant), time) for variant, time in variants(parse(expr), 60_000)]
    fixed = "rate(up[5m:1m] @ 60) + up offset 1m @ 60 - up @ 7 + sum_over_time(sum by (job) (up @ end())[2m:] @ 60)"
    expected = [print_expr(parse(text)) for text in (expr, fixed)]
    assert shown == [
        (expected[0], 60_000),
        *[(expected[1], time) for time in (-600_000, 0, 12_000, 60_000, 600_000)],
    ]
    assert [time for _expr, time in variants(parse("up"), 0)] == [0, -1000, 0, 1000]
    assert len(list(variants(parse("time() - up"), 60_000))) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 _ -2.5e3 +Inf", [1.0, None, -2500.0, math.inf]),
        ("0+0.1x3", [0.0, 0.1, 0.2, 0.1 + 0.1 + 0.1]),
        ("3-1x2 _x2 7x1", [3.0, 2.0, 1.0, None, None, 7.0, 7.0]),
        ("0x3", [0.0] * 4),
        ("-1-2x1", [-1.0, -3.0]),
        ("", []),
    ],
)
def test_sequences(text: str, expected: list[float | None]) -> None:
    assert samples(text) == expected


def test_sequences_of_what_is_no_number() -> None:
    stale, nan = samples("stale NaN")
    assert isinstance(stale, float)
    assert isinstance(nan, float)
    assert [agree(stale, STALE), agree(stale, nan), agree(nan, math.nan)] == [True, False, True]
    first, second, third, fourth = samples("{{sum:1 count:2}}x1 {{}}+{{sum:1}}x1")
    assert first == second
    assert third != fourth
    assert durations("_ -30s-1mx2 0 1m30s") == [None, -30_000, -90_000, -150_000, 0, 90_000]
    for wrong in ("1+x3", "x3", "1x-1", "{{", "1,2"):
        with pytest.raises(ValueError, match="no sample"):
            samples(wrong)


def test_the_tolerance_is_that_of_prometheus() -> None:
    assert agree(1.0, 1.0 + 1e-6)
    assert not agree(1.0, 1.0 + 3e-6)
    assert agree(math.inf, math.inf)
    assert not agree(math.inf, 1e308)
    assert not agree(0.0, 1e-300)
    assert agree(0.0, -0.0)
    assert not agree(5e-324, 1e-300)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("\nlaod 1m", "2: no command"),
        ("load 1m\n  up{ 1", "1: an open brace"),
        ("load 1m\n  up one", "1: `one` is no sample"),
        ("load 1m\n  up{a!='b'} 1", "1: no series"),
        ("eval instant at 1m up\n  expect nothing", "1: no expectation"),
    ],
)
def test_what_is_no_script_is_refused_with_its_line(script: str, message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        checked(script)


def test_the_command_says_what_failed_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.test", tmp_path / "sub" / "bad.test"
    bad.parent.mkdir()
    good.write_text("eval instant at 1m vector(1)\n  {} 1\n")
    bad.write_text("eval instant at 1m vector(1)\n  {} 2\n\neval instant at 1m vector(2)\n  {} 2\n")
    assert main([str(good)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 0 failed"
    assert main([str(tmp_path), "--summary"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{bad}:1: vector(1): expected {{}} 2.0@60000, got {{}} 1.0@60000"
    assert lines[-3:] == ["floats: 2 of 3", "native histograms: 0 of 0", "2 passed, 1 failed"]
    assert "     1  differs" in lines
    bad.write_text("nonsense")
    assert main([str(bad)]) == 2
    assert "bad.test:1: no command: nonsense" in capsys.readouterr().err
    assert main([str(tmp_path / "absent.test")]) == 2


# --- names that go at the end ----------------------------------------------------------------------------------------

NAMES = """
load 1m
  a_total{i="0"} 0+6x10
  b_total{i="0"} 0+12x10
  b_total{i="1"} 0+60x10
"""


@pytest.mark.parametrize(
    "expected",
    [
        'eval instant at 9m rate(b_total[5m])\n  {i="0"} 0.2\n  {i="1"} 1',
        "eval instant at 9m sum by (__name__) (rate(b_total[5m]))\n  {} 1.2",
        'eval instant at 9m sum by (__name__) (rate({i=~"."}[5m]))\n  expect fail',
        'eval instant at 9m sum by (i) (rate({i=~"."}[5m]))\n  {i="0"} 0.3\n  {i="1"} 1',
        'eval instant at 9m count_values("n", rate({i="0"}[5m]) > 0)\n  {n="0.1"} 1\n  {n="0.2"} 1',
        'eval instant at 9m max_over_time(rate({i="0"}[5m])[2m:1m])\n  expect fail',
        'eval instant at 9m label_replace(max_over_time(rate({i="0"}[5m])[2m:1m]), "n", "$1", "__name__", "(.)_.*")\n'
        '  {i="0", n="a"} 0.1\n  {i="0", n="b"} 0.2',
        'eval instant at 9m label_replace(last_over_time(abs(a_total)[2m:]), "__name__", "c", "i", "0")\n  c{i="0"} 54',
        'eval instant at 9m last_over_time(abs(a_total)[2m:1m])\n  {i="0"} 54',
        'eval instant at 9m a_total + ignoring(__name__) b_total{i="0"}\n  {i="0"} 162',
        'eval instant at 9m sum by (__name__) (a_total + b_total{i="0"})\n  {} 162',
        "eval instant at 9m count by (__name__) (a_total < bool b_total)\n  {} 1",
        'eval instant at 9m topk by (__name__) (1, -b_total)\n  {i="0"} -108',
        'eval instant at 9m topk by (__name__) (1, -{i="0"})\n  expect fail',
        'eval instant at 9m clamp(b_total, 0, 1)\n  {i="0"} 1\n  {i="1"} 1',
        'eval instant at 8m sum by (__name__) (b_total{i="0"} or abs(b_total{i="1"}) > 500)\n  b_total 96',
        'eval instant at 9m sum by (__name__) (b_total{i="0"} or abs(b_total{i="1"}) > 500)\n  {} 648',
        'eval range from 8m to 9m step 1m a_total or abs(b_total{i="1"}) > 500\n'
        '  a_total{i="0"} 48 54\n  {i="1"} _ 540',
    ],
)
def test_delayed_names(expected: str) -> None:
    (outcome,) = checked(f"{NAMES}\n{expected}\n")
    assert outcome.mismatch is None, outcome
