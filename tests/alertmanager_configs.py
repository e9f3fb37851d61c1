"""Configurations of Alertmanager, good and bad, and random changes of them, for comparison with amtool."""

from __future__ import annotations

import copy
import json
import random
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

GOOD: dict[str, Any] = {
    "global": {
        "resolve_timeout": "5m",
        "smtp_smarthost": "localhost:25",
        "smtp_from": "a@example.org",
        "smtp_require_tls": False,
        "slack_api_url": "https://slack.example.org/x",
        "opsgenie_api_key": "k",
        "victorops_api_key": "k",
        "wechat_api_secret": "s",
        "wechat_api_corp_id": "c",
        "http_config": {"follow_redirects": True},
    },
    "templates": ["*.tmpl"],
    "route": {
        "receiver": "all",
        "group_by": ["alertname", "cluster"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "4h",
        "routes": [
            {
                "matchers": ['severity="page"', 'team =~ "a|b"', "{x!=y,z!~w}"],
                "receiver": "pager",
                "continue": True,
                "group_by": ["..."],
                "mute_time_intervals": ["nights"],
                "active_time_intervals": ["work", "old"],
                "routes": [{"match": {"a": "b", "n": 5}, "match_re": {"c": "d.*"}, "group_wait": "0s"}],
            },
            {"receiver": "mail", "group_interval": "1h30m", "group_by": []},
        ],
    },
    "receivers": [
        {"name": "all"},
        {"name": "pager", "webhook_configs": [{"url": "http://127.0.0.1:1/", "send_resolved": False}]},
        {
            "name": "mail",
            "email_configs": [{"to": "x@example.org"}],
            "slack_configs": [{"channel": "#x"}],
            "opsgenie_configs": [{}],
            "victorops_configs": [{"routing_key": "r"}],
            "wechat_configs": [{}],
        },
    ],
    "inhibit_rules": [
        {"source_match": {"a": "b"}, "target_match_re": {"c": "d|e"}, "equal": ["x", "y"]},
        {"source_matchers": ['a="b"', "c!~d"], "target_matchers": ["e=f"]},
    ],
    "mute_time_intervals": [
        {"name": "nights", "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "07:30"}]}]}
    ],
    "time_intervals": [
        {"name": "old", "time_intervals": []},
        {
            "name": "work",
            "time_intervals": [
                {
                    "times": [{"start_time": "09:00", "end_time": "24:00"}],
                    "weekdays": ["monday:friday", "Sunday"],
                    "days_of_month": ["1:15", "-3:-1", "5:-2"],
                    "months": ["january:3", "may", "12"],
                    "years": ["2020:2030", 2040],
                    "location": "Europe/Berlin",
                }
            ],
        },
    ],
}

_ROOT = "route: {receiver: a}"
_RECEIVERS = "receivers: [{name: a}]"


def _below(route: str) -> str:
    return f"route: {{receiver: a, routes: [{route}]}}\n{_RECEIVERS}\n"


def _with(more: str) -> str:
    return f"{_ROOT}\n{_RECEIVERS}\n{more}\n"


def _interval(body: str) -> str:
    return _with(f"time_intervals: [{{name: x, time_intervals: [{body}]}}]")


TEXTS: tuple[str, ...] = (
    "",
    "hello\n",
    "- a\n",
    "null\n",
    _with(""),
    _with("---\nfoo: bar"),
    _with("foo: 1"),
    _with(_ROOT),
    '{"route": {"receiver": "a"}, "receivers": [{"name": "a"}]}',
    f"route:\n\treceiver: a\n{_RECEIVERS}\n",
    f"route: &r {{receiver: a, routes: [*r]}}\n{_RECEIVERS}\n",
    "route: {receiver: null}\nreceivers: [{name: 'null'}]\n",
    "route: {receiver: 5}\nreceivers: [{name: 5}]\n",
    "route: {receiver: !!int 5}\nreceivers: [{name: 5}]\n",
    "route: {receiver: !foo a}\nreceivers: [{name: a}]\n",
    "route: {receiver: a}\nreceivers: [{name: a}, {name: null}]\n",
    "route: {receiver: a}\nreceivers: [{name: a}, null]\n",
    "route: {receiver: a}\nreceivers: [{name: a}, {name: a}]\n",
    "receivers: [&z {name: a}, {<<: *z, name: b}]\nroute: {receiver: b}\n",
    "route: {receiver: a}\nreceivers: [{name: a, webhook_configs: null}]\n",
    "route: {receiver: a}\nreceivers: [{name: a, slack_configs: [null]}]\n",
    "route: {receiver: a}\nreceivers: [{name: a, slack_configs: [{}]}]\n",
    "route: {receiver: a}\nreceivers: [{name: a, email_configs: [{to: x}]}]\n",
    "route: {receiver: a}\nreceivers: [{name: a, msteams_configs: [{webhook_url: 'http://x'}]}]\n",
    *(f"route: {{receiver: a, {field}}}\n{_RECEIVERS}\n" for field in (
        "continue: true", "continue: false", "matchers: []", "matchers: [a=b]", "match: {}", "match: {a: b}",
        "mute_time_intervals: [x]", "group_by: foo", "group_by: [null]", "group_by: []", "group_by: ['...', '...']",
        "group_by: ['...', a]", "group_by: [a, a]", "group_by: [1]", "group_by: [é]", "group_wait: 30",
        "group_wait: 0", "group_wait: null", "group_wait: ''", "group_wait: -1s", "group_wait: 1s1m",
        "group_interval: 0s", "repeat_interval: 0s", "repeat_interval: 1y2w3d4h5m6s7ms", "group_wait: 300y", "5: 6",
    )),
    *map(_below, (
        "null", "{}", "{continue: y}", "{continue: 'true'}", "{continue: null}", "{continue: 1}", "{continue: NO}",
        "{matchers: a=b}", "{matchers: null}", "{matchers: [null]}", "{matchers: [5]}", "{receiver: b}",
        "{match: [a]}", "{match: {a: null, b: ~}}", "{match: {a-b: c}}", "{match: {a: 010, b: 0x10, c: 1e3, d: .inf}}",
        "{match: {a: b, a: c}}", "{match_re: {a: null}}", "{match_re: {a: '('}}", "{match_re: {a: ')('}}",
        "{match_re: {a: '(?i)x'}}", "{match_re: {a: 'a{1001}'}}", "{match_re: {a: 'a**'}}", "{match_re: {a: '\\C'}}",
        "{active_time_intervals: [x]}", "{mute_time_intervals: [null]}",
    )),
    *(_below(f"{{matchers: [{json.dumps(matcher, ensure_ascii=False)}]}}") for matcher in (
        "", " ", "{}", "{", "}", "{}}", "a", "a=", "a=b,", "a=b, ", "a=b,,c=d", ",a=b", "a=b,c", "{a=b", "a=b}",
        '{a="b",}', 'a="b"', 'a="b', 'a=b"', 'a="b"c', 'a="b\\"c"', 'a="b\\', 'a="\\n"', "a = b c", "a==b", "a=~b",
        "a=~(", "a=~)(", 'a=~"a,b"', "a=a,b", "a!b", "a!=b", "a!~b", "1a=b", "a:b=c", '"é"=x', "é=x", "a=é",
        "a =~ b ", "\ta=b", "a='b'", "a=`b`", "{{a=b}}", 'a="b",c="d"', 'a="b\\\\",c=d', 'a=\\"b,c=d',
    )),
    *map(_interval, (
        "null", "{}", "{times: [null], weekdays: [null], months: [null], location: null}", "{times: []}",
        "{times: [{start_time: 09:00, end_time: 17:00}]}", "{times: [{start_time: 00:00, end_time: 24:00}]}",
        "{times: [{start_time: '9:00', end_time: '17:00'}]}", "{times: [{start_time: '17:00', end_time: '09:00'}]}",
        "{times: [{start_time: '17:00'}]}", "{times: [{start_time: '24:01', end_time: '24:02'}]}",
        "{times: ['09:00']}", "{weekdays: monday}", "{weekdays: [mon]}", "{weekdays: ['monday:friday']}",
        "{weekdays: ['friday:monday']}", "{weekdays: ['monday:tuesday:friday']}", "{weekdays: [1]}",
        "{weekdays: ['MONDAY']}", "{weekdays: ['monday: friday']}", "{days_of_month: ['0']}", "{days_of_month: [31]}",
        "{days_of_month: [32]}", "{days_of_month: ['-31:-1']}", "{days_of_month: ['-1:1']}",
        "{days_of_month: ['28:-1']}", "{days_of_month: ['27:-1']}", "{days_of_month: ['26:-3']}",
        "{days_of_month: ['+5']}", "{days_of_month: ['5:3']}", "{months: ['0:13']}", "{months: [jan]}",
        "{months: ['december:january']}", "{months: ['+3']}", "{years: ['-5:3']}", "{years: ['2020:2019']}",
        "{years: [x]}", "{years: ['99999999999999999999']}", "{location: Europe/Atlantis}", "{location: Local}",
        "{location: ''}", "{location: ../../etc}", "{location: UTC}", "{location: EST}", "{time_zone: UTC}",
    )),
    _with("time_intervals: [{name: x}]\nmute_time_intervals: [{name: x}]"),
    _with("time_intervals: [{}]"),
    *(_with(f"inhibit_rules: [{rule}]") for rule in (
        "null", "{}", "{name: x}", "{equal: e}", "{equal: [e, e]}", "{equal: ['a-b']}", "{source_match: {a-b: c}}",
        "{source_match_re: {a: null}}", "{source_matchers: [a]}", "{target_matchers: [a=b], source_match: {a: b}}",
    )),
    *(_with(f"global: {body}") for body in (
        "null", "{}", "{foo: 1}", "{http_config: {foo: 1}}", "{http_config: null}", "{resolve_timeout: 0s}",
        "{resolve_timeout: x}", "{resolve_timeout: null}", "{smtp_smarthost: abc}", "{smtp_smarthost: 'abc:'}",
        "{smtp_smarthost: ':25'}", "{smtp_smarthost: ''}", "{smtp_smarthost: '::1:25'}",
        "{smtp_smarthost: '[::1]:25'}", "{smtp_smarthost: 'a:b'}", "{slack_api_url: abc}", "{slack_api_url: ''}",
        "{slack_api_url: null}", "{slack_api_url: 'http://'}", "{slack_api_url: 'ftp://x'}",
        "{slack_api_url: 'https://x/%zz'}", "{slack_api_url: 'https://x:a'}", "{slack_api_url: 'HTTP://x'}",
        "{slack_api_url: <secret>}", "{slack_api_url: 'http://x', slack_api_url_file: y}",
        "{opsgenie_api_key: x, opsgenie_api_key_file: y}", "{victorops_api_key: x, victorops_api_key_file: y}",
        "{smtp_auth_password: x, smtp_auth_password_file: y}", "{smtp_require_tls: 1}", "{smtp_require_tls: off}",
        "{pagerduty_url: 'https://x y'}", "{smtp_from: [a]}", "{smtp_tls_config: {ca_file: x}}",
    )),
    _with("templates: [5]"),
    _with("templates: x"),
    _with("templates: null"),
    _with("inhibit_rules: {}"),
)  # fmt: skip

_VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2.5,
        "",
        "a",
        "0",
        "5m",
        "0s",
        "1d12h",
        "x y",
        "...",
        "a=b",
        "a=~(",
        "page",
        "pager",
    ),
    *(
        "nights",
        "monday:friday",
        "-1",
        "31",
        "12:00",
        "UTC",
        "é",
        [],
        {},
        [None],
        ["a"],
        [1],
        {"a": "b"},
        [{}],
        ["..."],
    ),
    *({"a": None}, ["a", "a"], ["a", "..."], "(", "http://x", "alertname"),
)


def changed(seed: int) -> str:
    """The good configuration with one to three random changes, as JSON (which is YAML)."""
    rng = random.Random(seed)
    data = copy.deepcopy(GOOD)
    for _ in range(rng.choice((1, 1, 2, 3))):
        _change(rng, data)
    return json.dumps(data, ensure_ascii=False)


def _change(rng: random.Random, data: Any) -> None:
    found = list(places(data))
    holder, key = rng.choice(found)
    action = rng.random()
    if action < 0.45:
        holder[key] = copy.deepcopy(rng.choice(_VALUES))
    elif action < 0.6:
        del holder[key]
    elif action < 0.75:
        other, where = rng.choice(found)
        holder[key] = copy.deepcopy(other[where]) if where in other or isinstance(other, list) else None
    elif isinstance(holder, dict):
        holder[rng.choice(("name", "match", "equal", "routes", "receiver", "a-b", "matchers", f"{key}s"))] = holder[key]
    else:
        holder.append(copy.deepcopy(holder[key]))


def places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every mapping and list with each of its keys; the fields of single integrations are left out."""
    pairs = list(data.items()) if isinstance(data, dict) else list(enumerate(data)) if isinstance(data, list) else []
    for key, value in pairs:
        if not str(key).endswith("_configs"):
            yield data, key
            yield from places(value)


def amtool(texts: Sequence[str], folder: Path) -> list[bool]:
    """Whether `amtool check-config` accepts each text. It may also die on one."""
    for index, text in enumerate(texts):
        (folder / f"{index}.yml").write_text(text)
    verdicts: dict[int, bool] = {}
    while len(verdicts) < len(texts):
        left = [index for index in range(len(texts)) if index not in verdicts]
        names = [f"{index}.yml" for index in left]
        run = subprocess.run(["amtool", "check-config", *names], cwd=folder, capture_output=True, text=True)
        for index in left:
            _, found, answer = run.stdout.partition(f"Checking '{index}.yml'")
            if found:
                verdicts[index] = answer.split("\n")[0].strip() == "SUCCESS"
    return [verdicts[index] for index in range(len(texts))]
