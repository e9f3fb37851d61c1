"""Samples and expressions for comparing evaluators: resets, gaps, irregular times, NaN, infinities, stale markers."""

from __future__ import annotations

import random

from hypothesis import strategies as st
from tests.oracle_numbers import Samples

from tocsin.labels import Labels, from_mapping
from tocsin.series import STALE

START = 1_700_000_000_000 + 7_000
"""No multiple of a minute, so that grids of subqueries and steps differ."""

MINUTES = 60
BOUNDS = ("0.1", "0.5", "1", "2.5", "+Inf")
SPECIAL = (float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 1e308, -1e308, 5e-324)


def times(rng: random.Random) -> list[int]:
    """Scrapes every 15 s with jitter, exactly every 15 s, or rarely; with gaps."""
    step, jitter = rng.choice([(15_000, 300), (15_000, 0), (30_000, 7_000), (60_000, 0), (170_000, 60_000)])
    start = START + rng.choice([0, rng.randrange(20) * 60_000])
    found = [start + k * step + rng.randint(0, jitter) for k in range(MINUTES * 60_000 // step)]
    for _ in range(rng.choice([0, 0, 1, 3])):
        at, length = rng.randrange(len(found)), rng.choice([1, 3, 30])
        found[at : at + length] = []
    return found


def counter(rng: random.Random, scale: float, stale: bool) -> Samples:
    value, samples = rng.random() * scale, []
    for at in times(rng):
        value = 0.0 if rng.random() < 0.04 else value + rng.choice([0.0, rng.random() * scale])
        samples.append((at, STALE if stale and rng.random() < 0.02 else value))
    return samples


def gauge(rng: random.Random, odd: bool, stale: bool) -> Samples:
    scale, offset = rng.choice([(1.0, 0.0), (1e-3, 1e9), (100.0, -50.0)])
    samples = []
    for at in times(rng):
        value = offset + scale * rng.gauss(0, 1) if rng.random() < 0.9 else float(rng.randrange(5))
        value = rng.choice(SPECIAL) if odd and rng.random() < 0.05 else value
        samples.append((at, STALE if stale and rng.random() < 0.02 else value))
    return samples


def samples(seed: int, stale: bool) -> dict[Labels, Samples]:
    """Counters `c_total`, gauges `g` (some odd) and `i` (whole numbers), histograms `h_bucket`, targets `t`."""
    rng = random.Random(seed)
    data: dict[Labels, Samples] = {}
    for job in ("a", "b"):
        for instance in ("0", "1", "2"):
            own = {"job": job, "instance": instance}
            data[from_mapping({"__name__": "c_total", **own})] = counter(rng, rng.choice([0.1, 1.0, 1e6]), stale)
            data[from_mapping({"__name__": "g", **own})] = gauge(rng, instance == "2", stale)
            whole = [(at, float(rng.randrange(4))) for at in times(rng)]
            data[from_mapping({"__name__": "i", "zone": instance, **own})] = whole
        data[from_mapping({"__name__": "t", "job": job, "team": job * 2})] = gauge(rng, False, stale)
        at = times(rng)
        for place, bound in enumerate(BOUNDS):
            rising, value = [], 0.0
            for moment in at:
                value += rng.random() * (place + 1) if rng.random() < 0.95 else 0.0
                rising.append((moment, value))
            data[from_mapping({"__name__": "h_bucket", "job": job, "le": bound})] = rising
    return data


selectors = st.sampled_from(["c_total", "g", "i", 'g{instance!="2"}', 'c_total{job="a"}', 'i{job=~"a|b"}', "t"])
modifiers = st.sampled_from(["", "", "", " offset 3m", " offset -2m", f" @ {(START + 1_900_000) / 1000:.3f}"])
widths = st.sampled_from(["1m", "2m", "5m", "17m30s", "30s", "5m1ms"])
instants = st.builds("{}{}".format, selectors, modifiers)
matrices = st.builds("{}[{}]{}".format, selectors, widths, modifiers)
over = st.sampled_from(
    [
        "rate",
        "increase",
        "delta",
        "irate",
        "idelta",
        "resets",
        "changes",
        "deriv",
        *(f"{name}_over_time" for name in "sum avg min max count last present first mad stddev stdvar".split()),
    ]
)
folds = st.sampled_from(["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"])
groupings = st.sampled_from(["", " by (job)", " by (instance, zone)", " without (instance)", " by (absent)"])
each = st.sampled_from(["abs", "ceil", "floor", "sqrt", "sgn", "hour", "day_of_week", "month"])
numbers = st.sampled_from(["0", "1", "-0.5", "2", "0.9", "100", "1.5"])
arithmetic = st.sampled_from(["+", "-", "*", "/", "%"])
comparisons = st.sampled_from([">", "<", ">=", "<=", "==", "!=", "> bool", "!= bool"])
sets = st.sampled_from(["and", "or", "unless"])
matchings = st.sampled_from(
    ["", "on (job, instance)", "ignoring (zone)", "on (job) group_left (team)", "on (job) group_right ()", "on (job)"]
)
set_matchings = st.sampled_from(["", "on (job)", "on (job, instance)", "ignoring (zone, instance)", "on ()"])


def _extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    subqueries = st.builds("({})[{}:{}]{}".format, inner, widths, st.sampled_from(["", "30s", "47s"]), modifiers)
    ranges = st.one_of(matrices, subqueries)
    calls = st.one_of(
        st.builds("{}({})".format, over, ranges),
        st.builds("predict_linear({}, {})".format, ranges, numbers),
        st.builds("quantile_over_time({}, {})".format, numbers, ranges),
        st.builds("absent_over_time({})".format, ranges),
        st.builds("absent({})".format, inner),
        st.builds("{}({})".format, each, instants),
        st.builds("clamp_min({}, {})".format, inner, numbers),
        st.builds("clamp_max({}, {})".format, inner, numbers),
        st.builds("round({})".format, inner),
        st.builds("vector(scalar({}))".format, inner),
        st.builds("timestamp({})".format, inner),
        st.builds("sort({})".format, inner),
    )
    aggregations = st.one_of(
        st.builds("{}{}({})".format, folds, groupings, inner),
        st.builds("quantile{}({}, {})".format, groupings, numbers, inner),
    )
    operations = st.one_of(
        st.builds("({}) {} ({})".format, inner, st.one_of(arithmetic, comparisons), numbers),
        st.builds("({}) {} ({})".format, numbers, st.one_of(arithmetic, comparisons), inner),
        st.builds("({}) {} {} ({})".format, inner, st.one_of(arithmetic, comparisons), matchings, inner),
        st.builds("({}) {} {} ({})".format, inner, sets, set_matchings, inner),
        st.builds("-({})".format, inner),
    )
    return st.one_of(calls, aggregations, operations)


histograms = st.builds(
    "histogram_quantile({}, {})".format,
    numbers,
    st.sampled_from(["h_bucket", "rate(h_bucket[5m])", "sum by (le) (rate(h_bucket[2m]))", "h_bucket offset 7m"]),
)
expressions = st.recursive(st.one_of(instants, histograms), _extend, max_leaves=6)
