"""Cases to what `promtool test rules` has against their replay, at every evaluation."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from tests.promtool import notation
from tests.rule_groups.generate import Case, case

from tocsin.alerts.dependencies import plan
from tocsin.alerts.replay import Replay, replay
from tocsin.alerts.result import Evaluations, found_at
from tocsin.alerts.texts import Found
from tocsin.alerts.track import Track
from tocsin.engine.evaluate import evaluate_range
from tocsin.engine.semantics import Semantics
from tocsin.labels import Labels, drop, format_labels
from tocsin.promql.parse import parse
from tocsin.rulefile import print_groups
from tocsin.rules import AlertingRule
from tocsin.series import Frame
from tocsin.sources.memory import MemoryRecording

WRITTEN = '{__name__=~"rec.*|ALERTS|ALERTS_FOR_STATE"}'


@dataclass
class Tally:
    """What was compared, and what differed."""

    cases: int = 0
    rules: int = 0
    evaluations: int = 0
    samples: int = 0
    firing: int = 0
    failing: int = 0
    circles: int = 0
    differences: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.cases:,} cases, {self.rules:,} rules, {self.evaluations:,} evaluations, "
            f"{self.samples:,} samples recorded, {self.firing:,} firing alerts with their texts, "
            f"{self.failing:,} cases with an evaluation that fails, {self.circles:,} with circles: "
            f"{len(self.differences)} differences"
        )


def every_result(found: Evaluations, frame: Frame, shift: int) -> Iterator[tuple[Labels, Found]]:
    """As `last_results`, of every evaluation, so that annotations are known at each."""
    columns = np.searchsorted(frame.times, found.times - shift)
    for labels, present, origins in zip(found.labels, found.present, found.origins, strict=True):
        for column in columns[present].tolist():
            yield labels, found_at(frame, next(row for row, at in origins if at[column]), column, shift)


def replayed(given: Case) -> Replay:
    semantics = Semantics(compat=2, evaluation_interval=given.step)
    with patch("tocsin.alerts.track.last_results", every_result):
        return replay(given.groups, MemoryRecording(given.series), 0, given.end, semantics)


def compare(seeds: Sequence[int], folder: Path, tally: Tally) -> None:
    """Replay the cases of some seeds, and have one promtool test all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    tested: list[Path] = []
    for seed in seeds:
        given = case(seed)
        done = replayed(given)
        refused = [problem for problem in done.problems if problem.code == "backtest/unsupported"]
        if refused:
            tally.differences.append(f"seed {seed}: {refused[0].message}")
            continue
        (folder / f"rules{seed}.yaml").write_text(print_groups(given.groups))
        failing = _failing(done)
        end = min([given.end, *(time - given.step for time in failing)])
        if end >= 0:
            tested.append(folder / f"test{seed}.yaml")
            tested[-1].write_text(json.dumps(_file(given, done, range(0, end + 1, given.step), tally)))
        if failing:
            tally.failing += 1
            names = failing[end + given.step]
            message = _failure(folder, given, end + given.step)
            if Counter(re.findall(r"rule: (\S+), time: ", message)) != Counter(names):
                tally.differences.append(f"seed {seed}: expected {names} to fail at {end + given.step}, got {message}")
    told = _promtool(folder, tested)
    for part in told.split("Unit Testing:")[1:]:
        if "SUCCESS" not in part:
            tally.differences.append(part[:3000])
    if told.count("SUCCESS") + told.count("FAILED") < len(tested):
        tally.differences.append(told[:3000])


def _failing(done: Replay) -> dict[int, list[str]]:
    """The rules of which evaluations fail, by time."""
    failing: dict[int, list[str]] = {}
    for track in done.tracks:
        for time in sorted([*(time for time, _ in track.failed), *track.machine.overflows]):
            failing.setdefault(time, []).append(track.rule.name)
    return failing


def _failure(folder: Path, given: Case, time: int) -> str:
    """What promtool says of the evaluations up to a time."""
    path = folder / f"failing{given.seed}.yaml"
    tests = [{"expr": "vector(0)", "eval_time": f"{time}ms", "exp_samples": [{"labels": "{}", "value": 0}]}]
    path.write_text(json.dumps(_body(given, {"promql_expr_test": tests})))
    return _promtool(folder, [path])


def _promtool(folder: Path, tests: Sequence[Path]) -> str:
    command = ["promtool", "test", "rules", *(path.name for path in tests)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    return done.stdout + done.stderr


def _body(given: Case, test: dict[str, object]) -> dict[str, object]:
    series = given.series
    inputs = []
    for index, labels in enumerate(series.labels):
        cut = slice(series.offsets[index], series.offsets[index + 1])
        values = notation(series.times[cut], series.values[cut], given.step)
        inputs.append({"series": format_labels(labels), "values": values})
    return {
        "rule_files": [f"rules{given.seed}.yaml"],
        "evaluation_interval": f"{given.step}ms",
        "group_eval_order": [group.name for group in given.groups],
        "tests": [{"interval": f"{given.step}ms", "input_series": inputs, **test}],
    }


def _file(given: Case, done: Replay, times: range, tally: Tally) -> dict[str, object]:
    """A test that holds where promtool has the same series and the same firing alerts at all times."""
    alerts = [track for track in done.tracks if isinstance(track.rule, AlertingRule)]
    tally.cases += 1
    tally.rules += len(done.tracks)
    tally.evaluations += len(done.tracks) * len(times)
    tally.circles += any(level.circle for level in plan(given.groups).levels)
    told = [_alerts(track, time) for time in times for track in alerts]
    tally.firing += sum(len(one["exp_alerts"]) for one in told)
    recorded = list(_recorded(done, times, given.step))
    tally.samples += sum(len(one["exp_samples"]) for one in recorded)
    return _body(given, {"promql_expr_test": recorded, "alert_rule_test": told})


def _recorded(done: Replay, times: range, step: int) -> Iterator[dict[str, Any]]:
    """What rules wrote, as it is read at each time."""
    frame = evaluate_range(parse(WRITTEN), done.source, times[0], times[-1], step, Semantics(compat=2)).frame
    for column, time in enumerate(times):
        samples = [
            {"labels": format_labels(frame.labels[row]), "value": float(frame.values[row, column])}
            for row in np.flatnonzero(frame.present[:, column])
        ]
        yield {"expr": WRITTEN, "eval_time": f"{time}ms", "exp_samples": samples}


def _alerts(track: Track, time: int) -> dict[str, Any]:
    """The alerts of a rule that fire after an evaluation, with their texts."""
    assert isinstance(track.rule, AlertingRule)
    assert track.texts is not None
    firing = []
    for one in track.machine.episodes():
        if one.firing is not None and one.firing <= time and (one.resolved is None or time < one.resolved):
            annotations = track.texts.annotations(track.last_result(one.labels, time + 1))
            firing.append({"exp_labels": dict(drop(one.labels, ("alertname",))), "exp_annotations": dict(annotations)})
    return {"alertname": track.rule.name, "eval_time": f"{time}ms", "exp_alerts": firing}
