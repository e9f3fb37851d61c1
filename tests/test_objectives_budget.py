"""The error budget that compiled rules keep, against the true account of every event; beside it, what Sloth's say."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests import sloth
from tests.objective_grounds import ERRORS, GROUND, REQUESTS, SHOP, Ground, ratio
from tests.objective_replays import NINE_DIGITS, VERSIONS, Versions, check, recorded, run, spec, true_spent
from tests.objective_scenes import DAY, HOUR, MINUTE, START, Data, named, series
from tests.objective_twin import Steps, beginning, counted, without

from tocsin.alerts.clock import Outage, hashed_offset
from tocsin.alerts.replay import Schedule, replay
from tocsin.engine.semantics import Semantics
from tocsin.sources.memory import MemoryRecording

PERIODS = ("6h", "30d")


@pytest.mark.parametrize("version", VERSIONS, ids=str)
@pytest.mark.parametrize("name", GROUND)
def test_the_budget_is_that_of_the_events(name: str, version: Versions) -> None:
    ground = GROUND[name]()
    bad = np.concatenate([np.zeros(1), *ground.bad.values()])
    assert (bad < 0).any() if name == "good_of_another_target" else bad.sum() > 0 or name == "absent_errors"
    done = run(spec(ground, PERIODS), ground, version)
    assert not done.problems
    assert check(done, ground, PERIODS) > 800


@pytest.mark.parametrize("version", VERSIONS, ids=str)
@pytest.mark.parametrize("seconds", [15, 30, 150, 600])
def test_other_evaluation_intervals(seconds: int, version: Versions) -> None:
    for name in ("resets", "targets_away"):
        steps = Steps(START, START + 26 * HOUR, seconds * 1000)
        ground = ratio(GROUND[name]().data, steps=steps)
        done = run(spec(ground, PERIODS), ground, version, evaluation_interval=seconds * 1000)
        assert not done.problems
        assert check(done, ground, PERIODS) > 300


def slow(start: int, days: float) -> Ground:
    """Some requests every quarter of an hour, evaluated as seldom; the errors change with the day."""
    steps = Steps(start, start + int(days * DAY), 15 * MINUTE)
    data: Data = {named("http_requests_total", SHOP, code=code): [] for code in ("200", "500")}
    counts = dict.fromkeys(data, 0.0)
    for place, time in enumerate(steps.times.tolist()):
        for labels, samples in data.items():
            counts[labels] += 1 + (place // 96 % 5 if ERRORS(labels) else place % 50)
            samples.append((time - 7_000, counts[labels]))
    total = counted(data, REQUESTS, REQUESTS, (), steps)
    return replace(ratio({}), data=data, total=total, bad=counted(data, ERRORS, REQUESTS, (), steps), steps=steps)


@pytest.mark.parametrize(
    ("day", "zone", "version"),
    [
        ("2023-03-28", "Europe/Berlin", 0),  # recorded years ago, two days after forward; a month and a quarter begin
        ("2026-03-28", "Europe/Berlin", 0),  # forward on the 29th; the month, the quarter and a week begin after it
        ("2026-10-30", "America/New_York", 1),  # back on the 1st, after the month has begun
        ("2026-10-30", "America/Havana", 2),  # at midnight of the 1st, which comes twice
        ("2026-03-30", "Australia/Lord_Howe", 0),  # by half an hour on the 5th
        ("2026-04-02", "America/Santiago", 1),  # at midnight of a Saturday
        ("2026-06-29", "Asia/Kathmandu", 2),  # 5:45 from UTC
        ("2026-12-31", "Asia/Kolkata", 0),
        ("2027-12-30", "UTC", 1),
    ],
)
def test_a_period_of_the_calendar_begins_at_local_midnight(day: str, zone: str, version: int) -> None:
    ground = slow(round(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000), 6)
    periods = tuple(f"{unit} {zone}" for unit in ("week", "month", "quarter"))
    began = {beginning(int(time), unit, zone) for time in ground.steps.times for unit in ("week", "month")}
    assert max(began) > ground.steps.start, "no period begins"
    done = run(spec(ground, periods), ground, VERSIONS[version], evaluation_interval=15 * MINUTE)
    assert not done.problems
    assert check(done, ground, periods) > 1500


def test_the_period_rolls_over_thirty_days() -> None:
    ground = slow(START, 40)
    done = run(spec(ground, ("30d",)), ground, VERSIONS[0], evaluation_interval=15 * MINUTE)
    assert check(done, ground, ("30d",)) > 3000
    covered = recorded(done, "slo:period_covered:ratio")[()]
    assert max(covered.values()) == 1


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_every_event_counts_once_wherever_groups_stand_in_their_interval(version: Versions) -> None:
    """Prometheus evaluates each group at an offset of its own."""
    data = GROUND["resets"]().data
    late = hashed_offset("spec.yaml", "shop-n0", MINUTE, version[1])
    assert late % MINUTE
    steps = Steps(START + late, START + 26 * HOUR, MINUTE)
    ground = replace(ratio(data, steps=steps), steps=steps)
    done = run(spec(ground, ("30d",)), ground, version, Schedule(None))
    ours = recorded(done, "slo:error_budget_spent:ratio")[()]
    assert len({(at - late) % MINUTE for at in ours}) == 1
    for at, value in ours.items():
        last = at - 4 * MINUTE - (at - late) % MINUTE
        assert value == pytest.approx(true_spent(ground, "30d", (), at, last), rel=NINE_DIGITS, abs=1e-12)


@pytest.mark.parametrize(("period", "step"), [("6h", 1), ("week", 1), ("month Asia/Tokyo", 3), ("30d", 4)])
def test_what_happens_while_prometheus_is_down_is_not_counted_and_nothing_is_counted_twice(
    period: str, step: int
) -> None:
    """Nor is the last step before, which would have been summed up in the next."""
    ground = GROUND["resets"]()
    outage = Outage(START + 15 * HOUR + 30_000, START + 15 * HOUR + 24 * MINUTE)

    def out(time: int) -> bool:
        return START + 15 * HOUR - step * MINUTE < time < outage.end - MINUTE

    held = replace(
        ground,
        total={(): without(ground.total[()], ground.steps, out)},
        bad={(): without(ground.bad[()], ground.steps, out)},
    )
    done = run(spec(held, (period,)), held, VERSIONS[0], Schedule(0, (outage,)))
    assert check(done, held, (period,)) > 300


def weekly(zone: str, days: tuple[int, ...], start: int, end: int) -> Callable[[int], bool]:
    def out(time: int) -> bool:
        clock = datetime.fromtimestamp(time / 1000, ZoneInfo(zone))
        return clock.weekday() in days and start <= clock.hour * 3600 + clock.minute * 60 + clock.second < end

    return out


def once(start: float, end: float) -> Callable[[int], bool]:
    return lambda time: START + start * HOUR <= time < START + end * HOUR


MAINTENANCE = {
    "{from: 2026-03-02T07:00:00Z, until: '2026-03-02T08:30:00+01:00', reason: move}": once(7, 7.5),
    "{weekdays: [monday], from: '02:00', until: '03:05', time_zone: America/New_York, reason: backup}": weekly(
        "America/New_York", (0,), 7200, 11100
    ),
    "{weekdays: [tuesday], from: '00:00', until: '24:00', time_zone: Asia/Tokyo, reason: fair}": weekly(
        "Asia/Tokyo", (1,), 0, 86400
    ),
}


@pytest.mark.parametrize("version", VERSIONS, ids=str)
@pytest.mark.parametrize("name", ["resets", "latency", "groups"])
def test_what_happens_in_maintenance_does_not_count(name: str, version: Versions) -> None:
    ground = GROUND[name]()
    for written, out in list(MAINTENANCE.items()) if name == "resets" else [next(iter(MAINTENANCE.items()))]:
        held = replace(
            ground,
            objective=f"maintenance: [{written}]",
            total={group: without(counts, ground.steps, out) for group, counts in ground.total.items()},
            bad={group: without(counts, ground.steps, out) for group, counts in ground.bad.items()},
        )
        assert held.total[next(iter(held.total))].sum() < ground.total[next(iter(held.total))].sum()
        done = run(spec(held, PERIODS), held, version)
        assert not done.problems
        assert check(done, held, PERIODS) > 100


@pytest.mark.parametrize("hour", ["2026-03-29T00:00:00", "2026-10-25T00:00:00"])
def test_weekly_maintenance_in_the_night_when_clocks_change(hour: str) -> None:
    ground = slow(round(datetime.fromisoformat(hour).replace(tzinfo=UTC).timestamp() * 1000) - DAY // 2, 2)
    out = weekly("Europe/Berlin", (6,), 5400, 12600)
    written = "{weekdays: [sunday], from: '01:30', until: '03:30', time_zone: Europe/Berlin, reason: backup}"
    held = replace(
        ground,
        objective=f"maintenance: [{written}]",
        total={(): without(ground.total[()], ground.steps, out)},
        bad={(): without(ground.bad[()], ground.steps, out)},
    )
    quiet = sum(out(int(time) - 450_000) for time in ground.steps.times)
    assert quiet == (4 if "03" in hour else 12)  # one hour on the clock is missing, or comes twice
    done = run(spec(held, ("30d",)), held, VERSIONS[0], evaluation_interval=15 * MINUTE)
    assert check(done, held, ("30d",)) > 100


def test_adjustments_count_as_long_as_what_happened_with_them() -> None:
    ground = GROUND["resets"]()
    written = (
        "adjustments: [{at: '2026-03-02T04:00:30Z', bad_events: 500, reason: lost in the mail},"
        " {at: '2026-03-02T21:30:00Z', bad_events: -100, reason: a test of ours}]"
    )
    for period, step in (("6h", 1), ("30d", 4)):
        bad = ground.bad[()].copy()
        for hour, events in ((4 + 0.5 / 60, 500), (21.5, -100)):
            # They count at once, other events when the next step begins.
            bad[ground.steps.of(START + round(hour * HOUR)) - step] += events
        adjusted = replace(ground, objective=written, bad={(): bad})
        done = run(spec(adjusted, (period,)), adjusted, VERSIONS[0])
        assert not done.problems
        assert check(done, adjusted, (period,)) > 300


def test_a_composite_weighs_the_shares_of_its_parts() -> None:
    errors, slow_ones = GROUND["resets"](), GROUND["latency"]()
    text = f"""service: shop
indicators: {{judged: {errors.indicator}, fast: {slow_ones.indicator}}}
objectives:
- {{name: errors, indicator: judged, target: 99%, period: 6h, TIERS}}
- {{name: latency, indicator: fast, target: 90%, period: 30d, TIERS}}
- {{name: both, target: 98%, period: 6h, TIERS, composite: [{{objective: errors, weight: 75%}},
    {{objective: latency, weight: 25%}}]}}
""".replace("TIERS", "tiers: {fast: off, medium: off, slow: off, longterm: off}")
    both = {**errors.data, **{labels: rows for labels, rows in slow_ones.data.items() if not REQUESTS(labels)}}
    done = run(text, replace(errors, data=both), VERSIONS[0])
    assert not done.problems
    ours = recorded(done, "slo:error_budget_spent:ratio", "both")[()]
    assert len(ours) > 300
    for at, value in ours.items():
        if at % (4 * MINUTE):
            continue  # the second part's sums are of four minutes
        lasts = (at - MINUTE, at - 4 * MINUTE)
        shares = [
            (true_spent(ground, "6h", (), at, last) or 0) * 0.01
            for ground, last in zip((errors, slow_ones), lasts, strict=True)
        ]
        assert value == pytest.approx((0.75 * shares[0] + 0.25 * shares[1]) / 0.02, rel=NINE_DIGITS, abs=1e-12)


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_sums_over_time_are_as_exact_as_counters(version: Versions) -> None:
    """An author's own expression that takes each sample of its window once."""
    ground = GROUND["probes"]()
    bad = "sum(count_over_time(up[$window])) - sum(sum_over_time(up[$window]))"
    written = f"{{ratio: {{bad: '{bad}', total: 'sum(count_over_time(up[$window]))'}}}}"
    own = replace(ground, indicator=written)
    assert check(run(spec(own, PERIODS), own, version), own, PERIODS) > 1000


def test_rates_in_an_expression_are_as_exact_as_a_rate_is() -> None:
    ground = GROUND["spiky_traffic"]()
    bad, total = (f"sum(increase(http_requests_total{code}[$window]))" for code in ('{code="500"}', ""))
    own = replace(ground, indicator=f"{{ratio: {{bad: '{bad}', total: '{total}'}}}}")
    done = run(spec(own, ("30d",)), own, VERSIONS[0])
    for name, truth in (("slo:bad_events:period", ground.bad), ("slo:total_events:period", ground.total)):
        last = max(recorded(done, name)[()].items())[1]
        assert last == pytest.approx(truth[()].sum(), rel=0.01)


BAD = 'sum(rate(http_requests_total{code="500"}[$window]))'
TOTAL = "sum(rate(http_requests_total[$window]))"


@pytest.mark.parametrize(
    ("name", "theirs", "true"),
    [
        ("idle_half_hour", math.nan, None),
        ("absent_errors", None, 0.0),
        ("spiky_traffic", 0.2333, 4.9e-05),
        ("born_with_their_errors", None, None),
    ],
)
def test_sloth_says_otherwise(name: str, theirs: float | None, true: float | None) -> None:
    ground = GROUND[name]()
    source = MemoryRecording(series(ground.data))
    until = START + (2 if name == "spiky_traffic" else 26) * HOUR
    groups = [sloth.recordings(BAD, TOTAL)]
    done = replay(groups, source, START, until, Semantics(2))
    said = {at: value for one in recorded(done, "slo:sli_error:ratio_rate30d").values() for at, value in one.items()}
    last = said.get(until)
    ours = recorded(run(spec(ground, ("30d",)), ground, VERSIONS[0]), "slo:error_budget_spent:ratio")[()]
    share = ours[until] * 0.01
    if theirs is None:
        assert last is None or last < share * 0.6
    else:
        assert last == pytest.approx(theirs, rel=0.05, nan_ok=True)
    assert share == pytest.approx(
        (true_spent(ground, "30d", (), until, until - 4 * MINUTE) or 0) * 0.01, rel=NINE_DIGITS
    )
    if true is not None:
        assert share == pytest.approx(true, rel=0.05)
