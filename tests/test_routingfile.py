"""Alertmanager's configuration files: the same verdict as amtool's, and problems with a place and without secrets."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest
from tests.alertmanager_configs import GOOD, TEXTS, amtool, changed

from tocsin.diagnostics import ProblemError, Problems, Source, Text, render
from tocsin.promql.ast import Matcher
from tocsin.routing import InhibitRule, Route, Routing, TimeInterval
from tocsin.routingfile.matchers import read_matchers
from tocsin.routingfile.print import print_routing
from tocsin.routingfile.read import read_routing
from tocsin.routingfile.release import Release


def read(text: str, release: Release = Release.OLD) -> tuple[Routing | None, list[str]]:
    problems = Problems()
    routing = read_routing(Source("am.yml", text), problems, release)
    return routing, [render(problem) for problem in problems]


def good(text: str, release: Release = Release.OLD) -> Routing:
    routing, problems = read(text, release)
    assert routing is not None, problems
    return routing


def differences(texts: list[str], folder: Path) -> list[str]:
    found = []
    for text, accepted in zip(texts, amtool(texts, folder), strict=True):
        routing, problems = read(text)
        if (routing is not None) != accepted:
            found.append(f"amtool {'accepts' if accepted else 'refuses'}: {text}\n" + "\n".join(problems))
    return found


@pytest.mark.live("amtool")
def test_the_verdict_on_texts_is_amtools(tmp_path: Path) -> None:
    assert differences(list(TEXTS), tmp_path) == []


@pytest.mark.live("amtool")
def test_the_verdict_on_changed_configurations_is_amtools(tmp_path: Path) -> None:
    assert differences([changed(seed) for seed in range(400)], tmp_path) == []


def test_a_routing_has_all_that_the_file_says() -> None:
    routing = good(json.dumps(GOOD), Release.CURRENT)
    pager, mail = routing.root.routes
    assert (routing.root.group_wait, routing.root.repeat_interval) == (30_000, 14_400_000)
    assert pager.matchers[1:] == (Matcher("team", "=~", "a|b"), Matcher("x", "!=", "y"), Matcher("z", "!~", "w"))
    assert (pager.continue_, pager.group_by, mail.group_by, mail.routes) == (True, ("...",), (), ())
    assert pager.routes[0].matchers == (Matcher("a", "=", "b"), Matcher("n", "=", "5"), Matcher("c", "=~", "d.*"))
    assert routing.receivers["pager"] == {"webhook_configs": [{"send_resolved": False}]}
    assert routing.inhibit_rules[0].equal == ("x", "y")
    assert routing.time_intervals["work"] == (
        TimeInterval(
            ((540, 1440),),
            ((1, 5), (0, 0)),
            ((1, 15), (-3, -1), (5, -2)),
            ((1, 3), (5, 5), (12, 12)),
            ((2020, 2030), (2040, 2040)),
            "Europe/Berlin",
        ),
    )


def test_what_is_printed_is_read_again() -> None:
    route = Route(
        "a",
        group_by=("x",),
        group_wait=0,
        routes=(
            Route("b", (Matcher("l", "=~", 'a"\\d|b'),), (), continue_=True, mute_time_intervals=("n",)),
            Route("", active_time_intervals=("n",), repeat_interval=1500),
        ),
    )
    intervals = {
        "n": (TimeInterval(((0, 60), (61, 1440)), ((0, 6),), ((-31, -1),), ((1, 12),), ((1970, 2100),), "EST"),)
    }
    rules = (InhibitRule((Matcher("s", "!=", ""),), (Matcher("s", "!~", "x"),), ("e",)),)
    routing = Routing(route, {"a": {}, "b": {"webhook_configs": [{"send_resolved": False}]}}, rules, intervals)
    assert good(print_routing(routing), Release.CURRENT) == routing


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"é"="x"', (Matcher("é", "=", "x"),)),
        ("é!=x, ü=~y", (Matcher("é", "!=", "x"), Matcher("ü", "=~", "y"))),
        ('{"a b"="\\u00e9\\x41"}', (Matcher("a b", "=", "éA"),)),
        # Both grammars accept these and disagree: the older one wins.
        ('a="b\\tc"', (Matcher("a", "=", "b\\tc"),)),
        ("a=b}", (Matcher("a", "=", "b"),)),
        # Only the older one accepts these.
        ("a=", (Matcher("a", "=", ""),)),
        ("a=~b c", (Matcher("a", "=~", "b c"),)),
    ],
)
def test_current_releases_read_both_grammars_of_matchers(text: str, expected: tuple[Matcher, ...]) -> None:
    assert read_matchers(Text.of(text), Release.CURRENT) == expected


@pytest.mark.parametrize(
    "text", ["é", "é=", '"é=x', "{é=x", "é=x}", "é=x y", "é=x,,ü=y", '"é\\q"=x', '"é\n"=x', "é=~("]
)
def test_what_neither_grammar_reads_is_refused(text: str) -> None:
    with pytest.raises(ProblemError):
        read_matchers(Text.of(text), Release.CURRENT)


def test_names_beyond_the_classic_ones_are_for_current_releases() -> None:
    text = "route: {receiver: a, group_by: [é]}\nreceivers: [{name: a, msteamsv2_configs: [{}]}]\n"
    assert good(text, Release.CURRENT).root.group_by == ("é",)
    assert [line.split(": ")[1] for line in read(text)[1]] == [
        "error[alertmanager/label-name]",
        "error[alertmanager/unknown-key]",
    ]


def test_problems_have_a_place_and_a_suggestion() -> None:
    text = dedent("""\
        route:
          receiver: pagr
          group_wait: 30s
          routes:
            - matchers: [severity="page", team]
              group_intervall: 5m
        receivers:
          - name: pager
        """)
    assert "\n".join(read(text)[1]) == dedent("""\
        am.yml:2:13: error[alertmanager/undefined]: receiver `pagr` is not defined
            2 |   receiver: pagr
              |             ^^^^
           help: did you mean `pager`?
        am.yml:5:35: error[alertmanager/matcher]: `team` is not a matcher
            5 |     - matchers: [severity="page", team]
              |                                   ^^^^
           help: write `label="value"`, with `=`, `!=`, `=~` or `!~`
        am.yml:6:7: error[alertmanager/unknown-key]: a route has no key `group_intervall`
            6 |       group_intervall: 5m
              |       ^^^^^^^^^^^^^^^
           help: did you mean `group_interval`?""")


SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"global: {{slack_api_url: {SECRET}, foo: 1}}\n",
        f"global: {{smtp_auth_password: {SECRET}\n",
        f"global:\n  opsgenie_api_key: {SECRET}: x\n",
        f"receivers: [{{nam: x, pagerduty_configs: [{{routing_key: {SECRET}}}]}}]\n",
        f"receivers: [{{nam: x, webhook_configs: [{{http_config: {{basic_auth: {{password: {SECRET}}}}}}}]}}]\n",
        f"receivers: [{{nam: x, webhook_configs: [{{url: 'https://{SECRET}@x/'}}]}}]\n",
        f"global: {{http_config: {{authorization: [{SECRET}]}}}}\n",
        f"global: {{smtp_auth_password: [{SECRET}]}}\n",
        f"global: {{resolve_timeout: x, slack_api_url: |\n   {SECRET}\n }}\n",
    ],
)
def test_no_problem_shows_a_secret(text: str) -> None:
    routing, problems = read(text)
    assert routing is None
    assert problems
    assert SECRET not in "\n".join(problems)
    assert SECRET not in repr(
        good(f"route: {{receiver: a}}\nreceivers: [{{name: a, webhook_configs: [{{url: {SECRET}}}]}}]")
    )
