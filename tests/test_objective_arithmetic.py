"""The arithmetic of objectives: against outages that are counted step by step, and as `explain` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.conftest import Golden
from tests.specs import compiled, recording
from typer.testing import CliRunner

from tocsin.alerts.replay import replay
from tocsin.cli import app
from tocsin.diagnostics import Text
from tocsin.engine.semantics import Semantics
from tocsin.plan.objectives.arithmetic import HOUR, Burning, Pace, burning, detection, least_bad, reset
from tocsin.plan.objectives.cost import Cost, cost, recorded
from tocsin.plan.objectives.emit import alert_name
from tocsin.promql.parse import parse
from tocsin.rules import RecordingRule, RuleGroup
from tocsin.spec.settings import Settings

LATE = 1_000_000


def bad_by(time: int, share: Fraction, outage: int) -> Fraction:
    """What a counter of bad events has reached: one event a unit of time, an outage from 0 on."""
    return share * min(max(time, 0), outage)


def replayed(burn: Burning, share: Fraction, outage: int, pace: Pace, scrape_at: int, step_at: int) -> Iterator[bool]:
    """Whether the condition holds, evaluation by evaluation: the events of each step are counted exactly, and summed.

    The first evaluation is at `step_at`, one in a scrape interval is at `scrape_at`; steps hold whole scrapes.
    """

    def seen(time: int) -> int:
        return (time - scrape_at) // pace.scrape * pace.scrape + scrape_at

    for time in range(step_at, outage + 3 * burn.long + step_at, pace.step):
        ratios = [
            (bad_by(seen(time), share, outage) - bad_by(seen(time - window), share, outage))
            / (seen(time) - seen(time - window))
            for window in (burn.long, burn.short)
        ]
        yield all(ratio > burn.threshold for ratio in ratios)


def fired_and_ended(
    burn: Burning, share: Fraction, outage: int, pace: Pace, scrape_at: int, step_at: int
) -> tuple[int, int] | None:
    """When the alert began to fire, and when it was over: as Prometheus has it, with `keep_firing_for`."""
    began, absent_since = None, None
    for index, holds in enumerate(replayed(burn, share, outage, pace, scrape_at, step_at)):
        time = step_at + index * pace.step
        if holds:
            began, absent_since = time if began is None else began, None
        elif began is not None:
            absent_since = time if absent_since is None else absent_since
            if time - absent_since >= burn.keep_firing_for:
                return began, time
    return None


@st.composite
def burns(draw: st.DrawFn) -> tuple[Burning, Fraction, Pace]:
    scrape = draw(st.integers(1, 3))
    step = scrape * draw(st.integers(1, 3))
    short = step * draw(st.integers(1, 4))
    long = short + step * draw(st.integers(1, 12))
    share = Fraction(draw(st.integers(1, 100)), 100)
    threshold = share * Fraction(draw(st.integers(1, 99)), 100)
    return Burning(long, short, threshold, step * draw(st.integers(0, 2))), share, Pace(scrape, step)


@settings(max_examples=150, deadline=None)
@given(burns(), st.data())
def test_the_times_are_the_longest_of_all_moments_at_which_an_outage_may_begin(
    case: tuple[Burning, Fraction, Pace], data: st.DataObject
) -> None:
    burn, share, pace = case
    outage = data.draw(st.integers(1, 2 * burn.long))
    told = detection(burn, share, pace), reset(burn, share, outage, pace)
    assert told[0] is not None
    phases = [(scrape, step) for scrape in range(pace.scrape) for step in range(1, pace.step + 1)]
    found = [fired_and_ended(burn, share, outage, pace, *phase) for phase in phases]
    if told[1] is None:
        assert found == [None] * len(phases)
        return
    # An outage that is hardly long enough is over before an evaluation saw it.
    assume(all(found))
    # What was scraped is younger than a whole interval, by a unit of time at least.
    assert max(one[0] for one in found if one) == told[0] - 1
    assert max(one[1] for one in found if one) == outage + told[1] - 2


@given(burns(), st.integers(1, 5000))
def test_the_fewest_bad_events_are_the_first_number_that_is_above(
    case: tuple[Burning, Fraction, Pace], rate: int
) -> None:
    burn, _, _ = case
    burn = replace(burn, long=burn.long * 1000, short=burn.short * 1000)
    traffic = Fraction(rate, 100)
    whole = traffic * burn.long / 1000
    counted = next((bad for bad in range(int(whole) + 1) if bad / whole > burn.threshold), None)
    assert least_bad(burn, traffic) == counted


def test_what_min_events_hides_fires_for_nothing_and_bad_events_are_waited_for() -> None:
    burn = Burning(3_600_000, 300_000, Fraction(1, 100), min_events=100)
    pace, all_bad = Pace(15_000, 60_000), Fraction(1)
    assert detection(burn, all_bad, pace, Fraction(1, 60)) is None
    assert least_bad(burn, Fraction(1, 60)) is None
    assert detection(burn, all_bad, pace, Fraction(1)) == 36_000 + 75_000
    stand_in = Burning(86_400_000, 7_200_000, Fraction(15, 10_000), bad_events=10)
    assert detection(stand_in, all_bad, pace, Fraction(1, 60)) == 10 * 60_000 + 75_000
    assert detection(stand_in, all_bad, pace, Fraction(1, 86_400)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("up", Cost(scraped=1)),
        ("sum(rate(x[5m])) / sum(rate(y[5m] offset 1h))", Cost(scraped=40)),
        ("sum_over_time(slo:x[4m59s999ms])", Cost(recorded=5)),
        ("slo:x > 0.1 and last_over_time(slo:coarse[8m]) * up", Cost(1, 3)),
        ("sum_over_time((slo:coarse and timestamp(slo:coarse) > 3)[1h:4m])", Cost(recorded=30)),
        ("vector(1) + time()", Cost()),
    ],
)
def test_samples_are_counted_in_the_expression(text: str, expected: Cost) -> None:
    known = {"slo:x": 60_000, "slo:coarse": 240_000}
    group = RuleGroup("g", (RecordingRule("r", parse(Text.of(text, "here"))),), 60_000)
    assert cost(group, known, lambda _: 15_000) == expected


SPEC = """\
service: checkout
owner: payments
indicators:
  errors: {ratio: {bad: 'errors_total{job="checkout"}', total: 'requests_total{job="checkout"}'}}
objectives:
  - {name: availability, indicator: errors, target: 99.9%}
"""


def test_the_cost_of_an_objective_grows_with_its_series_and_is_that_of_its_own_rules() -> None:
    groups = compiled(SPEC).groups
    known = recorded(groups, 60_000)
    events, budget = (cost(group, known, lambda _: 60_000) for group in groups if "availability" in group.name)
    assert events.of(200, 1) - events.of(100, 1) == 100 * events.scraped > 0
    assert budget.scraped == 0
    # Two sums and a count over 30 days in steps of 4 minutes.
    assert 3 * 10_800 <= budget.recorded < 3 * 10_800 + 30


def explained(tmp_path: Path, spec: str, name: str) -> str:
    path = tmp_path / "spec.yaml"
    path.write_text(spec)
    done = CliRunner().invoke(app, ["explain", name, str(path)])
    assert done.exit_code == 0, done.output
    return done.output


MANY = """\
service: shop
owner: store
indicators:
  errors: {ratio: {bad: errors_total, total: requests_total}, by: [tenant]}
  slow: {latency: {histogram: seconds, quantile: 99%}}
  late: {ratio: {bad: late_total, total: requests_total}, by: [tenant]}
objectives:
  - name: availability
    indicator: errors
    target: 99.9%
    min_events: 100
    targets: [{labels: {tenant: gold}, target: 99.99%}]
    description: Customers can buy
  - {name: promptness, indicator: late, target: 99%, period: month, time_zone: Europe/Berlin, thresholds: traffic}
  - {name: slices, indicator: slow, target: 99%, time_slices: {every: 1m, above: 2s}}
  - name: whole
    target: 99.5%
    composite: [{objective: availability, weight: 60%}, {objective: promptness, weight: 40%}]
"""


@pytest.mark.parametrize(
    "name", ["availability", "shop/promptness", "slices", "whole", "ShopAvailabilityFastBurn"], ids=str
)
def test_explain_shows_the_whole_arithmetic(name: str, tmp_path: Path, golden: Golden) -> None:
    page, _, cost = explained(tmp_path, MANY, name).partition("\nCost:")
    golden(f"explain/{name.rpartition('/')[2]}.txt", page)
    assert bool(cost) == (not name.endswith("Burn"))


def test_an_objective_of_two_services_needs_its_service(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SPEC)
    (tmp_path / "b.yaml").write_text(SPEC.replace("service: checkout", "service: basket"))
    done = CliRunner().invoke(app, ["explain", "availability", str(tmp_path)])
    assert done.exit_code == 2
    assert "`checkout/availability`, `basket/availability`" in done.output
    assert (
        CliRunner()
        .invoke(app, ["explain", "basket/availability", str(tmp_path)])
        .output.startswith("availability of basket")
    )
    done = CliRunner().invoke(app, ["explain", "availabilty", str(tmp_path)])
    assert "did you mean `availability`?" in done.output


def test_traffic_is_measured_in_a_recording(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    recording(tmp_path, {'requests_total{job="checkout",instance="a"}': [300.0 * minute for minute in range(121)]})
    call = ["explain", "availability", str(tmp_path / "spec.yaml"), "--data"]
    done = CliRunner().invoke(app, [*call, str(tmp_path / "recording.om")])
    assert done.exit_code == 0, done.output
    rows = [line.split() for line in done.output.splitlines()]
    assert ["5.0/s", "12,960,000", "12,960"] in rows
    assert ["fast", "260"] in rows
    done = CliRunner().invoke(app, [*call, str(tmp_path / "gone.om")])
    assert done.exit_code == 2
    assert "error[input/unreadable]" in done.output


@pytest.mark.parametrize(("share", "late"), [(1.0, 0), (0.1, 7), (0.1, 14), (0.02, 3)])
def test_the_compiled_rules_fire_and_end_as_told(share: float, late: int, tmp_path: Path) -> None:
    """An hour's outage that begins some seconds after an evaluation, in a server that scrapes every 15 s."""
    begin, outage = 7 * HOUR + late * 1000, HOUR
    times = range(0, 10 * HOUR, 15_000)
    bad = [share * 100 * min(max(time - begin, 0), outage) / 1000 for time in times]
    series = {"errors_total": bad, "requests_total": [time / 10 for time in times]}
    labels = '{job="checkout",instance="a"}'
    data = recording(tmp_path, {f"{name}{labels}": values for name, values in series.items()}, 15_000)
    whole = compiled(SPEC, Settings(scrape_interval=15_000))
    own = whole.plan.objectives[0].account
    timelines = replay(whole.groups, data, 0, 10 * HOUR - 15_000, Semantics(compat=2)).timelines
    pace, seen = Pace(15_000, 60_000), 0
    for tier, burn in burning(own, own.objective.target):
        (timeline,) = [one for one in timelines if one.rule.name == alert_name(own, tier)]
        told = detection(burn, Fraction(share), pace), reset(burn, Fraction(share), outage, pace)
        # What lies before the recording is in the windows of more than seven hours, and of no account here.
        if tier.long > 7 * HOUR or told[0] is None or told[1] is None:
            continue
        (episode,) = timeline.episodes
        assert episode.firing is not None
        assert told[0] - 75_000 <= episode.firing - begin <= told[0]
        if episode.resolved is not None:
            assert told[1] - 75_000 - 1 <= episode.resolved - begin - outage <= told[1]
            seen += 1
    assert seen
