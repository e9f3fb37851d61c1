"""Mutated specs, rules, settings, incidents, recordings and queries: problems, and never an exception."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.command import INCIDENTS, RULES, SPEC, inert, recording

from tocsin.diagnostics import ProblemError, Problems, Text, render
from tocsin.engine.semantics import Semantics
from tocsin.pipeline import compile as compiling
from tocsin.pipeline.data import Times, open_data
from tocsin.pipeline.explain import explain_alerts, explain_objectives
from tocsin.pipeline.query import answer
from tocsin.pipeline.replay import replay
from tocsin.report import json as json_report
from tocsin.report.formats.api import FORMATS, Checked, format_names
from tocsin.sources.api import OpenedRecording

GOOD = recording()


def mutations(text: str) -> st.SearchStrategy[str]:
    """A text with a few of its pieces deleted, doubled, swapped, or replaced."""
    strange = [
        "",
        "\0",
        "\x1b",
        "[",
        "{",
        "'",
        '"',
        ":",
        "- ",
        "\n",
        "\t",
        "null",
        "-1",
        "1e999",
        "NaN",
        "é",
        "\u202e",
        "&a",
        "*a",
        "!!x",
    ]
    places = st.integers(0, len(text))
    edit = st.tuples(places, st.integers(0, 12), st.one_of(st.sampled_from(strange), st.just(None), places))

    def apply(edits: list[tuple[int, int, str | int | None]]) -> str:
        result = text
        for at, length, new in edits:
            piece = (
                result[at : at + length] * 2 if new is None else new if isinstance(new, str) else text[new : new + 30]
            )
            result = result[:at] + piece + result[at + length :]
        return result

    return st.lists(edit, min_size=1, max_size=4).map(apply)


def line_mutations(text: str) -> st.SearchStrategy[str]:
    """A text with some of its lines deleted, doubled or swapped."""
    lines = text.splitlines(keepends=True)
    return st.lists(st.sampled_from(lines), max_size=len(lines)).map("".join) | st.permutations(lines).map("".join)


def mutated(text: str) -> st.SearchStrategy[str]:
    return st.one_of(mutations(text), mutations(text), line_mutations(text))


SETTINGS = """\
prometheus: {version: '2.42', scrape_interval: 1m, evaluation_interval: 1m, jobs: {slow: 5m}}
severities:
  page: {wakes: true, group_wait: 30s, repeat_interval: 4h}
  ticket: {receiver: tickets}
owners: {payments: {page: pager}}
default_receiver: tickets
receivers:
  pager: {pagerduty_configs: [{routing_key_file: /etc/key}]}
  tickets: {slack_configs: [{api_url_file: /etc/slack, channel: '#shop'}]}
"""

SHORT = "\n".join([*GOOD.splitlines()[15:30], *GOOD.splitlines()[75:90], "# EOF", ""])
CSV = "__name__,job,timestamp,value\nup,shop,1700000000,1\nup,shop,2023-11-14T22:14:20Z,0\nup,bank,1700000000,+Inf\n"

ALL_KINDS = """\
service: shop
owner: payments
runbook: https://runbooks.example.com/shop
labels: {env: prod}
indicators:
  errors: {ratio: {bad: 'requests_total{code=~"5.."}', total: requests_total}, by: [job]}
  slow: {latency: {histogram: seconds, quantile: 99%}}
  late: {latency: {histogram: seconds, within: 300ms}}
  disk: {usage: {free: free_bytes, capacity: size_bytes}, by: [instance]}
  level: {gauge: {value: queue_length, unit: count}}
  probe: {up: up}
  speed: {rate: requests_total}
  own: {promql: {query: 'sum(rate(x[$window]))', unit: ratio}}
alerts:
  - {name: A, indicator: errors, above: 1%, for: 5m, over: 10m, severity: page, summary: s, action: a}
  - {name: B, indicator: disk, fills_in: 4h, for: 10m, severity: ticket, summary: s, action: a}
  - {name: C, indicator: level, outside: [1, 5], keep_firing_for: 5m, severity: ticket, summary: s, action: a}
  - {name: D, indicator: probe, absent: true, severity: page, summary: s, action: a, no_data: ticket}
  - {name: E, indicator: slow, above: 2s, while: {indicator: speed, above: 1/s}, severity: page, summary: s, action: a}
"""

OBJECTIVES = """\
service: shop
owner: payments
policy: No deploys but fixes.
indicators:
  errors: {ratio: {bad: 'requests_total{code=~"5.."}', total: requests_total}, by: [job]}
  own: {ratio: {good: 'sum(increase(good[$window]))', total: 'sum(increase(all[$window]))'}}
  slow: {latency: {histogram: seconds, quantile: 99%}}
objectives:
  - name: availability
    indicator: errors
    target: 99.9%
    targets: [{labels: {job: shop}, target: 99.99%}]
    period: 28d
    tiers: {fast: {severity: ticket, keep_firing_for: 5m, labels: {a: b}}, slow: off}
    min_events: 100
    bad_events: 20
    maintenance: [{weekdays: [sunday], from: '02:00', until: '04:00', time_zone: Europe/Berlin, reason: backups}]
  - {name: own, indicator: own, target: 99%, period: quarter, time_zone: Asia/Tokyo, thresholds: traffic}
  - {name: slow, indicator: slow, target: 95%, time_slices: {every: 5m, above: 2s, no_data: bad}}
  - {name: old, indicator: own, target: 99%, adjustments: [{at: '2026-03-04T10:00:00Z', bad_events: -3, reason: test}]}
  - name: whole
    target: 99%
    composite: [{objective: own, weight: 60%}, {objective: old, weight: 40%}]
maintenance:
  - {from: '2026-03-04T01:00:00Z', until: '2026-03-04T03:00:00Z', reason: the move}
"""


def everything(folder: Path) -> Problems:
    """check, compile and backtest in this process; what they find, which is rendered too."""
    problems = Problems()
    try:
        inputs, compiled = compiling.check([folder], None, problems, date(2026, 1, 1))
        compiling.artifacts(compiled, inputs.settings, compiling.target_names())
        pages = {**explain_alerts(inputs, compiled), **explain_objectives(inputs, compiled)}
        assert all(inert(page) for page in pages.values())
        groups = compiling.rule_groups(inputs, compiled)
        data = open_data(str(folder / "data"), problems)
        verdict = replay(groups, data, str(folder / "incidents"), Times(), Semantics(), problems)
        json_report.to_json(verdict)
    except ProblemError as error:
        problems.add(error.problem)
    assert inert("\n".join(map(render, problems)))
    checked = Checked(tuple(problems))
    assert all(inert(FORMATS[name](checked)) for name in format_names())
    return problems


TEXTS = {
    "shop.yaml": SPEC,
    "kinds.yaml": ALL_KINDS,
    "objectives.yaml": OBJECTIVES,
    "rules.yaml": RULES,
    "tocsin.yaml": SETTINGS,
    "incidents": INCIDENTS,
    "data": SHORT,
    "data.csv": CSV,
}


def write(folder: Path, name: str, text: str) -> None:
    """All that a backtest needs, with one of the files (a CSV instead of the recording) in another form."""
    for other in ("shop.yaml", "tocsin.yaml", "incidents", "data"):
        (folder / other).write_text(TEXTS[other], newline="")
    (folder / name.removesuffix(".csv")).write_text(text, newline="")


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_mutated_is_sound(name: str, tmp_path: Path) -> None:
    write(tmp_path, name, TEXTS[name].replace("service: shop", f"service: {name[:4]}"))
    assert not [
        problem for problem in everything(tmp_path) if problem.code.partition("/")[0] not in ("noise", "backtest")
    ]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", TEXTS)
def test_no_mutation_of_the_input_is_an_exception(name: str) -> None:
    @settings(max_examples=60)
    @given(mutated(TEXTS[name]))
    def check(text: str) -> None:
        with TemporaryDirectory() as folder:
            write(Path(folder), name, text)
            everything(Path(folder))

    check()


QUERIES = [
    "sum by (code) (rate(requests_total[5m]))",
    'up{job=~"a|b"} offset 5m == on(job) up',
    "topk(2, x) or -up ^ 2",
    'label_replace(up, "a", "$1", "job", "(.*)")',
    "max_over_time(up[10m:1m] @ 1700000000)",
    "histogram_quantile(0.9, x)",
]


@pytest.mark.filterwarnings("error")
@settings(max_examples=150)
@given(st.sampled_from(QUERIES).flatmap(mutated))
def test_no_mutation_of_a_query_is_an_exception(text: str) -> None:
    problems = Problems()
    answers = list(answer([Text.of(text)], RECORDING, Times(), Semantics(), problems, as_json=True))
    assert [json.loads(line)["status"] for line in answers] == ["error" if len(problems) else "success"]
    assert inert("\n".join(map(render, problems)))
    assert inert(answers[0])


def _recording() -> OpenedRecording:
    with TemporaryDirectory() as path:
        (Path(path) / "data").write_text(GOOD)
        return open_data(str(Path(path) / "data"), Problems())


RECORDING = _recording()
