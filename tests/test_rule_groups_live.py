"""A replay beside a live Prometheus that stops and starts again: offsets, errors, limits, and what is restored."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.prometheus import Prometheus, serving

from tocsin.alerts.clock import Outage
from tocsin.alerts.replay import Schedule, replay
from tocsin.diagnostics import Problems
from tocsin.engine.semantics import Semantics
from tocsin.labels import Labels, from_mapping, get
from tocsin.pipeline.inputs import read_inputs
from tocsin.series import STALE_BITS, Series
from tocsin.sources.memory import MemoryRecording

RULES = """
groups:
- name: phases
  interval: 1s
  rules:
  - {record: phases:tick, expr: vector(1)}
  - {record: phase, expr: 'floor(vector(time())) % 9'}
  - {record: count, expr: count + 1 or vector(0)}
  - {record: late, expr: count(ALERTS) or vector(0)}
  - {alert: Short, expr: phase > 5, for: 2s, keep_firing_for: 3s}
  - {alert: Kept, expr: phase == 1, keep_firing_for: 4s}
  - {alert: Long, expr: vector(1), for: 14s}
  - {alert: Longer, expr: 'vector(1) unless phase > 100', for: 40s}
  - {alert: Changing, expr: phase > 3, labels: {at: '{{ $value }}', nothing: '{{ $labels.nothing }}'}}
  - {record: alerts, expr: 'count by (alertname, alertstate) (ALERTS)'}
  - {record: since, expr: 'sum by (alertname) (ALERTS_FOR_STATE{alertname=~"Long.*"})'}
- name: failing
  interval: 1s
  rules:
  - {record: failing:tick, expr: vector(1)}
  - record: two
    expr: label_replace(vector(1), "i", "a", "", "") or label_replace(vector(1) and on () phase > 4, "i", "b", "", "")
  - {record: same, expr: two, labels: {i: ''}}
  - {alert: Same, expr: two, labels: {i: ''}, for: 2s}
  - {record: same:alerts, expr: 'count(ALERTS{alertname="Same"}) or count(same)'}
- name: limited
  interval: 2s
  limit: 1
  rules:
  - {record: limited:tick, expr: vector(1)}
  - {alert: Limited, expr: two, for: 2s}
  - {record: limited:recorded, expr: two}
  - {record: limited:alerts, expr: 'count(ALERTS{alertname="Limited"}) or vector(0)'}
  - {record: limited:seen, expr: 'sum(limited:recorded)'}
"""

CONFIG = "global: {evaluation_interval: 1s}\nrule_files: [rules.yml]"
FLAGS = ["--rules.alert.for-grace-period=12s"]


Written = dict[Labels, dict[int, float]]


def samples(server: Prometheus) -> Written:
    """All samples, without staleness markers."""
    data = server._data("query", {"query": '{__name__!=""}[10m]'})["result"]
    return {
        from_mapping(one["metric"]): {round(at * 1000): float(value) for at, value in one["values"]} for one in data
    }


def ticks(written: Written) -> dict[str, list[int]]:
    """When each group was evaluated."""
    names = {labels: get(labels, "__name__") for labels in written}
    return {name: sorted(written[labels]) for labels, name in names.items() if name.endswith(":tick")}


def replayed(rules: Path, start: int, end: int, outages: tuple[Outage, ...]) -> Written:
    groups = read_inputs([rules], None, Problems()).groups
    nothing = Series(((("__name__", "nothing"),),), np.array([0, 1]), np.array([start]), np.zeros(1))
    schedule = Schedule(None, outages)
    semantics = Semantics(compat=2, evaluation_interval=1000)
    done = replay(groups, MemoryRecording(nothing), start, end, semantics, schedule).recorded()
    found: Written = {}
    for index, labels in enumerate(done.labels):
        cut = slice(done.offsets[index], done.offsets[index + 1])
        marks = done.values[cut].view(np.uint64) == STALE_BITS
        found[labels] = dict(zip(done.times[cut][~marks].tolist(), done.values[cut][~marks].tolist(), strict=True))
    return found


def lived(folder: Path, seconds: int) -> tuple[Written, int]:
    """What there is after a life of some seconds, and when the server was told to stop."""
    with serving(folder, FLAGS, CONFIG) as server:
        time.sleep(seconds)
        return samples(server), time.time_ns() // 1_000_000


def gaps(written: Written, since: int = 0) -> bool:
    """Whether evaluations are further apart than the interval of their group."""
    intervals = {"phases:tick": 1000, "failing:tick": 1000, "limited:tick": 2000}
    pairs = ((name, pair) for name, times in ticks(written).items() for pair in pairwise(times))
    return any(before > since and after - before > intervals[name] for name, (before, after) in pairs)


@pytest.mark.live("prometheus")
def test_a_live_server_records_the_same_before_and_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tocsin.alerts.restore._GRACE", 12_000)
    (tmp_path / "rules.yml").write_text(RULES)
    (before, stopped), (after, _) = lived(tmp_path, 12), lived(tmp_path, 17)
    if gaps(before) or gaps(after, since=stopped):
        pytest.skip("this machine is too busy: the server missed evaluations")
    first = min(min(times) for times in ticks(after).values())
    again = min(time for times in ticks(after).values() for time in times if time > stopped)
    last = min(max(times) for times in ticks(after).values())
    outages = (Outage(first - 5000, first), Outage(stopped + 1, again))
    found = replayed(tmp_path / "rules.yml", first - 2000, last, outages)
    real = {labels: {at: value for at, value in own.items() if at <= last} for labels, own in after.items()}
    assert found == {labels: own for labels, own in real.items() if own}
    names = {get(labels, "__name__") for labels in found}
    assert len(found) > 30
    assert {"since", "alerts", "same:alerts", "limited:seen"} <= names
