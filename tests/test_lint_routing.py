"""The rules on Alertmanager's configuration: what each finds and where, and their claims against simulated routing."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from textwrap import indent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.linting import lint

from tocsin.diagnostics import Problems, Source
from tocsin.labels import Labels, from_mapping
from tocsin.lint.api import Routed
from tocsin.lint.labels import ALL, NOTHING, Flow
from tocsin.lint.matched import contradiction, implies, texts
from tocsin.lint.routes import can_match, reached, surely_matches
from tocsin.lint.routing.interval_never import check as interval_never
from tocsin.lint.routing.unreachable_route import check as unreachable_route
from tocsin.notify.intervals import contained
from tocsin.notify.matching import predicate
from tocsin.notify.routes import grow
from tocsin.promql.ast import Matcher
from tocsin.routing import Route, Routing, TimeInterval
from tocsin.routingfile.print import print_routing
from tocsin.routingfile.read import read_routing
from tocsin.routingfile.release import Release
from tocsin.spec.settings import Settings

ALERTS = """\
groups:
  - name: shop
    rules:
      - alert: ShopErrors
        expr: sum by (service) (rate(errors_total[30m])) > 5
        for: 5m
        labels: {severity: critical, team: shop}
      - alert: ShopQueue
        expr: sum by (service) (queue_length) > 500
        for: 30m
        labels: {severity: warning, team: shop, about: '{{ $labels.service }}'}
---
"""


def found(folder: Path, configuration: str, alerts: str = "") -> list[tuple[str, str, int, str]]:
    """The findings on a configuration: rule, severity, line (of the configuration) and what is marked."""
    first = alerts.count("\n")
    problems = lint(folder, alerts + configuration)
    return [
        (problem.code.removeprefix("noise/"), str(problem.severity), problem.span.line - first, problem.span.text)
        for problem in problems
        if problem.span.line > first
    ]


def routed(routes: str, more: str = "", alerts: str = "") -> tuple[str, str]:
    """A configuration with routes below a root for tickets, and an own receiver for pages."""
    root = "route:\n  receiver: tickets\n  group_by: [alertname, service]\n  routes:\n"
    return f"{root}{indent(routes, '  ')}\n{more}receivers: [{{name: tickets}}, {{name: pager}}]\n", alerts


PAGER = '- {receiver: pager, matchers: [severity="critical"]}'
CASES = [
    # A route is taken before.
    (routed(f"{PAGER}\n- {{matchers: [severity=critical, team=a]}}"), ("unreachable-route", "error", 6)),
    (routed(f"- {{receiver: pager}}\n{PAGER}"), ("unreachable-route", "error", 6)),
    (
        routed(f"- {{receiver: pager, matchers: ['severity=~page|critical']}}\n{PAGER}"),
        ("unreachable-route", "error", 6),
    ),
    (routed(f"- {{receiver: pager, matchers: [severity!=warning]}}\n{PAGER}"), ("unreachable-route", "error", 6)),
    (routed(f"- {{receiver: pager, matchers: ['severity=~.+']}}\n{PAGER}"), ("unreachable-route", "error", 6)),
    (routed(f"- {{receiver: pager, continue: true}}\n{PAGER}"), None),
    (routed(f"- {{receiver: pager, matchers: ['severity=~crit.*']}}\n{PAGER}"), ("unreachable-route", "error", 6)),
    (routed(f"- {{receiver: pager, matchers: [severity=critical, team=a]}}\n{PAGER}"), None),
    (routed("- {receiver: pager, matchers: ['a=~x.*']}\n- {matchers: ['a=~x.+']}"), None),
    # A route contradicts those above it.
    (
        routed('- receiver: pager\n  matchers: [severity="critical"]\n  routes: [{matchers: [severity="page"]}]'),
        ("unreachable-route", "error", 7),
    ),
    (routed("- {receiver: pager, matchers: [team=a, 'team!~a|b']}"), ("unreachable-route", "error", 5)),
    (routed("- {receiver: pager, matchers: ['team=', 'team=~.+']}"), ("unreachable-route", "error", 5)),
    # The quotes are part of the value.
    (routed("- {receiver: pager, matchers: [severity='critical']}"), ("quotes-in-matcher", "error", 5)),
    (
        routed(PAGER, "inhibit_rules: [{source_match: {a: '`b`'}, target_match: {a: c}}]\n"),
        ("quotes-in-matcher", "error", 6),
    ),
    # Nobody names it.
    (routed(PAGER.replace("pager", "tickets")), ("unused-receiver", "warning", 6)),
    (
        routed(PAGER, "time_intervals: [{name: n, time_intervals: [{months: [may]}]}]\n"),
        ("unused-time-interval", "warning", 6),
    ),
    # Waits.
    (routed(PAGER.replace("]}", "], repeat_interval: 30m}")), ("notification-flood", "warning", 5)),
    (routed(PAGER.replace("]}", "], repeat_interval: 1h}")), None),
    (routed("- {receiver: pager, matchers: [severity=info], repeat_interval: 30m}"), None),
    (routed(PAGER.replace("]}", "], group_by: ['...']}")), ("notification-flood", "warning", 5)),
    (routed(PAGER.replace("]}", "], group_wait: 0s}")), ("notification-flood", "warning", 5)),
    (routed(PAGER.replace("]}", "], group_by: []}")), ("notification-flood", "info", 5)),
    (routed(PAGER.replace("]}", "], repeat_interval: 61m}")), ("repeat-interval", "info", 5)),
    (routed(PAGER.replace("]}", "], group_interval: 5h}")), ("repeat-interval", "warning", 5)),
    (routed(PAGER.replace("]}", "], group_interval: 1h}")), None),
    # Inhibition.
    (routed(PAGER, "inhibit_rules: [{target_matchers: [a=b]}]\n"), ("wide-inhibition", "info", 6)),
    (routed(PAGER, "inhibit_rules: [{source_matchers: [a=b]}]\n"), ("wide-inhibition", "warning", 6)),
    (routed(PAGER, "inhibit_rules: [{}]\n"), ("idle-inhibition", "error", 6)),
    (
        routed(PAGER, "inhibit_rules: [{source_matchers: [a=b], target_matchers: [a=b]}]\n"),
        ("idle-inhibition", "error", 6),
    ),
    (
        routed(PAGER, "inhibit_rules: [{source_matchers: [a=b, a=c], target_matchers: [a=d]}]\n"),
        ("idle-inhibition", "error", 6),
    ),
    (
        routed(PAGER, "inhibit_rules: [{source_matchers: [a=b], target_matchers: ['a=~b|c']}]\n"),
        ("wide-inhibition", "info", 6),
    ),
    (routed(PAGER, "inhibit_rules: [{source_matchers: [a=b], target_matchers: [a=c]}]\n"), None),
    # With alerts.
    (routed(PAGER, alerts=ALERTS), None),
    (
        routed("- {receiver: pager, matchers: ['severity=~page|warning']}", alerts=ALERTS),
        ("unrouted-page", "warning", 2),
    ),
    (routed(f"{PAGER}\n- {{matchers: [team=shopp]}}", alerts=ALERTS), ("matchers-without-alerts", "warning", 6)),
    (routed(f"{PAGER}\n- {{matchers: [team=other]}}", alerts=ALERTS), ("matchers-without-alerts", "info", 6)),
    (routed(f"{PAGER}\n- {{matchers: [job=x]}}", alerts=ALERTS), ("matchers-without-alerts", "info", 6)),
    (routed(f"{PAGER}\n- {{matchers: [about=x]}}", alerts=ALERTS), None),
    (routed(f"{PAGER}\n- {{matchers: [service=x]}}", alerts=ALERTS), None),
    (routed(f"{PAGER}\n- {{matchers: [cluster=x]}}", alerts=ALERTS), None),
    (routed(f"{PAGER}\n- {{matchers: [alertname=ShopQueue]}}", alerts=ALERTS), None),
    (routed(PAGER.replace("]}", "], group_by: [job]}"), alerts=ALERTS), ("group-by-absent-label", "warning", 5)),
    (routed(PAGER.replace("]}", "], group_by: [about]}"), alerts=ALERTS), ("group-by-absent-label", "warning", 5)),
    (routed(PAGER.replace("]}", "], group_by: [cluster, team]}"), alerts=ALERTS), None),
]  # fmt: skip
EQUAL = "inhibit_rules: [{source_matchers: [severity=critical], target_matchers: [severity=warning], equal: [%s]}]\n"
CASES += [
    (routed(PAGER, EQUAL % "job", ALERTS), ("equal-absent-label", "warning", 6)),
    (routed(PAGER, EQUAL % "service, job", ALERTS), ("equal-absent-label", "warning", 6)),
    (routed(PAGER, EQUAL % "about", ALERTS), None),  # one side has it
    (routed(PAGER, EQUAL % "service, cluster, team", ALERTS), None),
    (routed(PAGER, EQUAL.replace("warning", "warnin") % "service", ALERTS), ("matchers-without-alerts", "warning", 6)),
]


@pytest.mark.parametrize(("given", "expected"), CASES)
def test_a_configuration_has_this_finding_and_no_other(
    tmp_path: Path, given: tuple[str, str], expected: tuple[str, str, int] | None
) -> None:
    configuration, alerts = given
    assert [one[:3] for one in found(tmp_path, configuration, alerts)] == ([expected] if expected else [])


def test_findings_stand_where_the_words_are(tmp_path: Path) -> None:
    configuration, alerts = routed(
        f"{PAGER}\n- receiver: pager\n  matchers: [team=shop, job=x]\n  group_by: [alertname, job]\n  group_wait: 0s",
        alerts=ALERTS,
    )
    assert found(tmp_path, configuration, alerts) == [
        ("matchers-without-alerts", "info", 7, "job=x"),
        ("notification-flood", "warning", 9, "0s"),
    ]


def test_a_resource_of_the_operator_is_linted_too(tmp_path: Path) -> None:
    text = """\
apiVersion: monitoring.coreos.com/v1alpha1
kind: AlertmanagerConfig
metadata: {name: shop, namespace: shop}
spec:
  route:
    receiver: pager
    groupBy: [alertname, job]
    routes:
      - matchers: [{name: severity, value: critical}]
        repeatInterval: 10m
      - matchers: [{name: severity, value: critical}, {name: team, value: a}]
  receivers: [{name: pager}, {name: mail}]
"""
    assert found(tmp_path, text) == [
        ("notification-flood", "warning", 10, "10m"),
        ("unreachable-route", "error", 11, "matchers: [{name: severity, value: critical}, {name: team, value: a}]"),
        ("unused-receiver", "warning", 12, "mail"),
    ]


def test_a_finding_on_a_route_can_be_allowed(tmp_path: Path) -> None:
    allowed = "# tocsin: allow noise/notification-flood -- a hook for machines\n"
    configuration, _ = routed(f"{allowed}- {{receiver: pager, matchers: [severity=critical], repeat_interval: 1m}}")
    assert found(tmp_path, configuration) == [("repeat-interval", "warning", 6, "1m")]


# --- claims, against the simulated Alertmanager -----------------------------------------------------------------------

LABELS, VALUES = ("a", "b"), ("", "x", "y", "z")
PATTERNS = ("x|y", "(x|z)", ".*", ".+", "x.*", "", "x|", "^y$", "[xy]")
EVERY: list[Labels] = [from_mapping(dict(zip(LABELS, pair, strict=True))) for pair in product(VALUES, repeat=2)]


@st.composite
def matchers(draw: st.DrawFn) -> Matcher:
    op = draw(st.sampled_from(("=", "!=", "=~", "!~")))
    return Matcher(draw(st.sampled_from(LABELS)), op, draw(st.sampled_from(PATTERNS if "~" in op else VALUES)))  # type: ignore[arg-type]


sides = st.lists(matchers(), max_size=3).map(tuple)


def routes(depth: int) -> st.SearchStrategy[Route]:
    below = st.lists(routes(depth - 1), max_size=3).map(tuple) if depth else st.just(())
    return st.builds(lambda own, inner, go: Route("r", own, routes=inner, continue_=go), sides, below, st.booleans())


roots = st.lists(routes(2), min_size=1, max_size=4).map(lambda below: Route("r", routes=tuple(below)))


@given(sides, sides)
def test_what_matchers_imply_holds_for_every_alert(one: tuple[Matcher, ...], other: tuple[Matcher, ...]) -> None:
    first, second = predicate(one), predicate(other)
    if implies(one, other):
        assert all(second(labels) for labels in EVERY if first(labels))
    if contradiction(one):
        assert not any(map(first, EVERY))


@given(sides)
def test_only_texts_are_listed(one: tuple[Matcher, ...]) -> None:
    for matcher in one:
        listed = texts(matcher.value)
        if listed is not None:
            accepts = predicate([Matcher("a", "=~", matcher.value)])
            assert {value for value in VALUES if accepts(from_mapping({"a": value}))} == listed & set(VALUES)


@given(roots, st.sampled_from(EVERY))
def test_an_alert_whose_labels_are_known_reaches_the_routes_of_alertmanager(root: Route, labels: Labels) -> None:
    known = NOTHING
    for name, value in labels:
        known = known.have(name, value)
    numbers = {id(route): index for index, route in enumerate(root.walk())}
    expected = [node.index for node in grow(root, Release.CURRENT).match(labels)]
    assert sorted({numbers[id(route)] for route in reached(root, known)}) == sorted(expected)


@given(roots, st.sampled_from(EVERY))
def test_an_alert_with_unknown_labels_may_reach_them_all(root: Route, labels: Labels) -> None:
    values = dict(labels)
    known = Flow(ALL).have("a", values["a"]) if "a" in values else Flow(ALL).drop("a")
    numbers = {id(route): index for index, route in enumerate(root.walk())}
    expected = {node.index for node in grow(root, Release.CURRENT).match(labels)}
    assert expected <= {numbers[id(route)] for route in reached(root, known)}


@given(sides, st.sampled_from(EVERY))
def test_what_can_and_what_must_match(own: tuple[Matcher, ...], labels: Labels) -> None:
    values = dict(labels)
    unknown = Flow(ALL).have("a", values["a"]) if "a" in values else Flow(ALL).drop("a")
    if predicate(own)(labels):
        assert can_match(own, unknown)
    if surely_matches(own, unknown):
        assert predicate(own)(labels)


@given(roots)
def test_no_alert_takes_a_route_that_is_called_unreachable(root: Route) -> None:
    problems = Problems()
    text = print_routing(Routing(root, {"r": {}}))
    routing = read_routing(Source("am.yml", text), problems)
    assert routing is not None
    tree = grow(routing.root, Release.CURRENT)
    taken = {node.index for labels in EVERY for node in tree.match(labels)}
    everything = list(routing.root.walk())
    for finding in unreachable_route(Routed(routing, (), Settings())):
        (index,) = [i for i, one in enumerate(everything) if i and one.places["whole"].start == finding.span.start]
        below = {id(one) for one in everything[index].walk()}
        assert not taken & {i for i, one in enumerate(everything) if id(one) in below}


def ranges(first: int, last: int) -> st.SearchStrategy[tuple[tuple[int, int], ...] | None]:
    pairs = st.tuples(st.integers(first, last), st.integers(first, last)).filter(lambda pair: pair[0] <= pair[1])
    return st.none() | st.lists(pairs, min_size=1, max_size=2).map(tuple)


DAYS = st.none() | st.sampled_from([((29, 31),), ((31, 31),), ((-1, -1),), ((-31, -30),), ((30, -1),), ((5, -28),)])
YEAR = 2023


@given(st.builds(TimeInterval, st.none(), ranges(0, 6), DAYS, ranges(1, 12), st.sampled_from([((YEAR, YEAR),)])))
def test_an_interval_never_comes_where_no_day_of_its_year_is_in_it(interval: TimeInterval) -> None:
    start, end = 1_672_531_200_000, 1_704_067_199_999  # the year 2023
    text = print_routing(Routing(Route("r", group_by=("a",)), {"r": {}}, (), {"n": (interval,)}))
    routing = read_routing(Source("am.yml", text), Problems())
    if routing is None:
        return  # a range that Alertmanager refuses
    never = list(interval_never(Routed(routing, (), Settings())))
    assert bool(never) is not bool(len(contained(interval, start, end).starts))
