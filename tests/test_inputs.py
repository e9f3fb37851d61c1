"""What `tocsin check` reads: every kind of document told by its content, however it is wrapped, with its places."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest
import yaml

from tocsin.diagnostics import Problem, Problems, Severity, render
from tocsin.pipeline.inputs import Inputs, read_inputs
from tocsin.promql.ast import Matcher
from tocsin.routing import InhibitRule, Route, TimeInterval

CRD = Path(__file__).parent.parent.parent / "shared/corpus/crd/0alertmanagerConfigCustomResourceDefinition.yaml"


def read(folder: Path, text: str, name: str = "x.yaml") -> tuple[Inputs, list[Problem]]:
    """What a file holds that was given on the command line."""
    (folder / name).write_text(text)
    problems = Problems()
    inputs = read_inputs([folder / name], None, problems)
    return inputs, list(problems)


def said(problems: list[Problem]) -> list[tuple[str, int, str]]:
    return [(problem.code, problem.span.line, problem.span.text) for problem in problems]


RULES = "groups:\n- name: a\n  rules:\n  - alert: Down\n    expr: up == nope(0)\n"
RESOURCE = dedent("""\
    apiVersion: monitoring.coreos.com/v1
    kind: PrometheusRule
    metadata: {name: x}
    spec:
    """) + indent(RULES, "  ")
SPEC = "spec:\n" + indent(RULES, "  ")
OTHER = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {template: {}}\n"
ALERTMANAGER = "route: {receiver: a, group_by: [job, job]}\nreceivers: [{name: a}]\n"


def config_map(text: str, kind: str = "ConfigMap", key: str = "data") -> str:
    return f"apiVersion: v1\nkind: {kind}\n{key}:\n  other: 'true'\n  alerts.yaml: |\n{indent(text, '    ')}"


def item(text: str) -> str:
    """An item of a list."""
    return "- " + indent(text, "  ").lstrip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (RULES, ("promql/unknown-function", 5, "nope")),
        (RESOURCE, ("promql/unknown-function", 9, "nope")),
        (f"---\n{OTHER}---\n# Source: chart/x.yaml\n---\n{RESOURCE}", ("promql/unknown-function", 17, "nope")),
        (f"apiVersion: v1\nkind: List\nitems:\n{item(RESOURCE)}", ("promql/unknown-function", 12, "nope")),
        (f"apiVersion: x/v1\nkind: PrometheusRuleList\nitems:\n{item(SPEC)}", ("promql/unknown-function", 9, "nope")),
        (config_map(RULES), ("promql/unknown-function", 10, "nope")),
        (config_map(RULES, "Secret", "stringData"), ("promql/unknown-function", 10, "nope")),
        (config_map(ALERTMANAGER, "Secret", "stringData"), ("alertmanager/duplicate", 6, "job")),
        (ALERTMANAGER, ("alertmanager/duplicate", 1, "job")),
        (json.dumps(yaml.safe_load(RESOURCE), indent=2), ("promql/unknown-function", 14, "nope")),
        (f"{config_map('groups: [')}", ("yaml/syntax", 6, "[")),
    ],
)  # fmt: skip
def test_a_fault_is_found_in_whatever_holds_it(tmp_path: Path, text: str, expected: tuple[str, int, str]) -> None:
    assert said(read(tmp_path, text)[1]) == [expected]


def test_a_text_in_a_config_map_may_be_quoted_with_escapes(tmp_path: Path) -> None:
    text = f"apiVersion: v1\nkind: ConfigMap\ndata: {{x: {json.dumps(RULES)}}}\n"
    ((code, line, marked),) = said(read(tmp_path, text)[1])
    assert (code, line, marked) == ("promql/unknown-function", 3, "nope")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OTHER, [("input/nothing", Severity.INFO)]),
        (OTHER + "---\n" + RULES.replace("nope(0)", "0"), [("rules/second-document", Severity.WARNING)]),
        (OTHER + "---\n" + RESOURCE.replace("nope(0)", "0"), []),
        (config_map("apiVersion: 1\ngroups: [{orgId: 1, name: x}]\n"), [("input/nothing", Severity.INFO)]),
        (OTHER + "---\ncolour: red\n", [("input/unknown", Severity.ERROR)]),
        ("---\n---\n", [("input/empty", Severity.ERROR)]),
        ("# only words\n", [("input/empty", Severity.ERROR)]),
        ("{{- if .Values.rules }}\ngroups: []\n{{- end }}\n", [("yaml/syntax", Severity.ERROR)]),
    ],
)
def test_what_is_said_of_what_is_not_read(tmp_path: Path, text: str, expected: list[tuple[str, Severity]]) -> None:
    assert [(problem.code, problem.severity) for problem in read(tmp_path, text)[1]] == expected


def test_a_template_of_helm_is_told_from_what_helm_makes_of_it(tmp_path: Path) -> None:
    (problem,) = read(tmp_path, "groups:\n{{- range .Values.groups }}\n- name: {{ .name }}\n{{- end }}\n")[1]
    assert "helm template" in problem.help


def test_of_json_in_a_folder_only_what_is_about_alerts_is_read(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"a": [1, 2')
    (tmp_path / "kinds.json").write_text('{"kind": "x", "values": []}')
    (tmp_path / "big.json").write_text('{"a": 1}' * 2_000_000)
    (tmp_path / "rules.json").write_text(json.dumps(yaml.safe_load(RESOURCE)))
    problems = Problems()
    read_inputs([tmp_path], None, problems)
    assert [(Path(problem.span.source.path).name, problem.code) for problem in problems] == [
        ("rules.json", "promql/unknown-function")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "route: {receiver: a}\nreceivers:\n- name: a\n  slack_configs: [{api_url: hunter2, api_url: hunter2}]\n",
        "route: {receiver: a}\nreceivers:\n- name: a\n  slack_configs: [{api_url: hunter2\n",
        config_map(ALERTMANAGER + "global: {slack_api_url: hunter2, x: 1}\n", "Secret", "stringData"),
        "apiVersion: v1\nkind: Secret\nstringData: {password: hunter2, password: hunter2}\n",
        "- kind: Secret\n  stringData: {password: hunter2\n",
    ],
)
def test_no_problem_of_any_document_shows_a_secret(tmp_path: Path, text: str) -> None:
    problems = read(tmp_path, text)[1]
    assert problems
    assert "hunter2" not in "\n".join(map(render, problems))


def test_a_fault_behind_an_alias_is_told_once_and_where_it_is_written(tmp_path: Path) -> None:
    text = dedent("""\
        groups:
          - name: a
            rules:
              - &down
                alert: Down
                expr: &expr up == nope(0)
                labels: &labels {a-b: c}
              - {alert: Other, expr: *expr, labels: *labels}
              - <<: *down
                alert: Third
          - name: b
            rules: [*down]
        """)
    inputs, problems = read(tmp_path, text)
    assert said(problems) == [("promql/unknown-function", 6, "nope"), ("rules/name", 7, "a-b")]
    assert [len(group.rules) for group in inputs.groups] == [0, 0]


# --- AlertmanagerConfig -----------------------------------------------------------------------------------------------

ALERTMANAGER_CONFIG = """\
apiVersion: monitoring.coreos.com/v1alpha1
kind: AlertmanagerConfig
metadata: {name: shop, namespace: shop}
spec:
  route:
    receiver: mail
    groupBy: [job]
    groupWait: 30s
    groupInterval: 5m
    repeatInterval: 4h
    routes:
      - receiver: pager
        matchers:
          - {name: severity, value: page}
          - {name: team, value: a|b, matchType: =~}
          - {name: zone, value: 'x"y', matchType: '!='}
          - {name: old, value: 'c.*', regex: true}
        continue: true
        muteTimeIntervals: [nights]
        activeTimeIntervals: [nights]
  receivers:
    - name: pager
      pagerdutyConfigs: [{sendResolved: false, routingKey: {name: keys, key: pager}}]
    - name: mail
      emailConfigs: [{to: a@example.org}]
  inhibitRules:
    - sourceMatch: [{name: severity, value: page}]
      targetMatch: [{name: severity, value: ticket, matchType: =}]
      equal: [job]
  muteTimeIntervals:
    - name: nights
      timeIntervals:
        - times: [{startTime: '00:00', endTime: '06:00'}]
          weekdays: ['monday:friday']
          daysOfMonth: [{start: 1, end: 5}, {start: -1}]
          months: ['january:march']
          years: ['2030']
"""


def test_an_alertmanager_config_is_read_as_the_operator_translates_it(tmp_path: Path) -> None:
    inputs, problems = read(tmp_path, ALERTMANAGER_CONFIG)
    assert problems == []
    (routing,) = inputs.routings
    here = Matcher("namespace", "=", "shop")
    matchers = (Matcher("severity", "=", "page"), Matcher("team", "=~", "a|b"), Matcher("zone", "!=", 'x"y'))
    pager = Route(
        "pager",
        (*matchers, Matcher("old", "=~", "c.*")),
        continue_=True,
        mute_time_intervals=("nights",),
        active_time_intervals=("nights",),
    )
    top = Route("mail", (here,), ("job",), 30_000, 300_000, 14_400_000, (pager,), continue_=True)
    assert routing.root == Route("", routes=(top,))
    assert routing.receivers == {
        "pager": {"pagerduty_configs": [{"send_resolved": False}]},
        "mail": {"email_configs": [{}]},
    }
    source, target = (Matcher("severity", "=", value) for value in ("page", "ticket"))
    assert routing.inhibit_rules == (InhibitRule((source, here), (target, here), ("job",)),)
    nights = TimeInterval(((0, 360),), ((1, 5),), ((1, 5), (-1, -1)), ((1, 3),), ((2030, 2030),))
    assert routing.time_intervals == {"nights": (nights,)}
    places = [pager.places["matchers"] for pager in routing.root.routes[0].routes]
    assert (places[0].line, routing.places["receivers.mail"].line) == (14, 24)


def test_the_newer_version_has_another_name_for_time_intervals(tmp_path: Path) -> None:
    newer = ALERTMANAGER_CONFIG.replace("v1alpha1", "v1beta1")
    ((code, line, marked),) = said(read(tmp_path, newer)[1])[:1]
    assert (code, line, marked) == ("alertmanager/undefined", 19, "nights")
    again = newer.replace("\n  muteTimeIntervals", "\n  timeIntervals")
    assert read(tmp_path, again)[1] == []


FAULTS = [
    ("receiver: mail", "receiver: mial", "undefined", "mial", "did you mean `mail`?"),
    ("    receiver: mail\n", "", "missing", "", "needs a `receiver`"),
    ("groupBy: [job]", "group_by: [job]", "unknown-key", "group_by", "did you mean `groupBy`?"),
    ("groupBy: [job]", "groupBy: [job, job]", "duplicate", "job", "in `groupBy`"),
    ("groupInterval: 5m", "groupInterval: 0s", "duration", "0s", "`groupInterval` cannot be zero"),
    ("groupWait: 30s", "groupWait: 30", "duration", "30", "not a duration"),
    ("value: page}\n", "value: 5}\n", "shape", "5", '`value: "5"`'),
    ("matchType: =~", "matchType: ==", "matcher", "==", "`==` is no `matchType`"),
    ("value: a|b", "value: 'a|('", "regex", "'", "not a regular expression"),
    ("{name: severity, value: page}\n", "{value: page}\n", "matcher", "", "needs a `name`"),
    ("muteTimeIntervals: [nights]", "muteTimeIntervals: [night]", "undefined", "night", "did you mean `nights`?"),
    ("- name: mail", "- name: pager", "duplicate", "", "stands twice"),
    ("emailConfigs: [{to: a@example.org}]", "emailConfigs: [to]", "shape", "to", "is no mapping"),
    ("emailConfigs:", "mailConfigs:", "unknown-key", "mailConfigs", "did you mean `emailConfigs`?"),
    ("endTime: '06:00'", "endTime: '6:00'", "time", "'6:00'", "no time of day"),
    ("end: 5}", "end: 50}", "range", "{start: 1, end: 50}", "`daysOfMonth`"),
    ("weekdays: ['monday:friday']", "weekdays: ['mon']", "range", "'mon'", "no day of the week"),
    ("sourceMatch:", "sourceMatchers:", "unknown-key", "sourceMatchers", "did you mean `sourceMatch`?"),
    ("spec:\n", "specs:\n", "missing", "", "needs a `spec`"),
]


@pytest.mark.parametrize(("old", "new", "code", "marked", "told"), FAULTS)
def test_a_fault_of_an_alertmanager_config_has_its_place_and_its_words(
    tmp_path: Path, old: str, new: str, code: str, marked: str, told: str
) -> None:
    assert old in ALERTMANAGER_CONFIG
    inputs, problems = read(tmp_path, ALERTMANAGER_CONFIG.replace(old, new, 1))
    assert inputs.routings == []
    problem = next(problem for problem in problems if problem.code == f"alertmanager/{code}")
    assert problem.span.text.startswith(marked)
    assert told in f"{problem.message} {problem.help}"


def test_every_field_of_the_resources_definition_is_known(tmp_path: Path) -> None:
    """The definition of the resource, but for the fields of single integrations."""
    if not CRD.is_file():
        pytest.skip("need the folder shared/corpus/crd")
    version = yaml.load(CRD.read_text(), Loader=yaml.BaseLoader)["spec"]["versions"][0]
    properties = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    body = _example(properties)
    body["route"] = _example(properties["route"]["properties"]) | {"receiver": "1", "routes": []}
    text = {"apiVersion": f"monitoring.coreos.com/{version['name']}", "kind": "AlertmanagerConfig", "spec": body}
    problems = read(tmp_path, json.dumps(text))[1]
    assert [problem.message for problem in problems if problem.code == "alertmanager/unknown-key"] == []


def _example(properties: Any) -> dict[str, Any]:
    """A value for each property; integrations are empty."""
    found: dict[str, Any] = {}
    for name, schema in properties.items():
        items = schema.get("items", {})
        inner = schema.get("properties") or items.get("properties")
        below = _example(inner) if inner and not name.endswith("Configs") else {}
        found[name] = below if "properties" in schema else [below or {}] if "properties" in items else "1"
    return found
