"""A seed to random rule groups that read samples, each other and themselves, and to the samples."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tocsin.labels import Labels, from_mapping
from tocsin.promql.parse import parse
from tocsin.rules import AlertingRule, RecordingRule, Rule, RuleGroup
from tocsin.series import STALE, Series

MINUTE = 60_000


@dataclass(frozen=True)
class Case:
    """Groups that are all evaluated every `step` milliseconds, from 0 to `end`."""

    seed: int
    groups: tuple[RuleGroup, ...]
    series: Series
    step: int
    end: int


def case(seed: int) -> Case:
    chance = random.Random(seed)
    step = chance.choice([15_000, MINUTE, MINUTE])
    steps = chance.randint(15, 45)
    rules = [_rule(chance, index, step) for index in range(chance.randint(2, 12))]
    cuts = sorted(chance.randint(1, len(rules)) for _ in range(chance.choice([0, 0, 1, 2])))
    groups = []
    for index, (first, last) in enumerate(zip([0, *cuts], [*cuts, len(rules)], strict=True)):
        if first < last:
            limit = chance.choice([0] * 8 + [3, 6, 12])
            groups.append(RuleGroup(f"g{index}", tuple(rules[first:last]), step, limit=limit))
    return Case(seed, tuple(groups), _series(chance, step, steps), step, step * steps)


def _series(chance: random.Random, step: int, steps: int) -> Series:
    """Gauges and counters of small whole numbers that come and go, some marked as stale."""
    columns: dict[Labels, dict[int, float]] = {}
    for name in ("gauge", "other", "counter_total"):
        for job, instance in chance.sample([("a", "1"), ("a", "2"), ("b", "1"), ("b", "2")], chance.randint(1, 4)):
            total, there, column = 0, chance.random() < 0.8, {}
            calm = chance.choice([0.7, 0.9, 0.97])
            value = chance.choice([0, 1, 2, 3])
            for index in range(steps + 1):
                before, there = there, there if chance.random() < 0.95 else not there
                value = value if chance.random() < calm else chance.choice([0, 0, 1, 2, 3, 7])
                total = total + value if chance.random() < 0.97 else 0
                if there:
                    column[index * step] = float(total if name == "counter_total" else value)
                elif before and chance.random() < 0.5:
                    column[index * step] = STALE
            columns[from_mapping({"__name__": name, "job": job, "instance": instance})] = column
    labels = tuple(sorted(columns))
    return Series(
        labels,
        np.cumsum([0, *(len(columns[one]) for one in labels)], dtype=np.int64),
        np.array([time for one in labels for time in columns[one]], dtype=np.int64),
        np.array([value for one in labels for value in columns[one].values()], dtype=np.float64),
    )


def _rule(chance: random.Random, index: int, step: int) -> Rule:
    if chance.random() < 0.5:
        labels = {"own": str(index)} | chance.choice([{}] * 12 + [{"instance": ""}, {"job": "c"}])
        return RecordingRule(f"rec{chance.randint(0, 4)}", parse(_recorded(chance, step)), labels)
    durations = [0, 0, step, 2 * step, 5 * step, step * 3 // 2]
    return AlertingRule(
        f"A{index}",
        parse(_alerting(chance, step)),
        chance.choice(durations),
        chance.choice(durations),
        chance.choice(_LABELS) | (dict(chance.choice(_COLLIDING)) if chance.random() < 0.05 else {}),
        chance.choice(_ANNOTATIONS),
    )


_LABELS: Sequence[dict[str, str]] = (
    {},
    {},
    {"severity": "page"},
    {"severity": "page", "nothing": "", "own": "{{ $labels.own }}{{ $labels.job }}"},
    {"alertname": "ignored", "team": "x"},
    {"of": "{{ $labels.job }}-{{ $labels.instance }}"},
    {"nothing": "{{ $labels.nothing }}", "severity": "{{ if gt $value 1.0 }}page{{ else }}ticket{{ end }}"},
    {"value": "{{ $value }}"},
    {"broken": "{{ $labels.job | humanize }}"},
)

_COLLIDING: Sequence[dict[str, str]] = ({"instance": ""}, {"own": ""}, {"job": "x"})

_ANNOTATIONS: Sequence[dict[str, str]] = (
    {},
    {"summary": "{{ $labels.instance }} of {{ $labels.job }} is at {{ $value }}"},
    {"summary": "{{ $value | humanize }}", "text": "plain"},
    {"summary": '{{ with query "sum(gauge)" }}{{ . | first | value }}{{ else }}none{{ end }}'},
    {
        "summary": "{{ range $k, $v := $labels }}{{ $k }}={{ $v }} {{ end }}",
        "percent": "{{ humanizePercentage $value }}",
    },
    {"failing": '{{ query "absent(gauge) > 1" | first | value }}'},
)


def _metric(chance: random.Random) -> str:
    base = ["gauge", "other", "gauge", 'gauge{job="a"}', "counter_total"]
    recorded = [*(f"rec{index}" for index in range(5)), 'rec0{own="1"}', 'rec1{job!="b"}', '{__name__=~"rec[01]"}']
    return chance.choice(base if chance.random() < 0.55 else recorded)


def _recorded(chance: random.Random, step: int) -> str:
    """An expression to record.

    The label `nothing` goes: with it, two alerts of a rule may be told by one series, and Prometheus writes either.
    """
    one, other = _metric(chance), _metric(chance)
    window = f"{chance.choice([2, 3, 5]) * step}ms"
    alert = f'ALERTS{{alertname="A{chance.randint(0, 8)}"}}'
    return chance.choice(
        [
            one,
            f"{one} + 1",
            f"sum by (job) (floor({one}) % 1000)",
            f"max by (job, instance) ({one})",
            f"count by (instance) ({one})",
            f"max by (job, instance) ({one}) or max by (job, instance) ({other} offset {step}ms)",
            f"max by (job, instance) ({one}) unless max by (job, instance) ({other} > 1)",
            f"max by (job, instance) ({one}) + on (job, instance) max by (job, instance) ({other})",
            f"rate({one}[{window}])",
            f"increase({one}[{window}])",
            f"max_over_time({one}[{window}])",
            f"count_over_time({one}[{window}])",
            f"last_over_time({one}[{window}])",
            f"{one} offset {chance.choice([1, 2, 3]) * step}ms",
            f"max_over_time({one}[{window}:{step}ms])",
            f"max by (job, instance) (max_over_time({one}[{window}:]))",
            f"absent({one})",
            f"timestamp({one})",
            f"changes({one}[{window}])",
            f"max by (job) ({alert})",
            "count by (alertname, alertstate) (ALERTS)",
            "count(ALERTS) or vector(0)",
            "time() - max without (nothing) (ALERTS_FOR_STATE)",
            f"vector(time() % {3 * step // 1000})",
        ]
    )


def _alerting(chance: random.Random, step: int) -> str:
    one = _metric(chance)
    window = f"{chance.choice([2, 4]) * step}ms"
    return chance.choice(
        [
            f"{one} > {chance.choice([0, 0, 1, 2])}",
            f"{one} == {chance.choice([0, 1, 2])}",
            f"{one} > 0",
            f"max by (job) ({one}) > {chance.choice([0, 1, 2])}",
            f"count_over_time({one}[{window}]) < {chance.choice([2, 3, 4])}",
            f"absent({one})",
            f"increase({one}[{window}]) > 1",
            f'max without (nothing) (ALERTS{{alertname="A{chance.randint(0, 8)}",alertstate="firing"}}) > 0',
            f'count(ALERTS{{alertstate="{chance.choice(["firing", "pending"])}"}}) > 1',
            f"time() - max by (job, instance) (ALERTS_FOR_STATE) > {2 * step // 1000}",
        ]
    )
