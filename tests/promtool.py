"""Rule groups, samples and timelines to a unit test for `promtool test rules` that holds at every evaluation.

promtool evaluates all groups at the same interval and knows nothing of query offsets, so both must be so here. Its
language has samples at multiples of the interval only; times count from the start of a test.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from tocsin.alerts.timeline import Timeline
from tocsin.labels import format_labels, from_mapping
from tocsin.rulefile import print_groups
from tocsin.rules import RuleGroup
from tocsin.series import STALE_BITS, Series, Times, Values
from tocsin.templates.quote import unquoted


@dataclass(frozen=True)
class Stretch:
    """Evaluations from `start` to `end`, both inclusive; nothing before `start` reaches into it."""

    start: int
    end: int


def stretches(series: Series, gap: int, after: int, step: int) -> list[Stretch]:
    """A recording in stretches that lie more than `gap` apart, each with time for alerts to resolve `after` it."""
    times = np.unique(series.times)
    edges = [-1, *np.flatnonzero(np.diff(times) > gap).tolist(), len(times) - 1]
    return [
        Stretch(int(times[first + 1]) // step * step, (int(times[last]) + after) // step * step)
        for first, last in pairwise(edges)
    ]


def disagreement(
    folder: Path,
    groups: Sequence[RuleGroup],
    series: Series,
    timelines: Sequence[Timeline],
    parts: Sequence[Stretch],
    step: int,
) -> str:
    """What promtool has against the timelines; nothing where they are what it computes at every evaluation."""
    (folder / "rules.yaml").write_text(print_groups(groups))
    tests = [_test(series, timelines, part, step) for part in parts]
    body = {"rule_files": ["rules.yaml"], "evaluation_interval": f"{step}ms", "tests": tests}
    (folder / "test.yaml").write_text(json.dumps(body))
    command = ["promtool", "test", "rules", "test.yaml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    return "" if done.returncode == 0 else (done.stdout + done.stderr)[:5000]


def _test(series: Series, timelines: Sequence[Timeline], part: Stretch, step: int) -> dict[str, object]:
    inputs = []
    for index, labels in enumerate(series.labels):
        times = series.times[series.offsets[index] : series.offsets[index + 1]]
        values = series.values[series.offsets[index] : series.offsets[index + 1]]
        inside = (times >= part.start) & (times <= part.end)
        if inside.any():
            written = notation((times[inside] - part.start), values[inside], step)
            inputs.append({"series": format_labels(labels), "values": written})
    return {
        "interval": f"{step}ms",
        "input_series": inputs,
        "promql_expr_test": [
            {"expr": "ALERTS", "eval_time": f"{time - part.start}ms", "exp_samples": _alerts(timelines, time)}
            for time in range(part.start, part.end + 1, step)
        ],
        "alert_rule_test": [
            {"eval_time": f"{time - part.start}ms", "alertname": timeline.rule.name, "exp_alerts": firing}
            for timeline in timelines
            for time in range(part.start, part.end + 1, step)
            if (firing := _firing(timeline, time, step, part.end))
        ],
    }


def notation(times: Times, values: Values, step: int) -> str:
    """promtool's series notation: `_xN` for steps without a sample."""
    assert not (times % step).any(), "promtool has samples at multiples of the interval only"
    words, due = [], 0
    for place, value in zip((times // step).tolist(), values, strict=True):
        words += [f"_x{place - due}"] if place > due else []
        words.append("stale" if value.view(np.uint64) == STALE_BITS else repr(float(value)).replace("inf", "Inf"))
        due = place + 1
    return " ".join(words).replace("nan", "NaN")


def _alerts(timelines: Sequence[Timeline], time: int) -> list[dict[str, object]]:
    """The samples of `ALERTS` at an evaluation."""
    found = []
    for timeline in timelines:
        for episode in timeline.episodes:
            if episode.pending <= time and (episode.resolved is None or time < episode.resolved):
                firing = episode.firing is not None and episode.firing <= time
                state = {"__name__": "ALERTS", "alertstate": "firing" if firing else "pending"}
                # A label whose template expands to nothing shows as the template itself.
                labels = {**timeline.rule.labels, **dict(episode.labels), **state}
                found.append({"labels": format_labels(from_mapping(labels)), "value": 1})
    return found


def _firing(timeline: Timeline, time: int, step: int, end: int) -> list[dict[str, object]]:
    """The alerts that fire at an evaluation, if it is the last one of them all: later ones change annotations."""
    here = [
        one
        for one in timeline.episodes
        if one.firing is not None and one.firing <= time and (one.resolved is None or time < one.resolved)
    ]
    if any(time + step != one.resolved and not (one.resolved is None and time == end) for one in here):
        return []
    return [
        {
            "exp_labels": {name: value for name, value in one.labels if name != "alertname"},
            "exp_annotations": dict(one.annotations),
        }
        for one in here
    ]


def expansions(folder: Path, templates: Sequence[str], inputs: Mapping[str, float], expr: str) -> list[str]:
    """What annotations with these templates say, or Prometheus's words for what is wrong with the syntax of one."""
    found, faults = _expanded(folder, templates, inputs, expr)
    if faults:
        sound = ["" if index in faults else template for index, template in enumerate(templates)]
        found, _ = _expanded(folder, sound, inputs, expr)
    return [faults.get(index) or found[index] for index in range(len(templates))]


_EXTERNAL = {"external_labels": {"dc": "eu"}, "external_url": "http://h:1/p"}


def _expanded(
    folder: Path, templates: Sequence[str], inputs: Mapping[str, float], expr: str
) -> tuple[dict[int, str], dict[int, str]]:
    rules = [
        {"alert": f"A{index}", "expr": expr, "annotations": {"t": template}} for index, template in enumerate(templates)
    ]
    (folder / "rules.yaml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": f"{value:g} {value:g}"} for name, value in inputs.items()],
        "alert_rule_test": [
            {"eval_time": "1m", "alertname": f"A{index}", "exp_alerts": []} for index in range(len(templates))
        ],
        **_EXTERNAL,
    }
    body = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}
    (folder / "test.yaml").write_text(json.dumps(body))
    command = ["promtool", "test", "rules", "test.yaml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    told = done.stdout + done.stderr
    got = r'Labels:\{alertname="A(\d+)".*?\n\s+Annotations:\{t=("(?:[^"\\]|\\.)*")\}'
    found = {int(match[1]): unquoted(match[2]) for match in re.finditer(got, told, re.DOTALL)}
    refused = r'"A(\d+)": annotation "t": (.*)'
    faults = {int(match[1]): match[2] for match in re.finditer(refused, told)}
    assert len(found) == len(templates) or faults, told[:3000]
    return found, faults
