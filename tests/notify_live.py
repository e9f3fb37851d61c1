"""Random scenarios in a live Alertmanager, at the scale of seconds, against what is simulated.

`python -m tests.notify_live --count 50 --seed 1` runs all of them in one process, side by side: each has a label, a
subtree of routes and receivers of its own.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from tests.alertmanager import Alertmanager, Told, alertmanager
from tests.notify_scenarios import Draw, Scenario, Times
from tests.notify_twin import Held, Rule, rules

from tocsin.alerts.timeline import Episode, Timeline
from tocsin.labels import Labels, from_mapping
from tocsin.notify.notification import Notification
from tocsin.notify.semantics import Semantics
from tocsin.notify.silences import Silence
from tocsin.notify.simulate import simulate
from tocsin.promql.ast import Matcher
from tocsin.routing import Route, Routing
from tocsin.routingfile.release import Release

SEMANTICS = Semantics(Release.OLD, resend_delay=3_000, retention=12_000)
SECONDS = Times(
    length=42_000,
    intervals=(1_000, 2_000, 3_000),
    waits=(500, 1_500, 2_500, 4_500),
    group_intervals=(2_000, 3_000, 5_000, 7_300),
    repeats=(4_500, 9_500, 14_500, 60_000),
    duration=(1_000, 16_000),
)
TOLERANCE = 500
"""Milliseconds between what is simulated and what happens."""


def run(count: int, seed: int, times: Times = SECONDS) -> tuple[list[str], int]:
    """The differences, and how many notifications were compared."""
    # Far enough from now to start the server and to choose the scenarios.
    start = (int(time.time()) + 5 + count // 3) * 1000
    robust = _robust(count, seed, start, times)
    scenarios = [_labelled(one, f"s{number}") for number, one in enumerate(robust)]
    whole = _together(scenarios, start)
    with alertmanager(whole.config) as server:
        assert time.time() * 1000 < start, "the scenarios took too long to choose"
        for silence in whole.silences:
            server.silence(silence)
        _play(server, whole)
        expected = _simulated(replace(whole, start=server.started))
        return compare(expected, server.webhook.told, whole.end), len(expected)


def _simulated(scenario: Scenario) -> tuple[Notification, ...]:
    return simulate(scenario.timelines, scenario.config, scenario.silences, scenario.start, scenario.end, SEMANTICS)


def _play(server: Alertmanager, scenario: Scenario) -> None:
    """Send what Prometheus would send, each second what is due."""
    senders = [rule for timeline in scenario.timelines for rule in rules(timeline)]
    for now in range(scenario.start, scenario.end + 1, 1000):
        due = [sent for sender in senders if (sent := sender.send(now, SEMANTICS))]
        time.sleep(max(0.0, now / 1000 - time.time()))
        if due:
            server.post([(held.labels, held.starts, held.ends) for held in due])
    time.sleep(1.5)


def compare(expected: Sequence[Notification], told: Sequence[Told], end: int) -> list[str]:
    """What was simulated and not told, or told and not simulated; the last moments are left out."""
    live: defaultdict[object, list[int]] = defaultdict(list)
    for one in sorted(told, key=lambda one: one.at):
        receiver, place = PurePosixPath(one.path).parts[-2:]
        live[receiver, f"webhook[{place}]", one.group, one.firing, one.resolved].append(one.at)
    found = []
    for note in expected:
        at = live[note.receiver, note.integration, note.group, note.firing, note.resolved]
        near = next((time for time in at if abs(time - note.at) <= TOLERANCE), None)
        if near is not None:
            at.remove(near)
        elif note.at <= end - TOLERANCE:
            found.append(f"not told: {note}")
    found += [f"not simulated: {time} {key}" for key, at in live.items() for time in at if time <= end - TOLERANCE]
    return found


def _robust(count: int, seed: int, start: int, times: Times) -> Iterator[Scenario]:
    """Scenarios in which timers that are a little early or late change nothing but the times."""
    number = seed * 100_000
    while count:
        scenario = _between(Draw(number, times, start).scenario())
        number += 1
        # A server starts up to some seconds before the scenario; what it cleans up must not matter either.
        changed = [(60, 10, -4_000), (120, -10, -6_300), (-120, 0, -1_700)]
        told = {tuple(_told(_later(scenario, *one))) for one in changed}
        if len(told) == 1 and len(told.pop()) > 2 and not _races(scenario):
            count -= 1
            yield scenario


def _between(scenario: Scenario) -> Scenario:
    """The scenario with silences that begin and end when nothing arrives."""
    silences = tuple(replace(one, starts=one.starts + 250, ends=one.ends + 250) for one in scenario.silences)
    return replace(scenario, silences=silences)


def _told(scenario: Scenario) -> Iterator[object]:
    for one in sorted(_simulated(scenario), key=lambda one: (one.receiver, one.integration, one.group, one.at)):
        if one.at <= scenario.end - 2 * TOLERANCE:
            yield one.receiver, one.integration, one.group, one.firing, one.resolved, one.reason


def _later(scenario: Scenario, wait: int, interval: int, start: int) -> Scenario:
    def later(route: Route) -> Route:
        return replace(
            route,
            group_wait=None if route.group_wait is None else route.group_wait + wait,
            group_interval=None if route.group_interval is None else route.group_interval + interval,
            routes=tuple(map(later, route.routes)),
        )

    config = replace(scenario.config, root=later(scenario.config.root))
    silences = tuple(replace(one, starts=one.starts + wait, ends=one.ends + wait) for one in scenario.silences)
    return replace(scenario, config=config, silences=silences, start=scenario.start + start)


def _races(scenario: Scenario) -> bool:
    """Whether chance decides in Alertmanager itself.

    A group is flushed at once while several alerts arrive, and has some of them; or two groups that share a
    notification log are flushed at the same time, and the later one may see what the other notes.
    """
    senders: list[Rule] = [rule for timeline in scenario.timelines for rule in rules(timeline)]
    several: set[int] = set()
    for now in range(scenario.start, scenario.end + 1, 1000):
        due: list[Held] = [sent for sender in senders if (sent := sender.send(now, SEMANTICS))]
        if len(due) > 1:
            several.add(now)
    told = [(one.at, one.receiver, one.integration, one.group) for one in _simulated(scenario)]
    return len(set(told)) < len(told) or any(at in several for at, *_ in told)


def _labelled(scenario: Scenario, name: str) -> Scenario:
    """The scenario with a label that sets it apart in all that it has."""
    own = Matcher("scenario", "=", name)

    def labels(given: Labels) -> Labels:
        return from_mapping({**dict(given), "scenario": name})

    def route(given: Route, root: bool) -> Route:
        return replace(
            given,
            receiver=f"{name}-{given.receiver}" if given.receiver else "",
            matchers=(own,) if root else given.matchers,
            mute_time_intervals=tuple(f"{name}-{one}" for one in given.mute_time_intervals),
            active_time_intervals=tuple(f"{name}-{one}" for one in given.active_time_intervals),
            routes=tuple(route(below, False) for below in given.routes),
        )

    def timeline(given: Timeline) -> Timeline:
        episodes: tuple[Episode, ...] = tuple(replace(one, labels=labels(one.labels)) for one in given.episodes)
        return replace(given, episodes=episodes)

    config = scenario.config
    rules = (replace(one, source=(own, *one.source), target=(own, *one.target)) for one in config.inhibit_rules)
    routing = Routing(
        route(config.root, True),
        {f"{name}-{receiver}": body for receiver, body in config.receivers.items()},
        tuple(rules),
        {f"{name}-{interval}": body for interval, body in config.time_intervals.items()},
    )
    silences = tuple(Silence((own, *one.matchers), one.starts, one.ends) for one in scenario.silences)
    return Scenario(tuple(map(timeline, scenario.timelines)), routing, silences, scenario.start, scenario.end)


def _together(scenarios: Sequence[Scenario], start: int) -> Scenario:
    configs = [one.config for one in scenarios]
    routing = Routing(
        Route("nobody", routes=tuple(config.root for config in configs)),
        {"nobody": {}, **{name: body for config in configs for name, body in config.receivers.items()}},
        tuple(rule for config in configs for rule in config.inhibit_rules),
        {name: body for config in configs for name, body in config.time_intervals.items()},
    )
    timelines = tuple(timeline for one in scenarios for timeline in one.timelines)
    return Scenario(
        timelines, routing, tuple(silence for one in scenarios for silence in one.silences), start, scenarios[0].end
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    differences, compared = run(given.count, given.seed)
    print("\n".join(differences))
    print(f"{given.count} scenarios, {compared} notifications, {len(differences)} differences")
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
