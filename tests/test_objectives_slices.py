"""Budgets of time slices against the true account of each slice, and the rules against Prometheus's own evaluation."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.objective_grounds import ERRORS, GROUND, REQUESTS, SHOP, Ground, ratio
from tests.objective_replays import VERSIONS, Versions, check, recorded, run, spec
from tests.objective_scenes import HOUR, MINUTE, START, Data, Process, irregular, named, regular
from tests.objective_twin import Counts, Ledger, Steps, counted, observed
from tests.oracle import is_stale
from tests.promtool import notation
from tests.specs import compiled

from tocsin.labels import Labels, format_labels, from_mapping
from tocsin.rulefile import print_groups

PERIODS = ("6h", "30d")
Judge = Callable[[float], float]


def steps_of(every: int) -> Steps:
    return Steps(START, START + 26 * HOUR, every)


def sliced(values: Mapping[Labels, Counts], judge: Judge, missing: str) -> tuple[Ledger, Ledger]:
    """One for each slice, and what `judge` says of its value; NaN where it has none."""
    total, bad = {}, {}
    for group, column in values.items():
        known = ~np.isnan(column)
        worth = np.array([judge(value) if there else 0.0 for value, there in zip(column, known, strict=True)])
        total[group] = np.where(known, 1.0, 0.0 if missing == "skip" else 1.0)
        bad[group] = np.where(known, worth, 1.0 if missing == "bad" else 0.0)
    return total, bad


def shares(data: Data, every: int) -> dict[Labels, Counts]:
    """The share of bad events in each slice: 0 without events, NaN without samples."""
    steps = steps_of(every)
    total = counted(data, REQUESTS, REQUESTS, (), steps)[()]
    bad = counted(data, ERRORS, REQUESTS, (), steps)[()]
    seen = observed(data, REQUESTS, (), steps)[0][()]
    return {(): np.where(seen > 0, np.divide(bad, total, out=np.zeros_like(bad), where=total > 0), np.nan)}


def interrupted() -> Data:
    def traffic(hour: float) -> tuple[float, float]:
        return (0, 0) if 5 < hour < 5.6 else (3, 0.3 if 7 < hour < 7.2 else 0.004)

    chance = random.Random(21)
    process = Process(chance, SHOP, traffic, away=((9, 9.3), (14, 16.5)), resets=(11.51,))
    return process.scraped(irregular(chance, 26))


@pytest.mark.parametrize("version", VERSIONS, ids=str)
@pytest.mark.parametrize("missing", ["skip", "good", "bad"])
@pytest.mark.parametrize("every", [1, 5, 10])
def test_slices_with_too_many_bad_events(every: int, missing: str, version: Versions) -> None:
    data = interrupted()
    total, bad = sliced(shares(data, every * MINUTE), lambda share: float(share > 0.05), missing)
    written = f"time_slices: {{every: {every}m, good: 95%, no_data: {missing}}}"
    ground = replace(ratio(data), total=total, bad=bad, steps=steps_of(every * MINUTE), objective=written)
    assert 10 < bad[()].sum() * every < 300
    done = run(spec(ground, PERIODS), ground, version)
    assert not done.problems
    assert check(done, ground, PERIODS) > 200


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_slices_that_weigh_with_their_share(version: Versions) -> None:
    data = interrupted()
    total, bad = sliced(shares(data, MINUTE), lambda share: share, "skip")
    ground = replace(ratio(data), total=total, bad=bad, objective="time_slices: {every: 1m}")
    assert check(run(spec(ground, PERIODS), ground, version), ground, PERIODS) > 500


def queues() -> Data:
    """The lengths of three queues, one of which is gone for 20 minutes and one from noon on."""
    chance, data = random.Random(22), Data()
    for queue, until, gone in (("a", 26.0, (30, 31)), ("b", 26.0, (8, 8.34)), ("c", 12.0, (30, 31))):
        times = [time for time in irregular(chance, until) if not gone[0] <= (time - START) / HOUR < gone[1]]
        data[named("queue_length", {"queue": queue})] = [(time, float(chance.randint(0, 104))) for time in times]
    return data


def at_the_end(samples: list[tuple[int, float]], steps: Steps, lookback: int = 300_000) -> Counts:
    """The last sample at each evaluation, where it is not too old."""
    column = np.full(len(steps.times), np.nan)
    for place, now in enumerate(steps.times.tolist()):
        recent = [value for time, value in samples if now - lookback < time <= now]
        if recent and not is_stale(recent[-1]):
            column[place] = recent[-1]
    return column


@pytest.mark.parametrize("version", VERSIONS, ids=str)
@pytest.mark.parametrize(("kind", "limit"), [("above", 100), ("below", 4)])
def test_slices_by_a_value(kind: str, limit: int, version: Versions) -> None:
    data = queues()
    steps = steps_of(MINUTE)
    values = {from_mapping({"queue": dict(labels)["queue"]}): at_the_end(rows, steps) for labels, rows in data.items()}
    total, bad = sliced(values, lambda value: float(value > limit if kind == "above" else value < limit), "skip")
    indicator = "{gauge: {value: queue_length, unit: count, aggregate: max}, by: [queue]}"
    ground = Ground(data, indicator, total, bad, f"time_slices: {{every: 1m, {kind}: {limit}}}")
    assert check(run(spec(ground, PERIODS), ground, version), ground, PERIODS) > 1500


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_a_group_that_is_gone_is_missed_for_an_hour(version: Versions) -> None:
    data, steps = queues(), steps_of(MINUTE)
    values = {from_mapping({"queue": dict(labels)["queue"]}): at_the_end(rows, steps) for labels, rows in data.items()}
    total, bad = sliced(values, lambda value: float(value > 100), "skip")
    for group, column in values.items():
        known = np.flatnonzero(~np.isnan(column))
        for place in range(len(column)):
            before = known[known < place]
            if np.isnan(column[place]) and len(before) and place - before[-1] < 60:
                total[group][place] = bad[group][place] = 1.0
    indicator = "{gauge: {value: queue_length, unit: count, aggregate: max}, by: [queue]}"
    ground = Ground(data, indicator, total, bad, "time_slices: {every: 1m, above: 100, no_data: bad}")
    done = run(spec(ground, PERIODS), ground, version)
    assert check(done, ground, PERIODS) > 1500


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_slices_with_too_little_traffic(version: Versions) -> None:
    """A rate is an estimate; here it is far from the limit in every slice."""
    times = regular(26)
    data = Process(random.Random(23), SHOP, lambda hour: (0.2 if 6 < hour < 7 else 20, 0)).scraped(times)
    steps = steps_of(MINUTE)
    low = (steps.times > START + 6 * HOUR) & (steps.times <= START + 7 * HOUR)
    two = steps.times >= times[1]
    ground = Ground(
        data,
        "{rate: http_requests_total}",
        {(): two.astype(float)},
        {(): (low & two).astype(float)},
        "time_slices: {every: 1m, below: 5/s}",
    )
    done = run(spec(ground, ("30d",)), ground, version)
    last = max(recorded(done, "slo:bad_events:period")[()].items())[1]
    assert last == low.sum()
    assert max(recorded(done, "slo:total_events:period")[()].items())[1] == two[:-4].sum()


@pytest.mark.live("promtool")
@pytest.mark.parametrize("name", ["resets", "targets_away", "groups", "latency", "good_of_another_target"])
def test_prometheus_says_the_same(name: str, tmp_path: Path) -> None:
    """`promtool test rules` evaluates every group at one interval, which a period of seven days allows."""
    made = GROUND[name]()
    until = START + 13 * HOUR if name == "groups" else START + 10 * HOUR
    data = {
        labels: [((time - START) // 15_000 * 15_000, value) for time, value in rows if START + 6 * HOUR < time <= until]
        for labels, rows in made.data.items()
    }
    data = {labels: _apart(rows) for labels, rows in data.items() if rows}
    data = {labels: [(time - 6 * HOUR, value) for time, value in rows] for labels, rows in data.items()}
    ground = replace(made, data=data, steps=Steps(0, until - START - 6 * HOUR, MINUTE))
    text = spec(ground, ("7d",))
    (tmp_path / "rules.yaml").write_text(print_groups(compiled(text).groups))
    ours = recorded(run(text, ground, VERSIONS[0]), "slo:error_budget_spent:ratio")
    tests = {
        "interval": "15s",
        "input_series": [{"series": format_labels(labels), "values": _notation(rows)} for labels, rows in data.items()],
        "promql_expr_test": [
            {"expr": "slo:error_budget_spent:ratio", "eval_time": f"{time}ms", "exp_samples": _expected(ours, time)}
            for time in range(0, ground.steps.last, 7 * MINUTE)
        ],
    }
    assert sum(len(one["exp_samples"]) for one in tests["promql_expr_test"]) > 30  # type: ignore[index, misc]
    body = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [tests]}
    (tmp_path / "test.yaml").write_text(json.dumps(body))
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[:3000]


def _apart(rows: list[tuple[int, float]]) -> list[tuple[int, float]]:
    return list(dict(rows).items())


def _notation(rows: list[tuple[int, float]]) -> str:
    times, values = (np.array(column) for column in zip(*rows, strict=True))
    return notation(times.astype(np.int64), values.astype(np.float64), 15_000)


def _expected(ours: Mapping[Labels, Mapping[int, float]], time: int) -> list[dict[str, object]]:
    named_ = {"__name__": "slo:error_budget_spent:ratio", "objective": "n0", "service": "shop"}
    return [
        {"labels": format_labels(from_mapping({**named_, **dict(group)})), "value": rows[time]}
        for group, rows in ours.items()
        if time in rows
    ]
