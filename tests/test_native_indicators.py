"""Latency from native histograms: the same questions, the same answers, and a budget from any bound."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.histogram_notation import parse_histogram
from tests.specs import MINUTE, compiled

from tocsin.alerts.replay import replay
from tocsin.engine.evaluate import evaluate_instant
from tocsin.engine.semantics import Semantics
from tocsin.labels import from_mapping, get
from tocsin.series import Series
from tocsin.sources.memory import MemoryRecording

SPEC = """\
service: shop
indicators:
  slow: {latency: {histogram: request_seconds, within: 1s, native: true}}
  p90: {latency: {histogram: request_seconds, quantile: 90%%, native: true}}
alerts:
  - {name: Slow, indicator: %s, above: %s, for: 5m}
objectives:
  - {name: fast, indicator: slow, target: 99%%}
"""
HOURS = 8


def requests(minutes: int, slow: int) -> MemoryRecording:
    """Every minute a hundred requests more, of which so many take between one and two seconds, the others up to one."""

    found = [
        parse_histogram(f"{{{{schema:0 count:{100 * n} sum:{100 * n} buckets:[{(100 - slow) * n} {slow * n}]}}}}")
        for n in range(minutes)
    ]
    objects = np.empty(minutes, dtype=object)
    objects[:] = found
    labels = from_mapping({"__name__": "request_seconds", "instance": "a", "job": "shop"})
    times = np.arange(minutes, dtype=np.int64) * MINUTE
    return MemoryRecording(Series((labels,), np.array([0, minutes]), times, np.zeros(minutes), objects))


@pytest.mark.parametrize(("indicator", "value"), [("slow", 0.2), ("p90", math.sqrt(2))])
def test_the_value_is_that_of_the_histogram(indicator: str, value: float) -> None:
    above = "1%" if indicator == "slow" else "1s"
    (planned,) = [one for one in compiled(SPEC % (indicator, above)).plan.alerts if one.alert.name == "Slow"]
    assert planned.value is not None
    frame = evaluate_instant(planned.value, requests(60, 20), 59 * MINUTE).frame
    assert frame.values[0, 0] == pytest.approx(value)


def test_a_budget_is_spent_by_what_is_slower_than_the_bound() -> None:
    recording = requests(HOURS * 60, 2)
    groups = compiled(SPEC % ("slow", "1%")).groups
    series = replay(groups, recording, 0, (HOURS * 60 - 1) * MINUTE, Semantics(3)).recorded()
    last = {
        get(labels, "__name__"): series.values[end - 1]
        for labels, end in zip(series.labels, series.offsets[1:], strict=True)
    }
    assert last["slo:error_ratio:1h"] == pytest.approx(0.02)
    assert last["slo:error_budget_spent:ratio"] == pytest.approx(2, abs=1e-9)
