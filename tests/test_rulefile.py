"""Rule files and PrometheusRule resources: what is read, what is refused and where, and what promtool says of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tocsin.diagnostics import Problem, ProblemError, Problems, Source
from tocsin.document import parse_documents
from tocsin.promql.print import print_expr
from tocsin.rulefile import is_rule_file, print_groups, read_groups
from tocsin.rules import AlertingRule, RecordingRule, RuleGroup, place

CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpus"


def read(text: str) -> tuple[tuple[RuleGroup, ...], list[Problem]]:
    problems = Problems()
    groups: tuple[RuleGroup, ...] = ()
    for node in parse_documents(Source("rules.yaml", text), problems):
        groups += read_groups(node, problems)
    return groups, list(problems)


def accepts(text: str) -> bool:
    try:
        return not read(text)[1]
    except ProblemError:
        return False


FILE = """\
groups:
  - name: checkout
    interval: 30s
    query_offset: 1m
    limit: 10
    labels: {team: payments, tier: "1"}
    rules:
      - record: job:errors:rate5m
        expr: sum by (job) (rate(errors_total[5m]))
        labels: {tier: "2"}
      - alert: ErrorsHigh
        expr: |
          job:errors:rate5m
            > 10
        for: 1h30m
        keep_firing_for: 5m
        labels:
          severity: page
        annotations:
          summary: 'It''s {{ $value }}'
          lines: |
            one
            two
  - name: second
"""


def test_a_rule_file_is_read() -> None:
    groups, problems = read(FILE)
    assert problems == []
    first, second = groups
    assert (first.name, first.interval, first.query_offset, first.limit) == ("checkout", 30_000, 60_000, 10)
    assert (second.name, second.interval, second.query_offset, second.limit) == ("second", None, None, 0)
    assert second.rules == ()
    recording, alerting = first.rules
    assert isinstance(recording, RecordingRule)
    assert isinstance(alerting, AlertingRule)
    assert (alerting.name, alerting.for_, alerting.keep_firing_for) == ("ErrorsHigh", 5_400_000, 300_000)
    assert print_expr(alerting.expr) == "job:errors:rate5m > 10"
    assert alerting.annotations == {"summary": "It's {{ $value }}", "lines": "one\ntwo\n"}


def test_labels_of_a_group_are_merged_into_its_rules_which_win() -> None:
    recording, alerting = read(FILE)[0][0].rules
    assert recording.labels == {"team": "payments", "tier": "2"}
    assert alerting.labels == {"team": "payments", "tier": "1", "severity": "page"}


def test_every_part_of_a_rule_knows_its_place() -> None:
    alerting = read(FILE)[0][0].rules[1]
    assert isinstance(alerting, AlertingRule)
    places = {
        "alert": (11, 16, "ErrorsHigh"),
        "for": (15, 14, "1h30m"),
        "labels.severity": (18, 21, "page"),
        "annotations.summary": (20, 20, "'It''s {{ $value }}'"),
    }
    for part, expected in places.items():
        span = place(alerting, part)
        assert (span.line, span.column, span.text) == expected
    assert (place(alerting, "rule").line, place(alerting, "nothing", "rule").last_line) == (11, 23)
    written = alerting.expr.span
    assert written is not None
    assert (written.line, written.column, written.last_line) == (13, 11, 14)


def test_groups_survive_being_printed_and_read() -> None:
    groups, _ = read(FILE)
    again, problems = read(print_groups(groups))
    assert problems == []
    assert again == groups
    assert print_groups(again) == print_groups(groups)


def test_text_that_yaml_would_take_for_something_else_survives() -> None:
    text = "groups: [{name: 'yes', rules: [{alert: '1', expr: '1', labels: {a: 'null', b: '0x1', c: '~', d: ' '}}]}]"
    groups, problems = read(text)
    assert problems == []
    assert read(print_groups(groups))[0] == groups


RESOURCE = """\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: checkout
  namespace: shop
spec:
  groups:
    - name: checkout
      rules:
        - {alert: Down, expr: up == 0}
        - {alert: Broken, expr: up ==}
"""


def test_a_prometheus_rule_is_read() -> None:
    groups, problems = read(RESOURCE)
    assert [rule.name for rule in groups[0].rules] == ["Down"]
    assert [(problem.code, problem.span.line) for problem in problems] == [("promql/syntax", 11)]
    assert is_rule_file(parse_documents(Source("x", RESOURCE), Problems())[0])


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("groups: []", True),
        ("kind: PrometheusRule", True),
        ("kind: ConfigMap\ndata: {}", False),
        ("- groups", False),
        ("groups", False),
        ("service: x", False),
    ],
)
def test_a_rule_file_is_told_by_its_content(text: str, answer: bool) -> None:
    assert is_rule_file(parse_documents(Source("x", text), Problems())[0]) is answer


@pytest.mark.parametrize("text", ["kind: PrometheusRule\nspec: {}", "groups:", "groups: []", "{}"])
def test_no_groups_are_no_fault_in_a_rule_file(text: str) -> None:
    assert read(text) == ((), [])


FAULTS = [
    # text, code, line, column, what the problem points at, part of its message or help
    ("groups:\n  - name: a\n    rulez: []", "rules/unknown-key", 3, 5, "rulez", "did you mean `rules`?"),
    ("kind: PrometheusRule", "rules/missing", 1, 1, "kind: PrometheusRule", "needs a `spec`"),
    ("group: []", "rules/unknown-key", 1, 1, "group", "did you mean `groups`?"),
    ("groups: 5", "rules/shape", 1, 9, "5", "expected a list of groups"),
    ("groups: [5]", "rules/shape", 1, 10, "5", "expected a group"),
    ("groups: [{rules: []}]", "rules/missing", 1, 10, "{rules: []}", "needs a `name`"),
    ("groups: [{name: ''}]", "rules/missing", 1, 17, "''", "needs a `name`"),
    ("groups: [{name: }]", "rules/missing", 1, 10, "{name: }", "needs a `name`"),
    ("groups: [{name: a}, {name: a}]", "rules/duplicate-group", 1, 28, "a", "twice"),
    ("groups: [{name: a, interval: 5}]", "rules/duration", 1, 30, "5", "not a duration"),
    ("groups: [{name: a, limit: many}]", "rules/limit", 1, 27, "many", "whole number"),
    ("groups: [{name: a, limit: 99999999999999999999}]", "rules/limit", 1, 27, "99999999999999999999", "whole number"),
    ("groups: [{name: a, limit: -5}]", "rules/no-limit", 1, 27, "-5", "takes what is below 1 for no limit"),
    ("groups: [{name: a, rules: 5}]", "rules/shape", 1, 27, "5", "list of rules"),
]
RULE = "groups:\n  - name: a\n    rules:\n      - "
RULE_FAULTS = [
    ("{alert: A, expr: up, sevrity: x, for: 1m}", "rules/unknown-key", 22, "sevrity", ""),
    ("{alert: A, expr: up, annotation: {}}", "rules/unknown-key", 22, "annotation", "did you mean `annotations`?"),
    ("{alert: A, record: b, expr: up}", "rules/kind", 1, "{alert: A, record: b, expr: up}", "either"),
    ("{expr: up}", "rules/kind", 1, "{expr: up}", "either"),
    ("{alert: '', expr: up}", "rules/kind", 1, "{alert: '', expr: up}", "either"),
    ("{alert: A}", "rules/missing", 1, "{alert: A}", "needs an `expr`"),
    ("{alert: A, expr: ' '}", "rules/missing", 18, "' '", "needs an `expr`"),
    ("{alert: A, expr: [up]}", "rules/shape", 18, "[up]", "expected text for `expr`"),
    ("{alert: A, expr: up, for: 5 minutes}", "rules/duration", 27, "5 minutes", "not a duration"),
    ("{alert: A, expr: up, keep_firing_for: -5m}", "rules/duration", 39, "-5m", "not a duration"),
    ("{alert: A, expr: up, labels: {a-b: c}}", "rules/name", 31, "a-b", "a-b"),
    ("{alert: A, expr: up, labels: {__name__: c}}", "rules/name", 31, "__name__", "__name__"),
    ("{alert: A, expr: up, annotations: {a-b: c}}", "rules/name", 36, "a-b", "a-b"),
    ("{alert: A, expr: up, labels: {a: [b]}}", "rules/shape", 34, "[b]", "expected text for `a`"),
    ("{alert: A, expr: up, labels: 3}", "rules/shape", 30, "3", "labels"),
    ("{alert: A, expr: up, labels: {a: 'x {{ $valu }}'}}", "rules/template", 40, "$valu", 'undefined variable "$valu"'),
    ("{alert: A, expr: up, annotations: {a: '{{ if }}x'}}", "rules/template", 46, "}}", "missing value for if"),
    ("{record: a-b, expr: up}", "rules/name", 10, "a-b", "not a metric name"),
    ("{record: a, expr: up, for: 5m}", "rules/kind", 28, "5m", "no `for`"),
    ("{record: a, expr: up, keep_firing_for: 5m}", "rules/kind", 40, "5m", "no `keep_firing_for`"),
    ("{record: a, expr: up, annotations: {a: b}}", "rules/kind", 36, "{a: b}", "no `annotations`"),
    ("{alert: A, expr: 'up[5m]'}", "promql/type", 19, "up[5m]", "range vector"),
    ("{alert: A, expr: '\"x\"'}", "promql/type", 19, '"x"', "string"),
    ("{alert: A, alert: B, expr: up}", "yaml/duplicate-key", 12, "alert", "twice"),
]


@pytest.mark.parametrize(("text", "code", "line", "column", "marked", "said"), FAULTS)
def test_a_fault_of_a_file_has_its_place(text: str, code: str, line: int, column: int, marked: str, said: str) -> None:
    (problem,) = read(text)[1]
    assert (problem.code, problem.span.line, problem.span.column, problem.span.text) == (code, line, column, marked)
    assert said in f"{problem.message} {problem.help}"


@pytest.mark.parametrize(("rule", "code", "column", "marked", "said"), RULE_FAULTS)
def test_a_fault_of_a_rule_has_its_place(rule: str, code: str, column: int, marked: str, said: str) -> None:
    (problem,) = read(RULE + rule)[1]
    assert (problem.code, problem.span.line, problem.span.column, problem.span.text) == (code, 4, column + 8, marked)
    assert said in f"{problem.message} {problem.help}"


def test_all_faults_are_told_in_one_run_and_the_rest_is_read() -> None:
    text = "\n".join(f"      - {rule}" for rule, *_ in RULE_FAULTS)
    groups, problems = read(f"groups:\n  - name: a\n    rules:\n{text}\n      - {{alert: Good, expr: up == 0}}\n")
    assert {problem.span.line for problem in problems} == set(range(4, 4 + len(RULE_FAULTS)))
    assert groups[0].rules[-1].name == "Good"


@pytest.mark.parametrize(
    ("expr", "line", "column"),
    [
        ("sum(rate(x_total[5m])) by (job >", 4, 0),
        ("|\n          sum(\n            rate(x_total[5x])\n          )", 6, 26),
        (">-\n          sum(x) >\n          nothing(y)", 6, 11),
    ],
)
def test_a_fault_in_an_expression_lands_on_its_line(expr: str, line: int, column: int) -> None:
    (problem,) = read(f"{RULE}expr: {expr}\n        alert: A\n")[1]
    assert problem.code.startswith("promql/")
    assert problem.span.line == line
    assert not column or problem.span.column == column


# --- the reference ----------------------------------------------------------------------------------------------------

ONE = "groups: [{{name: g, rules: [{}]}}]"
AGREED = [
    *(
        ONE.format(rule)
        for rule in (
            "{alert: A, expr: up == 0}",
            "{record: 'a:b', expr: up}",
            "{alert: A, expr: up, for: 0}",
            "{alert: A, expr: up, for: }",
            "{alert: A, expr: up, for: 1.5m}",
            "{alert: A, expr: up, for: ''}",
            "{alert: A, expr: up, for: 30s5m}",
            "{alert: A, expr: up, for: 1d2h}",
            "{alert: A, expr: up, labels: {'': c}}",
            "{alert: A, expr: up, labels: {a: 1, b: true, c: }}",
            "{alert: A, expr: up, labels: }",
            "{alert: A, expr: up, annotations: {__name__: c}}",
            "{record: 'a b', expr: up}",
            "{record: a, expr: up, labels: {a: b}}",
            "{record: a, expr: up, labels: {__name__: b}}",
            "{alert: A, expr: 'up =='}",
            "{alert: A, expr: 'rate(up)'}",
            "{alert: A, expr: 1}",
            "{alert: A, expr: foo(up)}",
            "{alert: A, expr: 'up{a=~\"(\"}'}",
            "{alert: A, expr: 'sum(up) by (a, a)'}",
            "{alert: A, expr: '{}'}",
            "{alert: A, expr: 'up and 1'}",
            "{alert: A, expr: '1 > 2'}",
            "{alert: A, expr: '-\"a\"'}",
            "{alert: 'A b', expr: up}",
            "{alert: 5, expr: up}",
            "{alert: [A], expr: up}",
            "{alert: '', record: b, expr: up}",
            "5",
            "[]",
        )
    ),
    *(ONE.format(rule) for rule, code, *_ in RULE_FAULTS if code != "promql/type"),
    *(text for text, code, *_ in FAULTS if code != "rules/no-limit"),
    "",
    "{}",
    "groups:",
    "groups: [{name: 5}]",
    "groups: [{name: a, limit: 5.0}]",
    "groups: [{name: a, limit: }]",
    "groups: [{name: a, limit: '5'}]",
    "groups: [{name: a, limit: 0x5}]",
    "groups: [{name: a, interval: }]",
    "groups: [{name: a, interval: 0s}]",
    "groups: []\nfoo: 5",
    "- a",
]


@pytest.mark.live("promtool")
@pytest.mark.parametrize("text", AGREED)
def test_promtool_accepts_and_refuses_the_same(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(text + "\n")
    done = subprocess.run(["promtool", "check", "rules", "--lint=none", str(file)], capture_output=True, check=False)
    assert accepts(text) is (done.returncode == 0), done.stderr.decode()


@pytest.mark.live("promtool")
def test_promtool_loads_what_is_printed(tmp_path: Path) -> None:
    plain = FILE.replace("    query_offset: 1m\n", "").replace("        keep_firing_for: 5m\n", "")
    file = tmp_path / "rules.yaml"
    file.write_text(print_groups(read(plain)[0]))
    done = subprocess.run(
        ["promtool", "check", "rules", "--lint=none", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "2 rules found" in done.stdout


@pytest.mark.parametrize("folder", ["kube-prometheus", "awesome-prometheus-alerts"])
def test_rules_that_are_in_use_are_read_and_printed(folder: str) -> None:
    if not (CORPUS / folder).is_dir():
        pytest.skip(f"need the folder shared/corpus/{folder}")
    files = sorted((CORPUS / folder).rglob("*.y*ml"))
    assert files
    for file in files:
        groups, problems = read(file.read_text())
        assert problems == [], file
        assert groups
        assert read(print_groups(groups)) == (groups, []), file
