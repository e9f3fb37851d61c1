"""Rule files, faulty and sound, and random changes of them, for comparison with `promtool check rules`."""

from __future__ import annotations

import copy
import json
import random
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.alertmanager_configs import places

GOOD: dict[str, Any] = {
    "groups": [
        {
            "name": "recorded",
            "interval": "30s",
            "limit": 10,
            "rules": [
                {"record": "job:up:sum", "expr": "sum by (job) (up)", "labels": {"team": "a", "tier": 1}},
                {"record": "job:errors:rate5m", "expr": 'sum by (job) (rate(errors_total{code=~"5..",x!=""}[5m]))'},
            ],
        },
        {
            "name": "alerts",
            "rules": [
                {
                    "alert": "Down",
                    "expr": "up == 0",
                    "for": "5m",
                    "keep_firing_for": "1h30m",
                    "labels": {"severity": "page", "job": "{{ $labels.job }}"},
                    "annotations": {
                        "summary": "{{ $labels.instance | toUpper }}: {{ if gt $value 0.0 }}up{{ else }}down{{ end }}",
                        "query": '{{ range query "up == 0" }}{{ .Labels.job }} {{ .Value | humanize }}{{ end }}',
                    },
                },
                {"alert": "Errors", "expr": "job:errors:rate5m / on (job) group_left (team) job:up:sum > 0.01"},
                {"alert": "Absent", "expr": 'absent_over_time(up{job="x"}[10m] offset 5m) or vector(1) unless up @ 0'},
            ],
        },
    ]
}


def _group(body: str) -> str:
    return f"groups: [{{{body}}}]"


def _rule(body: str) -> str:
    return _group(f"name: g, rules: [{{{body}}}]")


def _alert(body: str) -> str:
    return _rule(f"alert: A, expr: up == 0, {body}")


def _expr(expr: str) -> str:
    return _rule(f"alert: A, expr: {json.dumps(expr, ensure_ascii=False)}")


def _template(template: str) -> str:
    return _alert(f"annotations: {{a: {json.dumps(template)}}}")


DURATIONS = ("5m", "0", "0s", "1d2h3m4s5ms", "100ms", "5", "-5m", "1.5h", "1m1h", "300y", "'5 m'", "''", "1y1y", "5M")
TEXTS: tuple[str, ...] = (
    # The file: strict keys, one document.
    "groups:",
    "groups: []",
    "groups: null",
    "groups: {}",
    "groups: x",
    "groups: []\nother: 1",
    "groups: []\ngroups: []",
    "group: []",
    "groups: [null]",
    "groups: [[]]",
    "groups: [",
    "groups:\n\t- name: a",
    "groups: [{name: *a}]",
    "groups: [{name: a, rules: [&r {alert: A, expr: up}, *r, {<<: *r, alert: B}]}]",
    "groups: [{name: a, rules: [&r {alert: A, expr: up}, {<<: *r, expr: 'up =='}]}]",
    "groups: [{name: a, rules: [{<<: {alert: A}, expr: up}]}]",
    "groups: [{name: a, rules: [{<<: 5, alert: A, expr: up}]}]",
    # Groups.
    *map(
        _group,
        (
            *("", "name: a", "name: ''", "name: null", "name: 5", "name: [a]", "name: a, rules: null"),
            *("name: a, rules: {}", "name: a, rules: [null]", "name: a, rules: x", "name: a, name: b", "name: a, x: y"),
            *("name: a}, {name: a", "name: a}, {name: b", "name: a, source_tenants: [b]"),
            *("name: a, limit: 5", "name: a, limit: 5.5", "name: a, limit: 5.0", "name: a, limit: x"),
            *("name: a, limit: null", "name: a, limit: '5'", "name: a, limit: 1e3", "name: a, limit: [5]"),
            *("name: a, limit: 0x1F", "name: a, limit: 017", "name: a, limit: 0o17", "name: a, limit: 1_000"),
            *(f"name: a, interval: {text}" for text in (*DURATIONS, "null", "[5m]", "{}")),
        ),
    ),
    # Rules.
    *map(
        _rule,
        (
            *("alert: A", "record: a", "expr: up", "alert: A, record: a, expr: up", "alert: A, expr: ''"),
            *("alert: A, expr: null", "alert: A, expr: [up]", "alert: A, expr: 1", "alert: A, expr: 0x10"),
            *("alert: '', expr: up", "alert: null, expr: up", "alert: 5, expr: up", "alert: true, expr: up"),
            *("alert: 'a b', expr: up", "alert: größe, expr: up", "alert: A, expr: up, record: ''"),
            *("alert: A, expr: up, record: null", "alert: {}, expr: up", "alert: A, expr: up, unless: x"),
            *("record: a, expr: up, for: 5m", "record: a, expr: up, for: 0s", "record: a, expr: up, for: null"),
            *("record: a, expr: up, keep_firing_for: 5m", "record: a, expr: up, keep_firing_for: 0"),
            *("record: a, expr: up, annotations: {a: b}", "record: a, expr: up, annotations: {}"),
            *("record: a, expr: up, annotations: null", "record: a:b, expr: up", "record: a-b, expr: up"),
            *(
                "record: 5a, expr: up",
                "record: 'a{b=\"c\"}', expr: up",
                "record: größe, expr: up",
                "record: up, expr: up",
            ),
            *("record: a, expr: up, labels: {a: '{{ $x }}'}", "record: a, expr: up, labels: {__name__: b}"),
            *("record: a, expr: '1'", "record: a, expr: 'up =='", "record: [], expr: up", "record: null, expr: up"),
        ),
    ),
    *(_alert(f"{key}: {text}") for key in ("for", "keep_firing_for") for text in (*DURATIONS, "null", "[5m]", "{}")),
    # Labels and annotations.
    *(
        _alert(f"{key}: {text}")
        for key in ("labels", "annotations")
        for text in (
            *("null", "{}", "[]", "x", "{a: b}", "{a: 1, b: true, c: null, d: 1.50, e: 2020-01-01, f: 0x1f}"),
            *("{a: [b]}", "{a: {b: c}}", "{a-b: c}", "{'': c}", "{1a: c}", "{größe: c}", "{__name__: c}", "{a.b: c}"),
            *("{a: b, a: c}", "{1: c}", "{null: c}", "{alertname: x}", "{__x__: y}", '{a: "\\xff"}', "{a: ''}"),
            *("{a: '{{ $labels.x }}'}", "{a: '{{ $label.x }}'}", "{a: '{{ .Value }'}", "{a: '{{'}"),
        )
    ),
    # Templates.
    *map(
        _template,
        (
            *("{{ . }}", "{{ .Foo }}", "{{ $value }}", "{{ $externalURL }}{{ $externalLabels.a }}", "{{ $foo }}"),
            *("{{ x }}", '{{ "a" | nofunc }}', "{{ humanize }}", "{{ if }}{{ end }}", "{{ if true }}", "{{ end }}"),
            *(
                '{{ with $x := "a" }}{{ $x }}{{ end }}',
                "{{ $x := 1 }}{{ $x }}",
                "{{ range $i, $e := . }}{{ $i }}{{ end }}",
            ),
            *("{{/* a */}}", "{{ 'ab' }}", "{{ `raw` }}", '{{ "a }}', "{{ 1.5e }}", "{{ define `t` }}{{ end }}"),
            *('{{ template "t" }}', "{{ break }}", "{{ $labels.a.b }}", '{{ query "up ==" }}', "{{- 1 -}}", "{{ .. }}"),
            *("{{ (1) }}", "{{ ) }}", "{{ 1 | 2 }}", "{{ printf }}", "{{ len (1 }}", "{{ {{ }}", "}}", "{ { }"),
        ),
    ),
    # Expressions.
    *map(
        _expr,
        (
            *("up == 0 # why", "up ==", "up = 0", "(up", "up)", "nope(up)", "rate(up)", "rate(up[5m])", "up[5m:]"),
            *("up[5m:1m] offset 1m", "sum(up) by (a", "sum by (a) (up) by (b)", "sum(up) by (a,)", "up{", "up{}", "{}"),
            *('{a=""}', '{a=~".*"}', '{a=~".+"}', 'up{a="b",}', "up{a='b'}", "up{a=`b`}", 'up{a="\\q"}', 'up{a=~"("}'),
            *('up{a=~"(?i)x"}', 'up{a=~"\\\\C"}', 'up{__name__="x"}', '{__name__="up"}', '{"up"}', 'up{"a"="b"}'),
            *(
                "up and 1",
                "1 and 1",
                "1 == 1",
                "1 == bool 1",
                "up == bool 1",
                "up + bool 1",
                "up > up",
                "-up",
                "--1",
                "+up",
            ),
            *(
                "up / on (a) up",
                "up / on (a) group_left (a) up",
                "up and on (a) group_left () up",
                "up / ignoring () up",
            ),
            *(
                "1 + on (a) 1",
                "up offset 5m",
                "up offset -5m",
                "up offset 5",
                "up offset",
                "up @ 1",
                "up @ start()",
                "up @ x",
            ),
            *(
                "rate(up[5m] @ end() offset 1m)",
                "(up) offset 5m",
                "sum(up)[5m:]",
                "up[0s]",
                "up[5m]5",
                "up[5]",
                "up[1m1h]",
            ),
            *(
                "topk(1, up)",
                "topk(up)",
                "topk(up, up)",
                'count_values("a", up)',
                "count_values(a, up)",
                'count_values("a b", up)',
            ),
            *(
                "quantile(0.9, up)",
                "sum(1)",
                "sum(up, up)",
                "sum()",
                "time()",
                "time(1)",
                "vector(time())",
                "scalar(up)",
            ),
            *(
                'label_replace(up, "a", "$1", "b", "(.*)")',
                'label_replace(up, "a", "$1", "b")',
                'label_join(up, "a", "-")',
            ),
            *(
                "round(up)",
                "round(up, 5)",
                "round(up, 5, 6)",
                "histogram_quantile(0.9, up)",
                "histogram_quantile(up, 0.9)",
            ),
            *(
                "absent(up[5m])",
                "absent_over_time(up)",
                "clamp(up, 1, 2)",
                "day_of_year()",
                "sgn(up)",
                "holt_winters(up[5m], 1, 1)",
            ),
            *(
                "0x1F == bool 31",
                "1e3 > bool .5",
                "Inf > bool NaN",
                "1_000 > bool 1",
                "5m > bool 1",
                "up > 0x",
                "up > 1.2.3",
            ),
            *(
                "up atan2 up",
                "up ^ 2 ^ 3",
                "up % 2",
                "up unless up or up",
                "UP == 0",
                "SUM(up)",
                "up AND up",
                "sum BY (a) (up)",
            ),
            *(
                "by",
                "sum",
                "offset",
                "on",
                "up on",
                "a:b:c",
                ":a",
                "1a",
                "a-b",
                "größe",
                "up; up",
                "up!",
                '"a" == "b"',
                "''",
            ),
            *(
                "sum without (a) (up)",
                "sum without a (up)",
                "sum by (le, on, by) (up)",
                "group(up)",
                "stddev(up)",
                "limitk(1, up)",
            ),
            *(
                "a" * 300,
                "(" * 40 + "up" + ")" * 40,
                "up\n==\n0",
                "up\t==\r\n0",
                "up\u00a0== 0",
                "up == 0 \u2028",
                "# only",
            ),
        ),
    ),
)
"""Cases for every check of model/rulefmt, and the syntax of what it calls: durations, names, templates, PromQL."""

NEWER = re.compile(
    r"""(?x) expr"?:[ ]" (?: -?(?:\d+(?:ms|[smhdwy]))+" | 5m[ ]> | 1_000 | up[ ]offset[ ]5" | limitk
    | \{\\"up\\" | up\{\\"a\\"= )"""
)
"""Expressions of Prometheus 3 that 2.42 does not know: durations as numbers, names in quotes, `limitk`."""

STRICTER: dict[str, str] = {
    **{_expr(expr): "promql/type" for expr in ("up[5m]", "up[5m:]", "up[5m:1m] offset 1m", "sum(up)[5m:]", "''")},
    _rule("record: a, expr: 'up[5m]'"): "promql/type",
    _expr("holt_winters(up[5m], 1, 1)"): "promql/unknown-function",  # Prometheus 3 has another name for it
    _group("name: a, limit: -5"): "rules/no-limit",
    _group("name: a, limit: 5.5"): "rules/limit",
    _group("name: a, limit: 1e3"): "rules/limit",
    _group("name: a, limit: 0o17"): "rules/limit",
    "groups: [null]": "rules/shape",
    _group("name: a, rules: [null]"): "rules/shape",
    _rule("alert: A, expr: null"): "rules/missing",
    _rule("alert: null, expr: up"): "rules/kind",
    _rule("record: null, expr: up"): "rules/kind",
    "groups: []\n---\ngroups: []": "rules/second-document",
    "{}": "input/unknown",
    "": "input/empty",
}
"""Files that promtool lets pass, and what tocsin says of each."""

_VALUES: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 2.5, "", "a", "5m", "0s", "1d12h", "5", "-1m", "x y", "a-b", "__name__", "up", "up =="),
    *("up[5m]", "nope(up)", "{{ $x }}", "{{ .V }}", "{{", "é", "sum(up) by", "1", [], {}, [None], ["a"], [{}]),
)  # fmt: skip
_KEYS = ("name", "rules", "alert", "record", "expr", "for", "labels", "annotations", "keep_firing_for", "limit", "a-b")


def changed(seed: int) -> str:
    """The good rule file with one to three changes of its structure, as JSON (which is YAML)."""
    rng = random.Random(seed)
    data = copy.deepcopy(GOOD)
    for _ in range(rng.choice((1, 1, 2, 3))):
        _change(rng, data)
    return json.dumps(data, ensure_ascii=False)


def _change(rng: random.Random, data: Any) -> None:
    found = list(places(data)) or [(data, "groups")]
    holder, key = rng.choice(found)
    action = rng.random()
    if action < 0.5:
        holder[key] = copy.deepcopy(rng.choice(_VALUES))
    elif action < 0.65:
        holder.pop(key, None) if isinstance(holder, dict) else holder.pop(key)
    elif action < 0.75:
        other, where = rng.choice(found)
        holder[key] = copy.deepcopy(other.get(where) if isinstance(other, dict) else other[where])
    elif isinstance(holder, dict):
        holder[rng.choice((*_KEYS, f"{key}s"))] = holder.get(key)
    else:
        holder.append(copy.deepcopy(holder[key]))


_PIECES = (
    *("", " ", "\n", "  ", "- ", ":", ": ", "'", '"', "[", "]", "{", "}", "(", ")", "#", "&a ", "*a", "|\n"),
    *(">-\n", "!!str ", "==", "==", "[5m]", "offset", " by ", "on", "0", "1e9", "é", "{{", "}}", "$x", "\\", ","),
)  # fmt: skip


def edited(text: str, seed: int) -> str:
    """A rule file with a few of its characters deleted, doubled or replaced, or with lines deleted or swapped."""
    rng = random.Random(seed)
    for _ in range(rng.choice((1, 1, 1, 2))):
        if text and rng.random() < 0.25:
            lines = text.splitlines(keepends=True)
            first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[first] = rng.choice(("", lines[second], lines[first] * 2))
            text = "".join(lines)
        else:
            at, length = rng.randrange(len(text) + 1), rng.choice((0, 0, 1, 1, 2, 5))
            piece = text[at : at + length] * 2 if rng.random() < 0.2 else rng.choice(_PIECES)
            text = text[:at] + piece + text[at + length :]
    return text


def promtool(texts: Sequence[str], folder: Path) -> list[bool]:
    """Whether `promtool check rules` accepts each text."""
    for index, text in enumerate(texts):
        (folder / f"{index}.yml").write_bytes(text.encode())
    verdicts: list[bool] = []
    for start in range(0, len(texts), 500):
        names = [f"{index}.yml" for index in range(start, min(start + 500, len(texts)))]
        command = ["promtool", "check", "rules", "--lint=none", *names]
        told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
        answers = [
            answer.strip().startswith("SUCCESS")
            for answer in told.split("Checking ")[1:]
            for answer in [answer.partition("\n")[2]]
        ]
        assert len(answers) == len(names), told[-2000:]
        verdicts += answers
    return verdicts
