"""Specs of objectives on a ground, replayed: what their rules recorded, and what is true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from tests.objective_grounds import Ground
from tests.objective_scenes import DAY, HOUR, START, series
from tests.objective_twin import Ledger, in_calendar, in_rolling
from tests.specs import compiled

from tocsin.alerts.replay import STEADY, Replay, Schedule, replay
from tocsin.engine.semantics import Semantics
from tocsin.functions.values import Compat
from tocsin.labels import NAME, Labels, drop, get
from tocsin.series import STALE_BITS
from tocsin.sources.memory import MemoryRecording
from tocsin.spec.settings import Settings

Versions = tuple[tuple[int, int], Compat]
VERSIONS: tuple[Versions, ...] = (((2, 42), 2), ((2, 42), 3), ((3, 0), 3))
"""The Prometheus that the rules are for, and the one that evaluates them."""

NINE_DIGITS = 1e-9


def spans(period: str) -> tuple[str, str, int]:
    """A period as `30d`, or `week Europe/Berlin`: unit, zone, and the length where it rolls."""
    unit, _, zone = period.partition(" ")
    if not unit[0].isdigit():
        return unit, zone or "UTC", 0
    return "", "", int(unit[:-1]) * {"h": HOUR, "d": DAY}[unit[-1]]


TIERS_OFF = "tiers: {fast: off, medium: off, slow: off, longterm: off}"


def spec(ground: Ground, periods: tuple[str, ...]) -> str:
    lines = [f"service: shop\nindicators: {{judged: {ground.indicator}}}\nobjectives:"]
    for index, period in enumerate(periods):
        unit, zone, length = spans(period)
        time_zone = f", time_zone: {zone}" if unit else ""
        written = period if length else unit
        extra = f", {ground.objective}" if ground.objective else ""
        lines.append(
            f"- {{name: n{index}, indicator: judged, target: 99%, period: {written}{time_zone}, {TIERS_OFF}{extra}}}"
        )
    return "\n".join([*lines, ""])


def run(text: str, ground: Ground, version: Versions, schedule: Schedule = STEADY, **changes: int) -> Replay:
    settings = replace(Settings(version=version[0]), **changes)  # type: ignore[arg-type]
    source = MemoryRecording(series(ground.data))
    steps = ground.steps
    return replay(compiled(text, settings).groups, source, steps.start, steps.end, Semantics(version[1]), schedule)


def recorded(done: Replay, name: str, objective: str = "") -> dict[Labels, dict[int, float]]:
    """The samples of a recorded series by its groups."""
    found: dict[Labels, dict[int, float]] = {}
    written = done.recorded()
    for index, labels in enumerate(written.labels):
        if get(labels, NAME) != name or (objective and get(labels, "objective") != objective):
            continue
        part = slice(written.offsets[index], written.offsets[index + 1])
        values = written.values[part]
        live = values.view(np.uint64) != STALE_BITS
        group = drop(labels, (NAME, "objective", "service"))
        found[group] = dict(zip(written.times[part][live].tolist(), values[live].tolist(), strict=True))
    return found


def true_spent(ground: Ground, period: str, group: Labels, now: int, last: int) -> float | None:
    """The share of the budget that is spent at an evaluation, by the events up to `last`."""
    unit, zone, length = spans(period)
    zero = np.zeros(len(ground.steps.times))

    def of(ledger: Ledger) -> float:
        counts = ledger.get(group, zero)
        if length:
            return in_rolling(counts, ground.steps.of(last), length // ground.steps.step)
        return in_calendar(counts, now, last, ground.steps, unit, zone)

    total, bad = of(ground.total), of(ground.bad)
    return bad / total / (1 - ground.target.get(group, 0.99)) if total > 0 else None


def coarse(samples: Mapping[int, float]) -> int:
    """How often a budget is evaluated; it knows all events up to the evaluation before."""
    return min(after - before for before, after in pairwise(sorted(samples)))


def check(done: Replay, ground: Ground, periods: tuple[str, ...]) -> int:
    """Hold every recorded budget against the true one; how many there were."""
    compared = 0
    for index, period in enumerate(periods):
        ours = recorded(done, "slo:error_budget_spent:ratio", f"n{index}")
        assert ours.keys() == ground.total.keys()
        for group, samples in ours.items():
            assert len(samples) > 100
            step = coarse(samples)
            for at, value in samples.items():
                truth = true_spent(ground, period, group, at, at - step)
                assert truth is not None, (period, group, at)
                assert value == pytest.approx(truth, rel=NINE_DIGITS, abs=1e-12), (period, group, (at - START) / HOUR)
            compared += len(samples)
    return compared
