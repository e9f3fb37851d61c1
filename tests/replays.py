"""Rules, and series by the minute, to what a replay of them tells."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

import numpy as np

from tocsin.alerts.replay import Replay, replay
from tocsin.alerts.timeline import Episode
from tocsin.engine.semantics import Semantics
from tocsin.promql.parse import parse
from tocsin.rules import AlertingRule, RecordingRule, Rule, RuleGroup
from tocsin.series import Series
from tocsin.sources.memory import MemoryRecording
from tocsin.sources.sample_line import parse_sample

MINUTE = 60_000


def series_of(samples: dict[str, dict[int, float]]) -> Series:
    """Series by the labels of `name{label="value"}`, samples by minute."""
    rows = sorted((parse_sample(f"{name} 0 0").labels, values) for name, values in samples.items())
    return Series(
        tuple(labels for labels, _ in rows),
        np.cumsum([0, *(len(values) for _, values in rows)], dtype=np.int64),
        np.array([minute * MINUTE for _, values in rows for minute in values], dtype=np.int64),
        np.array([value for _, values in rows for value in values.values()], dtype=np.float64),
    )


def alert(expr: str, name: str = "A", labels: Mapping[str, str] | None = None, **durations: int) -> AlertingRule:
    """A rule; durations in minutes."""
    keep = durations.get("keep_firing_for", 0) * MINUTE
    return AlertingRule(name, parse(expr), durations.get("for_", 0) * MINUTE, keep, labels or {})


def record(name: str, expr: str, labels: Mapping[str, str] | None = None) -> RecordingRule:
    return RecordingRule(name, parse(expr), labels or {})


def replayed(group: RuleGroup, series: Series, end: int, *others: RuleGroup) -> Replay:
    return replay([group, *others], MemoryRecording(series), 0, end * MINUTE, Semantics(compat=2))


def minutes(episodes: Iterable[Episode]) -> list[tuple[int, int | None, int | None]]:
    def whole(time: int | None) -> int | None:
        return None if time is None else time // MINUTE

    return [(e.pending // MINUTE, whole(e.firing), whole(e.resolved)) for e in episodes]


def every_minute(values: Iterable[float]) -> dict[int, float]:
    return dict(enumerate(values))


def random_group(seed: int) -> tuple[RuleGroup, Series]:
    """Rules of every kind that the state machine tells apart, over counters and gauges with gaps."""
    chance = random.Random(seed)
    samples = {}
    for name in ("gauge", "counter_total"):
        for job in "ab":
            for instance in "12":
                total, there, column = 0, True, {}
                for minute in range(150):
                    there = there if chance.random() < 0.9 else not there
                    total += chance.choice([0, 0, 1, 5])
                    if there:
                        column[minute] = float(total if name == "counter_total" else chance.choice([0, 0, 1, 1, 2]))
                samples[f'{name}{{job="{job}",instance="{instance}"}}'] = column
    exprs = [
        "gauge > 0",
        "sum by (job) (gauge) > 2",
        "rate(counter_total[5m]) > 0.03",
        "job:counter:rate10m > 0.02",
        'absent(gauge{job="a"})',
        "gauge == 1 unless on (job, instance) counter_total > 100",
        "high == 2",
    ]
    rules: list[Rule] = [
        record("job:counter:rate10m", "sum by (job) (rate(counter_total[10m]))"),
        record("high", "gauge > 0", {"level": "x"}),
    ]
    for index, expr in enumerate(exprs):
        labels = chance.choice([{}, {"severity": "page"}, {"alertname": "ignored", "severity": ""}])
        for_, keep = chance.choice([0, 0, 1, 3, 7]), chance.choice([0, 0, 1, 4, 10])
        rules.append(alert(expr, f"Alert{index}", labels, for_=for_, keep_firing_for=keep))
    return RuleGroup("g", tuple(rules), MINUTE), series_of(samples)
