"""Offsets of time zones in PromQL against `zoneinfo`: of every zone, in every year whose changes are written out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest

from tocsin.plan.objectives.zones import END, FIRST, changes_clocks, offset
from tocsin.promql import build
from tocsin.promql.print import print_expr

START, LAST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (FIRST, END))
TWICE_A_MONTH = range(START, LAST, 15 * 86_400)


def shown(zone: str, at: int) -> float:
    ahead = datetime.fromtimestamp(at, ZoneInfo(zone)).utcoffset()
    assert ahead is not None
    return ahead.total_seconds()


def reckoned(zone: str) -> Callable[[int], float]:
    """The expression at a time: of numbers alone, Python reads it as Prometheus does."""
    text = print_expr(offset(build.selector("at"), zone)).replace("bool ", "")
    assert re.fullmatch(r"(at|[\d.()+\-*>= ])+", text)
    code = compile(text, zone, "eval")
    return lambda at: float(eval(code, {"at": at}))


@pytest.mark.parametrize("zone", sorted(available_timezones()))
def test_clocks_are_as_far_ahead_as_they_were(zone: str) -> None:
    times = TWICE_A_MONTH if changes_clocks(zone) else TWICE_A_MONTH[::40]
    found = reckoned(zone)
    assert [found(at) for at in times] == [shown(zone, at) for at in times]


def test_a_change_counts_from_its_second_on() -> None:
    summer = int(datetime(2023, 3, 26, 1, tzinfo=UTC).timestamp())
    assert [reckoned("Europe/Berlin")(summer + late) for late in (-1, 0)] == [3600, 7200]
    assert print_expr(offset(build.number(0), "Europe/Berlin", ">")).startswith("3600 * (1 + (0 > bool 1585443600) - (")
    assert print_expr(offset(build.number(0), "Asia/Kolkata")) == "19800"
