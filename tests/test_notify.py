"""Notifications over time: the event-driven simulator against its slow twin, and against what was measured."""

from __future__ import annotations

import pytest
from tests.notify_scenarios import Draw, Scenario, Times
from tests.notify_twin import Twin

from tocsin.notify.notification import Notification
from tocsin.notify.semantics import Semantics
from tocsin.notify.simulate import simulate
from tocsin.routingfile.release import Release

MINUTES = Times(
    length=1_200_000,
    intervals=(5_000, 10_000, 15_000),
    waits=(0, 1_000, 10_000, 30_000, 45_000),
    group_intervals=(7_000, 20_000, 60_000, 90_000),
    repeats=(40_000, 60_000, 100_000, 300_000),
    duration=(5_000, 300_000),
)


def simulated(scenario: Scenario, semantics: Semantics) -> tuple[Notification, ...]:
    return simulate(scenario.timelines, scenario.config, scenario.silences, scenario.start, scenario.end, semantics)


@pytest.mark.parametrize("release", list(Release))
def test_the_simulator_agrees_with_its_twin(release: Release) -> None:
    semantics = Semantics(release, resend_delay=20_000, retention=100_000, log_clean_up=60_000, log_retention=250_000)
    told = 0
    for seed in range(200):
        scenario = Draw(seed, MINUTES, 1_700_000_000_000).scenario()
        expected = Twin(scenario, semantics).run()
        assert simulated(scenario, semantics) == expected, f"seed {seed}"
        told += len(expected)
    assert told > 5_000
