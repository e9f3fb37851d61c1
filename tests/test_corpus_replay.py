"""Every rule of a corpus of real rule files, replayed over samples made up for what it selects."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from tocsin.alerts.replay import replay
from tocsin.diagnostics import Problems
from tocsin.engine.read import Matchers, needs
from tocsin.engine.semantics import Semantics
from tocsin.labels import NAME, Labels, from_mapping
from tocsin.pipeline.inputs import read_inputs
from tocsin.promql.match import matches
from tocsin.rules import RecordingRule, RuleGroup
from tocsin.series import Series
from tocsin.sources.memory import MemoryRecording

CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpus"
MINUTE = 60_000
STEPS = 40


def labels_for(matchers: Matchers) -> Iterator[Labels]:
    """Some label sets that matchers accept; the buckets of a histogram are several."""
    known = {"instance": "host:1", "job": "some", "namespace": "some"}
    for one in matchers:
        if one.op in ("=", "=~"):
            known[one.label] = (
                one.value if one.op == "=" else re.sub(r"\.[*+]", "x", one.value.split("|")[0].strip("()^$"))
            )
    bounds = ["0.1", "0.5", "1", "+Inf"] if known.get(NAME, "").endswith("_bucket") else [known.get("le", "")]
    for le, instance in product(bounds, (known["instance"], "host:2")):
        found = from_mapping({**known, "le": le, "instance": instance})
        if matches(matchers, found):
            yield found


def made_up(groups: Iterable[RuleGroup], chance: random.Random) -> Series:
    """Samples for all that rules select and do not record: counts that rise now fast, now slowly, and gauges."""
    rules = [rule for group in groups for rule in group.rules]
    recorded = {rule.name for rule in rules if isinstance(rule, RecordingRule)}
    wanted = {need.matchers for rule in rules for need in needs(rule.expr, 0, 0, Semantics())}
    labels = sorted(
        {one for matchers in wanted for one in labels_for(matchers) if dict(one).get(NAME, "") not in recorded}
    )
    columns = []
    for one in labels:
        counts = dict(one).get(NAME, "").endswith(("_total", "_bucket", "_count", "_sum"))
        column = np.array([chance.choice([0, 0, 1, 2, 100]) for _ in range(STEPS)], dtype=np.float64)
        columns.append(np.cumsum(column) if counts else column)
    times = np.arange(STEPS, dtype=np.int64) * MINUTE
    offsets = np.arange(len(labels) + 1, dtype=np.int64) * STEPS
    return Series(tuple(labels), offsets, np.tile(times, len(labels)), np.concatenate(columns))


def groups_of(folder: str) -> Sequence[RuleGroup]:
    if not CORPUS.is_dir():
        pytest.skip("no folder shared/corpus beside the project")
    return read_inputs([CORPUS / folder], None, Problems()).groups


@pytest.mark.parametrize("folder", ["kube-prometheus", "awesome-prometheus-alerts", "sloth/generated"])
def test_every_rule_is_replayed(folder: str) -> None:
    groups = groups_of(folder)
    series = made_up(groups, random.Random(1))
    done = replay(groups, MemoryRecording(series), 0, STEPS * MINUTE, Semantics())
    assert len(done.tracks) == sum(len(group.rules) for group in groups) > 50
    assert {problem.code for problem in done.problems} <= {"backtest/failed", "backtest/template"}
    assert any(episode.firing is not None for timeline in done.timelines for episode in timeline.episodes)
    assert len(done.recorded().labels) > 100
