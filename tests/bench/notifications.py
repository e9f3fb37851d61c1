"""A year of alerts to notifications: the state machine and the Alertmanager, in time and memory.

`python -m tests.bench.notifications [--instances 1000] [--firings 50]`: 200 rules with the alert instances spread over
them, each of which fires so often in the year.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator

import numpy as np

from tocsin.alerts.machine import AlertMachine
from tocsin.alerts.timeline import Timeline
from tocsin.labels import Labels, from_mapping
from tocsin.notify.notification import Notification
from tocsin.notify.semantics import Semantics
from tocsin.notify.simulate import simulate
from tocsin.promql.ast import Matcher, Number
from tocsin.routing import InhibitRule, Route, Routing, TimeInterval
from tocsin.rules import AlertingRule

RULES = 200
INTERVAL = 60_000
START = 1_700_006_400_000
YEAR = 365 * 24 * 3_600_000
TILE = 2048
CONFIG = Routing(
    Route(
        "tickets",
        group_by=("alertname", "cluster"),
        routes=(
            Route("pager", (Matcher("severity", "=", "page"),), mute_time_intervals=("night",), continue_=True),
            Route("log", (), ("...",), repeat_interval=86_400_000),
        ),
    ),
    {name: {"webhook_configs": [{}]} for name in ("tickets", "pager", "log")},
    (InhibitRule((Matcher("severity", "=", "page"),), (Matcher("severity", "=", "ticket"),), ("cluster", "service")),),
    {"night": (TimeInterval(times=((0, 360),), location="Europe/Berlin"),)},
)


def labels(rule: int, instance: int) -> Labels:
    severity = "page" if rule % 2 else "ticket"
    return from_mapping(
        {
            "alertname": f"Alert{rule}",
            "severity": severity,
            "service": f"s{rule // 2}",
            "cluster": f"c{instance % 5}",
            "instance": f"host{instance}",
        }
    )


def timelines(instances: int, firings: int) -> Iterator[Timeline]:
    """Each instance is returned in runs of a few minutes to some hours, at random times of the year."""
    rng = np.random.default_rng(1)
    steps = YEAR // INTERVAL
    for rule in range(RULES):
        own = range(rule, instances, RULES)
        names = [labels(rule, instance) for instance in own]
        edges = np.zeros((len(names), steps + 1), dtype=np.int8)
        for row in range(len(names)):
            first = np.sort(rng.choice(steps - 400, size=firings, replace=False))
            last = np.minimum(first + 6 + rng.geometric(1 / 60, size=firings), np.append(first[1:] - 2, steps))
            np.add.at(edges[row], first, 1)
            np.add.at(edges[row], np.maximum(last, first + 1), -1)
        present = np.cumsum(edges[:, :-1], axis=1, dtype=np.int8) > 0
        machine = AlertMachine(for_=300_000)
        times = START + np.arange(steps, dtype=np.int64) * INTERVAL
        for step in range(0, steps, TILE):
            machine.advance(times[step : step + TILE], names, present[:, step : step + TILE])
        yield Timeline(f"g{rule}", AlertingRule(f"Alert{rule}", Number(1.0), 300_000), INTERVAL, machine.episodes())


def measure(instances: int, firings: int) -> tuple[tuple[Notification, ...], int, float, float]:
    """The notifications, the episodes, and the seconds of the state machine and of the Alertmanager."""
    before = time.perf_counter()
    found = tuple(timelines(instances, firings))
    between = time.perf_counter()
    told = simulate(found, CONFIG, (), START, START + YEAR, Semantics())
    after = time.perf_counter()
    return told, sum(len(one.episodes) for one in found), between - before, after - between


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=1000)
    parser.add_argument("--firings", type=int, default=50)
    given = parser.parse_args()
    told, episodes, machine, manager = measure(given.instances, given.firings)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{RULES} rules, {given.instances:,} instances, {episodes:,} episodes, {len(told):,} notifications")
    print(f"state machine {machine:.1f} s, Alertmanager {manager:.1f} s, {memory:.2f} GiB")


if __name__ == "__main__":
    main()
