"""What all rules of a set together tell: duplicates, lags, dead-man's switches, and what nobody misses."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from tests.fuzz.grammar import SHAPES, Grammar
from tests.linting import alert, codes, found, lint, rules

RECORD = {"record": "job:x:sum", "expr": "sum by (job) (x_total)"}


def am(*inhibitions: str) -> str:
    rules = "".join(f"\n  - {one}" for one in inhibitions)
    return f"\n---\nroute: {{receiver: a}}\nreceivers: [{{name: a}}]\ninhibit_rules: {rules or '[]'}\n"


def named(name: str, expr: str, severity: str = "ticket", for_: str = "10m") -> dict[str, object]:
    return {**alert(expr, {"severity": severity}), "alert": name, "for": for_}


SETS: Sequence[tuple[str, str, int]] = [
    ("duplicate", rules(named("A", "x > 1"), named("A", "(x) > 1", for_="5m")), 1),
    ("duplicate", rules(RECORD, RECORD), 1),
    ("duplicate", rules(named("A", "x > 1"), named("A", "x > 1", "page")), 0),
    ("duplicate", rules(named("A", "x > 1"), named("B", "x > 1")), 0),
    ("overlapping", rules(named("A", 'x{a="1"} > 1'), named("A", "x > 2")), 1),
    ("overlapping", rules(named("A", 'x{a="1"} > 1'), named("A", 'x{a="2"} > 1')), 0),
    ("overlapping", rules(named("A", 'x{a=~"1|2"} > 1'), named("A", 'x{a=~"3|4"} > 1')), 0),
    ("overlapping", rules(named("A", 'x{a="1"} > 1'), named("A", 'x{a!="1"} > 1')), 0),
    ("overlapping", rules(named("A", "x > 1"), named("A", "y > 2")), 0),
    ("overlapping", rules(named("A", "x > 1"), named("B", "x > 2")), 0),
    ("shadowed", rules(named("A", "x > 1"), named("B", "x > 2")), 1),
    ("shadowed", rules(named("A", "x < 1"), named("B", "x < 0.5")), 1),
    ("shadowed", rules(named("A", "x > 1"), named("B", "1 < (x)")), 1),
    ("shadowed", rules(named("A", "x > 1 and y < 2"), named("B", "x > 1 and y < 1")), 1),
    ("shadowed", rules(named("A", "x > 1"), named("B", "x > 2", "page")), 0),
    ("shadowed", rules(named("A", "x > 1"), named("B", "x > 2", for_="1m")), 0),
    ("shadowed", rules(named("A", "x > 1"), named("B", "x < 0.5")), 0),
    ("shadowed", rules(named("A", "x > 1"), named("B", "x > 2 and y > 1")), 0),
    ("missing-inhibition", rules(named("A", "x > 1"), named("B", "x > 2", "page")), 0),
    ("missing-inhibition", rules(named("A", "x > 1"), named("B", "x > 2", "page")) + am(), 1),
    (
        "missing-inhibition",
        rules(named("A", "x > 1"), named("B", "x > 2", "page"))
        + am("{source_matchers: [severity=page], target_matchers: [severity=ticket], equal: [job]}"),
        0,
    ),
    (
        "missing-inhibition",
        rules(named("A", "x > 1"), named("B", "x > 2", "page"))
        + am("{source_matchers: [severity=page], target_matchers: [severity=info], equal: [job]}"),
        1,
    ),
    ("missing-inhibition", rules(named("A", "x > 1"), named("B", "y > 2", "page")) + am(), 0),
    ("missing-inhibition", rules(named("A", "x > 1"), named("B", "x > 2")) + am(), 0),
    ("rate-of-sum", rules(named("A", "rate(sum(x_total)[5m:1m]) > 1")), 1),
    ("rate-of-sum", rules(RECORD, named("A", "increase(job:x:sum[5m]) > 1")), 1),
    ("rate-of-sum", rules(RECORD, named("A", "sum(rate(x_total[5m])) > 1")), 0),
    ("rate-of-sum", rules(named("A", "max_over_time(sum(rate(x_total[5m]))[1h:1m]) > 1")), 0),
    ("rate-of-sum", rules(named("A", "rate(job:x:sum[5m]) > 1")), 0),
    ("long-interval", rules(RECORD, interval="6m"), 1),
    ("long-interval", rules(RECORD, interval="5m"), 0),
    ("long-interval", rules({**named("A", "x > 1"), "keep_firing_for": "10m"}, interval="10m"), 0),
    ("long-for", rules(named("A", "x > 1", "page", "61m")), 1),
    ("long-for", rules(named("A", "x > 1", "page", "1h")), 0),
    ("long-for", rules(named("A", "x > 1", "ticket", "2h")), 0),
]


@pytest.mark.parametrize(("code", "text", "count"), SETS)
def test_what_all_rules_together_tell(tmp_path: Path, code: str, text: str, count: int) -> None:
    assert len(found(tmp_path, code, text)) == count


def groups(*groups: tuple[str, str, Sequence[Mapping[str, object]]]) -> str:
    return json.dumps({"groups": [{"name": name, "interval": every, "rules": given} for name, every, given in groups]})


@pytest.mark.parametrize(
    ("first", "for_", "count"), [("1m", "10m", 0), ("5m", "4m", 1), ("5m", "6m", 0), ("5m", "0s", 1)]
)
def test_lag_through_recorded_values_of_other_groups(tmp_path: Path, first: str, for_: str, count: int) -> None:
    paging = named("A", "job:x:sum > 1", "page", for_)
    text = groups(("recorded", first, [RECORD]), ("shop", "1m", [paging]))
    assert len(found(tmp_path, "late-recording", text)) == count
    assert not found(tmp_path, "late-recording", groups(("shop", first, [RECORD, paging])))


def test_lags_add_up_and_circles_end(tmp_path: Path) -> None:
    chain = {"record": "x:max", "expr": "max(job:x:sum) + x:max"}
    paging = named("A", "x:max > 1", "page", "3m")
    text = groups(("one", "2m", [RECORD]), ("two", "2m", [chain]), ("shop", "1m", [paging]))
    (problem,) = found(tmp_path, "late-recording", text)
    assert "4m" in problem.message
    assert "`x:max`, `job:x:sum`" in problem.message


def test_a_dead_mans_switch_is_asked_of_a_whole_set_only(tmp_path: Path) -> None:
    alerts = [named(f"A{number}", f"x{number} > 1") for number in range(20)]
    few = groups(*((f"g{number}", "1m", alerts[number : number + 1]) for number in range(5)))
    many = groups(*((f"g{number}", "1m", alerts[4 * number : 4 * number + 4]) for number in range(5)))
    assert not found(tmp_path, "no-dead-man", few)
    assert len(found(tmp_path, "no-dead-man", few + am())) == 1
    assert len(found(tmp_path, "no-dead-man", many)) == 1
    for switch in ("vector(1)", "max(vector(1)) > 0", "x or vector(0)"):
        assert not found(tmp_path, "no-dead-man", many.replace("x3 > 1", switch))


@pytest.mark.parametrize(
    ("other", "count"),
    [
        ("y > 1", 1),
        ('up{job="shop"} == 0', 0),
        ('up{job=~"sh.*"} == 0', 0),
        ("sum by (job) (up) == 0", 0),
        ('up{job="cart"} == 0', 1),
        ('absent(x{job="shop"})', 0),
        ('absent_over_time(x{job="cart"}[1h])', 0),
        ('absent(y{job="shop"})', 1),
    ],
)
def test_pages_on_series_that_nobody_misses(tmp_path: Path, other: str, count: int) -> None:
    page = named("A", 'sum(rate(x{job="shop"}[5m])) > 1', "page")
    text = groups(("a", "1m", [page]), ("b", "1m", [named("B", other)]), ("c", "1m", [named("C", "vector(1)")]))
    assert len(found(tmp_path, "unmissed-series", text + am())) == count
    assert not found(tmp_path, "unmissed-series", text)


def test_a_comment_allows_a_finding_on_all_rules(tmp_path: Path) -> None:
    text = """\
groups:
  - name: shop
    rules:
      - {record: x:sum, expr: sum(x)}
      # tocsin: allow noise/duplicate -- a test
      - {record: x:sum, expr: sum(x)}
"""
    assert lint(tmp_path, text) == []
    assert codes(lint(tmp_path, text.replace("      # tocsin: allow noise/duplicate -- a test\n", ""))) == [
        "noise/duplicate"
    ]


def test_rules_on_expressions_look_at_recording_rules(tmp_path: Path) -> None:
    text = rules({"record": "x:never", "expr": "sum by (job) (x) / on (job, pod) sum by (job, pod) (y)"})
    assert codes(lint(tmp_path, text)) == ["noise/impossible"]


@pytest.mark.parametrize("seed", range(8))
def test_random_expressions_give_findings_with_places_and_no_traceback(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    exprs = [Grammar(rng, 0.2).vector(rng.choice(SHAPES), rng.randint(1, 5)) for _ in range(60)]
    alerts = [named(f"A{number}", f"{expr} > {number}", "page") for number, expr in enumerate(exprs)]
    recorded = [{"record": f"x:{number}", "expr": expr} for number, expr in enumerate(exprs)]
    problems = lint(tmp_path, rules(*alerts, *recorded))
    assert problems
    for problem in problems:
        assert problem.span.text.strip(), problem
