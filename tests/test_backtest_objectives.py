"""What a backtest says of objectives: the budget that was spent, and how much of it by the first page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.specs import compiled, recording

from tocsin.backtest.model import Backtest, Incident, Incidents, ObjectiveVerdict
from tocsin.backtest.objectives import objectives, uncounted
from tocsin.backtest.run import backtest
from tocsin.engine.semantics import Semantics
from tocsin.report.budgets import tables
from tocsin.report.html import render
from tocsin.report.json import to_json
from tocsin.rules import RuleGroup

MINUTE = 60_000
DAY = 1440 * MINUTE
HOURS = 6
OUTAGE = (180, 200)
"""The minutes of an outage in which half of all events are bad."""

SPEC = """\
service: shop
owner: store
indicators:
  errors: {ratio: {bad: errors_total, total: requests_total}, by: [tenant]}
  again: {ratio: {bad: errors_total, total: requests_total}}
objectives:
  - name: availability
    indicator: errors
    target: 99%
    targets: [{labels: {tenant: gold}, target: 99.9%}]
    period: 7d
  - {name: whole, indicator: again, target: 99%, tiers: {fast: {severity: ticket}, medium: off}}
  - {name: month, indicator: again, target: 95%, period: month, tiers: {fast: off, medium: off}}
  - name: both
    target: 99%
    composite: [{objective: whole, weight: 60%}, {objective: month, weight: 40%}]
"""


def counters() -> dict[str, list[float | None]]:
    """100 events a minute of one tenant, and 900 of the other."""
    series: dict[str, list[float | None]] = {}
    for tenant, rate in (("gold", 100), ("silver", 900)):
        bad = [rate / 2 * min(max(minute - OUTAGE[0], 0), OUTAGE[1] - OUTAGE[0]) for minute in range(HOURS * 60 + 1)]
        labels = f'{{tenant="{tenant}",instance="a",job="shop"}}'
        series[f"errors_total{labels}"] = list(bad)
        series[f"requests_total{labels}"] = [float(rate * minute) for minute in range(HOURS * 60 + 1)]
    return series


@pytest.fixture
def verdict(tmp_path: Path) -> Backtest:
    groups = list(compiled(SPEC).groups)
    incident = Incident("outage", OUTAGE[0] * MINUTE, OUTAGE[1] * MINUTE)
    return judged(groups, tmp_path, Incidents((incident,)))


def judged(groups: list[RuleGroup], folder: Path, incidents: Incidents | None) -> Backtest:
    done = backtest(groups, recording(folder, counters()), incidents, semantics=Semantics(compat=2))
    found = objectives(done, groups, lambda severity: severity == "page")
    return Backtest(**{name: getattr(done, name) for name in done.__slots__} | {"objectives": found})


def by_name(verdict: Backtest) -> dict[str, ObjectiveVerdict]:
    return {one.name: one for one in verdict.objectives}


def test_the_budget_is_that_of_the_period_at_the_traffic_of_the_recording(verdict: Backtest) -> None:
    found = by_name(verdict)
    assert list(found) == ["availability", "whole", "month", "both"]
    whole = found["whole"]
    bad, events = 1000 / 2 * 20, 1000.0 * HOURS * 60
    assert (whole.events, whole.bad, whole.period) == (events, bad, 30 * DAY)
    in_period = events * whole.period / verdict.observed
    assert whole.spent == pytest.approx(bad / (in_period * 0.01), rel=1e-12)
    month = found["month"]
    assert month.period == 30 * DAY
    assert month.spent == pytest.approx(bad / (in_period * 0.05), rel=1e-12)


def test_each_group_has_the_budget_of_its_own_target(verdict: Backtest) -> None:
    one = by_name(verdict)["availability"]
    share = one.period / verdict.observed * HOURS * 60
    allowed = (100 * 0.001 + 900 * 0.01) * share
    assert one.bad == 10_000
    assert one.spent == pytest.approx(10_000 / allowed, rel=1e-12)


def test_the_first_page_comes_before_tickets_and_says_what_was_spent_by_then(verdict: Backtest) -> None:
    found = by_name(verdict)
    (told,) = found["availability"].incidents
    assert (told.first.rule, told.severity, told.incident.name) == ("ShopAvailabilityFastBurn", "page", "outage")
    minutes = (told.first.at - told.incident.start) // MINUTE
    whole, spent = found["availability"].spent, told.spent
    assert whole is not None
    assert spent == pytest.approx(whole * minutes / 20, rel=1e-12)
    assert 0 < minutes < 20
    (ticket,) = found["whole"].incidents
    assert ticket.severity == "ticket"


def test_a_composite_counts_no_events_and_spends_as_its_parts_do(verdict: Backtest) -> None:
    both, whole = by_name(verdict)["both"], by_name(verdict)["whole"]
    assert (both.events, both.bad) == (None, None)
    # The parts see the same events, and their weights make one: at the same target and period it is the same budget.
    assert both.spent == pytest.approx(whole.spent, rel=1e-12)
    (told,) = both.incidents
    minutes = (told.first.at - told.incident.start) // MINUTE
    assert both.spent is not None
    assert told.spent == pytest.approx(both.spent * minutes / 20, rel=1e-12)


@pytest.mark.parametrize("period", ["7d", "month"])
@pytest.mark.parametrize("silver", ["", "targets: [{labels: {tenant: silver}, target: 96%}]"])
def test_parts_weigh_what_they_weigh_at_the_target_of_the_whole(tmp_path: Path, period: str, silver: str) -> None:
    text = """\
service: shop
indicators:
  gold: {ratio: {bad: 'errors_total{tenant="gold"}', total: 'requests_total{tenant="gold"}'}, by: [tenant]}
  silver: {ratio: {bad: 'errors_total{tenant="silver"}', total: 'requests_total{tenant="silver"}'}, by: [tenant]}
  other: {ratio: {bad: nobody_total, total: nobody_total}, by: [tenant]}
objectives:
  - {name: first, indicator: gold, target: 99.9%}
  - {name: second, indicator: silver, target: 95%}
  - {name: third, indicator: other, target: 95%}
  - name: all
    target: 98%
    period: PERIOD
    SILVER
    composite: [{objective: first, weight: 20%}, {objective: second, weight: 30%}, {objective: third, weight: 50%}]
"""
    text = text.replace("PERIOD", period).replace("SILVER", silver)
    verdict = judged(list(compiled(text).groups), tmp_path, None)
    found = by_name(verdict)
    share = 20 / 2 / (HOURS * 60)  # bad of all, of each tenant alike
    whole = found["all"].period / verdict.observed
    expected = share / whole * (0.2 / 0.02 + 0.3 / (0.04 if silver else 0.02))
    assert found["all"].spent == pytest.approx(expected, rel=1e-12)
    rows = next(tables(verdict.objectives)).rows
    assert [row[1:4] for row in rows if row[0] == "shop/all"] == [("1w" if period == "7d" else "30d", "–", "–")]


def test_tiers_have_the_scores_of_their_alerts(verdict: Backtest) -> None:
    tiers = dict(by_name(verdict)["whole"].rules)
    assert list(tiers) == ["fast", "slow", "longterm", "spent"]
    assert tiers["fast"].score.recall == 1
    assert tiers["fast"].rule.name == "ShopWholeFastBurn"


def test_without_incidents_and_without_objectives(tmp_path: Path) -> None:
    groups = list(compiled(SPEC).groups)
    assert all(not one.incidents for one in judged(groups, tmp_path, None).objectives)
    assert judged(groups[:1], tmp_path, None).objectives == ()
    assert list(tables(())) == []


def test_text_page_and_json_say_the_same(verdict: Backtest) -> None:
    objective = by_name(verdict)["availability"]
    document = json.loads(to_json(verdict))["objectives"][0]
    assert document["budget_spent"] == objective.spent
    assert document["period"] == 604_800
    assert document["bad_events"] == 10_000
    assert [tier["name"] for tier in document["tiers"]] == ["fast", "medium", "slow", "longterm", "spent"]
    assert document["incidents"][0]["budget_spent"] == objective.incidents[0].spent
    spent, tiers, told = tables(verdict.objectives)
    assert spent.rows[0][:4] == ("shop/availability", "1w", "360,000", "10,000")
    assert tiers.rows[0][0] == "shop/availability fast"
    assert told.rows[0][:4] == ("outage", "shop/availability", "ShopAvailabilityFastBurn", "page")
    page = render(verdict)
    assert all(row[0] in page and row[-1] in page for rows in (spent, tiers, told) for row in rows.rows)


def test_a_group_label_that_nothing_has_is_told_and_what_is_not_there_too(tmp_path: Path) -> None:
    spec = SPEC.replace("by: [tenant]", "by: [tennant]").replace("{tenant: gold}", "{tennant: gold}")
    groups = list(compiled(spec).groups)
    found = list(uncounted(judged(groups, tmp_path, None), groups))
    assert [(one.code, one.span.text, one.help) for one in found] == [
        ("backtest/no-label", "availability", "did you mean `tenant`?")
    ]
    groups = list(compiled(spec.replace("requests_total", "requests_totals")).groups)
    found = list(uncounted(judged(groups, tmp_path, None), groups))
    assert [one.code for one in found] == ["backtest/no-events"] * 3
    groups = list(compiled(SPEC).groups)
    assert not list(uncounted(judged(groups, tmp_path, None), groups))
