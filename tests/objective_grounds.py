"""What objectives are judged on: data that is awkward, the indicator in a spec, and the true account of each."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise

import numpy as np
from tests.objective_scenes import HOUR, MINUTE, START, Data, Process, irregular, named, regular
from tests.objective_twin import Ledger, Steps, counted, observed

from tocsin.labels import NAME, Labels, get

STEPS = Steps(START, START + 26 * HOUR, MINUTE)


@dataclass(frozen=True)
class Ground:
    """What an objective is judged on: the data, the indicator in a spec, and its true account."""

    data: Data
    indicator: str
    total: Ledger
    bad: Ledger
    objective: str = ""
    target: Mapping[Labels, float] = field(default_factory=dict)
    steps: Steps = STEPS


def is_named(name: str, **labels: str) -> Callable[[Labels], bool]:
    return lambda one: get(one, NAME) == name and all(get(one, key) == value for key, value in labels.items())


REQUESTS, ERRORS = is_named("http_requests_total"), is_named("http_requests_total", code="500")
RATIO = """{ratio: {bad: 'http_requests_total{code="500"}', total: http_requests_total}}"""
SHOP = {"job": "shop", "instance": "a:1"}


def ratio(data: Data, by: tuple[str, ...] = (), steps: Steps = STEPS) -> Ground:
    """An account of http_requests_total."""
    total = counted(data, REQUESTS, REQUESTS, by, steps)
    bad = counted(data, ERRORS, REQUESTS, by, steps)
    grouped = f", by: [{', '.join(by)}]" if by else ""
    return Ground(data, RATIO[:-1] + grouped + "}", total, bad, steps=steps)


def wavy(hour: float) -> tuple[float, float]:
    """Traffic of a day with a burst, and two faults."""
    rate = 8 + 6 * np.sin(hour / 24 * 6.3) + (300 if 10 < hour < 10.2 else 0)
    return rate, 0.4 if 7 < hour < 7.1 else 0.05 if 20 < hour < 21 else 0.001


def idle_half_hour() -> Ground:
    def traffic(hour: float) -> tuple[float, float]:
        return (0, 0) if 5 < hour < 5.6 else wavy(hour)

    return ratio(Process(random.Random(1), SHOP, traffic).scraped(irregular(random.Random(2), 26)))


def spiky(hour: float) -> tuple[float, float]:
    return (100_000 / 60, 0) if hour <= 1 else (10 / 60, 0.5) if hour <= 2 else (0, 0)


def spiky_traffic() -> Ground:
    return ratio(Process(random.Random(3), SHOP, spiky, lazy=False).scraped(irregular(random.Random(4), 26)))


def absent_errors() -> Ground:
    data = Process(random.Random(5), SHOP, lambda hour: (wavy(hour)[0], 0)).scraped(irregular(random.Random(6), 26))
    assert not any(map(ERRORS, data))
    return ratio(data)


def born_with_their_errors() -> Ground:
    """Each code's series begins with its first errors: of 12 errors in all, 9 are in first samples."""

    def traffic(hour: float) -> tuple[float, float]:
        return 1.0, 1.0 if 8 < hour < 8.003 or 16 < hour < 16.002 else 0.0

    processes = [{"job": "shop", "instance": f"{name}:1"} for name in "abc"]
    times = irregular(random.Random(7), 26)
    chance = random.Random(8)
    return ratio(merged(Process(chance, one, traffic).scraped(times) for one in processes))


def resets() -> Ground:
    chance = random.Random(9)
    return ratio(Process(chance, SHOP, wavy, resets=(3.3, 7.05, 7.07, 12, 20.5)).scraped(irregular(chance, 26)))


def rolling_deploys() -> Ground:
    """Four instances, each replaced by another twice; the old ones end with staleness markers."""
    chance, parts = random.Random(10), []
    for index in range(4):
        edges = [0.0, 6 + index / 20, 13.5 + index / 10, 26.0]
        for turn, (start, end) in enumerate(pairwise(edges)):
            target = {"job": "shop", "instance": f"shop-{turn}-{index}:1"}
            process = Process(chance, target, wavy, away=((end, 27),), lazy=index % 2 == 0)
            parts.append(process.scraped(irregular(chance, min(end + 0.1, 26), start)))
    return ratio(merged(parts))


def targets_away() -> Ground:
    chance = random.Random(11)
    parts = (
        Process(chance, {"job": "shop", "instance": f"{name}:1"}, wavy, resets, away, stale=stale).scraped(
            irregular(chance, 26)
        )
        for name, resets, away, stale in (
            ("a", (), ((4, 4.2), (7.02, 7.2), (15, 15.9)), True),
            ("b", (9.05,), ((9, 9.1), (20.2, 20.3)), False),
        )
    )
    return ratio(merged(parts))


def slow_scrapes() -> Ground:
    """Two targets, each scraped once in two evaluations."""
    chance = random.Random(12)
    targets = [({"job": "shop", "instance": f"{name}:1"}, phase) for name, phase in (("a", 7_000), ("b", 68_000))]
    parts = (Process(chance, one, wavy).scraped(regular(26, 0, 2 * MINUTE, phase)) for one, phase in targets)
    return ratio(merged(parts))


def groups() -> Ground:
    """A group without errors, one that is born at noon, and one that goes."""
    chance = random.Random(13)
    parts = []
    for tenant, share, start, end in (("gold", 1, 0, 26), ("idle", 0, 0, 26), ("new", 1, 12, 26), ("old", 2, 0, 9)):
        target = {"job": "shop", "instance": "a:1", "tenant": tenant}

        def traffic(hour: float, share: int = share) -> tuple[float, float]:
            return wavy(hour)[0], min(1.0, wavy(hour)[1] * share)

        parts.append(Process(chance, target, traffic).scraped(irregular(chance, end, start)))
    return ratio(merged(parts), ("tenant",))


def group_targets() -> Ground:
    ground = groups()
    targets = {group: {"gold": 0.9995, "new": 0.9}.get(get(group, "tenant"), 0.99) for group in ground.total}
    written = "targets: [{labels: {tenant: gold}, target: 99.95%}, {labels: {tenant: new}, target: 90%}]"
    return replace(ground, objective=written, target=targets)


def merged(parts: Iterator[Data] | list[Data]) -> Data:
    whole: Data = {}
    for part in parts:
        assert not whole.keys() & part.keys()
        whole |= part
    return whole


def good_of_another_target() -> Ground:
    """All requests are counted at the door, the good ones by the shop, which is scraped seven seconds later."""
    chance, data = random.Random(14), Data()
    door, shop = {"job": "door", "instance": "d:1"}, {"job": "shop", "instance": "s:1"}
    process = Process(chance, door, wavy, lazy=False, histogram=False)
    for labels, samples in process.scraped(regular(26)).items():
        data[labels] = samples
    whole = dict.fromkeys(regular(26), 0.0)
    for labels, samples in data.items():
        for time, value in samples:
            whole[time] += value
        if get(labels, "code") == "200":
            served = [(time + 7_000, value) for time, value in samples if not 4 < (time - START) / HOUR < 4.3]
    data = {named("door_total", door): sorted(whole.items()), named("served_total", shop): served}
    total = counted(data, is_named("door_total"), is_named("door_total"), (), STEPS)
    good = counted(data, is_named("served_total"), is_named("door_total"), (), STEPS)
    bad = {group: counts - good[group] for group, counts in total.items()}
    return Ground(data, "{ratio: {good: served_total, total: door_total}}", total, bad)


def latency() -> Ground:
    process = Process(random.Random(15), SHOP, wavy, resets=(11.5,), slow=0.02, histogram=True)
    data = process.scraped(irregular(random.Random(16), 26))
    count = is_named("http_seconds_count")
    total = counted(data, count, count, (), STEPS)
    fast = counted(data, is_named("http_seconds_bucket", le="0.3"), count, (), STEPS)
    bad = {group: counts - fast[group] for group, counts in total.items()}
    return Ground(data, "{latency: {histogram: http_seconds, within: 300ms}}", total, bad)


def probes() -> Ground:
    chance, data = random.Random(17), Data()
    for name in "ab":
        times = irregular(chance, 26) if name == "a" else regular(26, 0, 30_000, 0)
        values = [0.0 if wavy((time - START) / HOUR)[1] > chance.random() else 1.0 for time in times]
        data[named("up", {"job": "shop", "instance": f"{name}:1"})] = list(zip(times, values, strict=True))
    total, well = observed(data, is_named("up"), (), STEPS)
    bad = {group: counts - well[group] for group, counts in total.items()}
    return Ground(data, "{up: 'up{job=\"shop\"}'}", total, bad)


GROUNDS = (
    idle_half_hour,
    spiky_traffic,
    absent_errors,
    born_with_their_errors,
    resets,
    rolling_deploys,
    targets_away,
    slow_scrapes,
    groups,
    group_targets,
    good_of_another_target,
    latency,
    probes,
)
GROUND = {made.__name__: cache(made) for made in GROUNDS}
