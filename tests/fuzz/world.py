"""A seed to samples that have every kind of trouble: resets, gaps, staleness markers, odd numbers, bad histograms."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import product
from math import inf, nan

from tests.oracle_numbers import Samples

from tocsin.labels import Labels, from_mapping
from tocsin.series import STALE

START = 1_700_000_040_000
"""A whole minute, so that samples fall on the edges of windows."""

MINUTES = 100
MANY = tuple(f"{k:02}" for k in range(20))
"""More than Go sorts by insertion and than one bucket of its maps holds."""

JOBS, INSTANCES = ("a", "b"), ("0", "1", "2")

SPECIAL = (
    nan,
    inf,
    -inf,
    0.0,
    -0.0,
    1e308,
    -1e308,
    1.7976931348623157e308,
    5e-324,
    -2.5e-310,
    2.0**53,
    -(2.0**63),
    1e21,
)
"""Numbers at which arithmetic turns odd, denormal ones and the least that no int64 holds among them."""

WHOLE = ("0.005", "0.1", "0.5", "1", "2.5", "10", "+Inf")
BROKEN = (
    ("0.1", "0.5", "1", "2.5"),
    ("0.1", "1e-1", "0.5", "+Inf"),
    ("0.1", "zero", "", "0.5", "Inf"),
    ("-1", "-0.5", "0", "0.5", "+Inf"),
    ("+Inf",),
    ("0x1p-2", ".5", "1_0", "2.", "+inf"),
    ("-Inf", "0", "5", "+Inf"),
    ("1", "+Inf"),
)

Value = Callable[[random.Random, float], float]


def scrapes(rng: random.Random) -> list[int]:
    """Exact, with jitter, rare, or about as far apart as an instant selector looks back; with gaps."""
    step, jitter = rng.choice(
        [(15_000, 0), (15_000, 0), (15_000, 300), (30_000, 7_000), (60_000, 0), (170_000, 60_000), (299_000, 2_001)]
    )
    start = START + rng.choice([0, 0, 7, 3_000, rng.randrange(20) * 60_000])
    found = [start + k * step + rng.randint(0, jitter) for k in range(MINUTES * 60_000 // step)]
    for _ in range(rng.choice([0, 0, 1, 3])):
        at, length = rng.randrange(len(found) or 1), rng.choice([1, 3, 30])
        found[at : at + length] = []
    return found


def stale(rng: random.Random, samples: Samples) -> Samples:
    """The same with a few markers: single ones, and one where the series ends for a while."""
    share = rng.choice([0.0, 0.0, 0.02, 0.2])
    kept = [(at, STALE if rng.random() < share else value) for at, value in samples]
    if rng.random() < 0.3 and kept:
        cut = rng.randrange(len(kept))
        kept[cut : cut + rng.choice([1, 10])] = [(kept[cut][0], STALE)]
    return kept


def counter(rng: random.Random, whole: bool) -> Samples:
    scale = rng.choice([3.0, 1000.0] if whole else [0.1, 1.0, 1e6])
    value, found = rng.random() * scale, []
    for at in scrapes(rng):
        grown = value + rng.choice([0.0, rng.random() * scale])
        value = rng.choice([0.0, grown / 2]) if rng.random() < 0.03 else grown
        value = float(int(value)) if whole else value
        found.append((at, value))
    return stale(rng, found)


def gauge(rng: random.Random, odd: float) -> Samples:
    scale, offset = rng.choice([(1.0, 0.0), (1e-3, 1e9), (100.0, -50.0), (1e150, 0.0)])
    found = []
    for at in scrapes(rng):
        value = offset + scale * rng.gauss(0, 1) if rng.random() < 0.8 else float(rng.randrange(5))
        found.append((at, rng.choice(SPECIAL) if rng.random() < odd else value))
    return stale(rng, found)


def whole(rng: random.Random) -> Samples:
    return stale(rng, [(at, float(rng.randrange(-2, 4))) for at in scrapes(rng)])


def constant(rng: random.Random) -> Samples:
    value = rng.choice([0.0, 1.0, -3.5, 1e-310, inf, nan])
    return stale(rng, [(at, value) for at in scrapes(rng)])


def buckets(rng: random.Random, bounds: tuple[str, ...], monotonic: bool) -> Iterator[tuple[str, Samples]]:
    """Counts by bound, scraped together; the counts of the lower bounds are below those of the higher, or not."""
    at = scrapes(rng)
    whole_counts = rng.random() < 0.5
    totals = [[0.0] * len(bounds)]
    for _ in at:
        rises = [rng.random() * (rng.randrange(20) if whole_counts else 3) for _ in bounds]
        last = [0.0] * len(bounds) if rng.random() < 0.02 else totals[-1]
        rises = [float(int(rise)) for rise in rises] if whole_counts else rises
        if monotonic:
            rises = [sum(rises[: place + 1]) for place in range(len(bounds))]
        totals.append([before + rise for before, rise in zip(last, rises, strict=True)])
    for place, bound in enumerate(bounds):
        counts = [row[place] for row in totals[1:]]
        samples = [(time, count) for time, count in zip(at, counts, strict=True) if monotonic or rng.random() < 0.98]
        yield bound, samples if monotonic else stale(rng, samples)


def world(seed: int) -> dict[Labels, Samples]:
    """Counters c_total (floats) and n_total (whole), gauges g, k (many odd values), i (whole, with a zone), m (many).

    Also constants s and up_info, a t for each job, and the histograms h_bucket (sound) and b_bucket (broken).
    """
    rng = random.Random(seed)
    data: dict[Labels, Samples] = {}

    def add(name: str, samples: Samples, **labels: str) -> None:
        if samples and rng.random() < 0.97:
            data[from_mapping({"__name__": name, **labels})] = samples

    for job, instance in product(JOBS, INSTANCES):
        add("c_total", counter(rng, whole=False), job=job, instance=instance)
        add("n_total", counter(rng, whole=True), job=job, instance=instance)
        add("g", gauge(rng, odd=0.0), job=job, instance=instance)
        add("k", gauge(rng, odd=0.15), job=job, instance=instance)
        add("i", whole(rng), job=job, instance=instance, zone=rng.choice("xyz"))
        add("s", constant(rng), job=job, instance=instance)
        add("up_info", constant(rng), job=job, instance=instance, version=rng.choice(["1.2", "v2", "größe"]))
    for instance in MANY:
        add(
            "m",
            [(at, rng.choice((0.0, 1.0, 2.5, nan, -1e16, 1e16))) for at in scrapes(rng)],
            job="a",
            instance=instance,
        )
    for job in JOBS:
        add("t", gauge(rng, odd=0.05), job=job, team=job * 2)
        for bound, samples in buckets(rng, WHOLE, monotonic=True):
            add("h_bucket", samples, job=job, le=bound)
        for instance in INSTANCES:
            for bound, samples in buckets(rng, rng.choice(BROKEN), monotonic=rng.random() < 0.5):
                add("b_bucket", samples, job=job, instance=instance, le=bound)
    return data
