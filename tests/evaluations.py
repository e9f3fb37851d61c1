"""Expressions over samples that a test holds in its hands: what the engine answers, and what the oracle does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from tests.oracle import EvaluationFailed, instant
from tests.oracle_numbers import Samples, bits_of
from tests.prometheus import Answer
from tests.promql_samples import START, samples

from tocsin.engine.evaluate import evaluate_instant
from tocsin.engine.semantics import Grid, Result, Semantics
from tocsin.functions.values import Compat
from tocsin.labels import Labels, from_mapping
from tocsin.promql.ast import Expr, Matcher
from tocsin.promql.parse import parse
from tocsin.series import Series
from tocsin.sources.memory import MemoryRecording

GRID = Grid(START + 60_000, START + 61 * 60_000, 223_000)
"""Steps before the first sample of some series and after the last of all."""


def recording(data: Mapping[Labels, Samples]) -> MemoryRecording:
    labels = sorted(data)
    flat = [sample for one in labels for sample in data[one]]
    return MemoryRecording(
        Series(
            tuple(labels),
            np.cumsum([0, *(len(data[one]) for one in labels)], dtype=np.int64),
            np.array([time for time, _value in flat], dtype=np.int64),
            np.array([value for _time, value in flat], dtype=np.float64),
        )
    )


@dataclass
class Piecewise:
    """A recording whose samples are not in memory: it is read piece by piece, as a large one is."""

    recording: MemoryRecording

    @property
    def extent(self) -> tuple[int, int]:
        return self.recording.extent

    def read(self, matchers: Sequence[Matcher], start: int, end: int) -> Series:
        return self.recording.read(matchers, start, end)


def answer_bits(answer: Answer) -> object:
    if answer is None or isinstance(answer, float):
        return answer if answer is None else bits_of(answer)
    return {labels: bits_of(value) for labels, value in answer.items()}


def answer_at(result: Result, t: int, scalar: bool) -> Answer:
    """What the engine says at one step, in the form of Prometheus's reply."""
    if result.failed[t]:
        return None
    frame = result.frame
    vector = {labels: float(frame.values[s, t]) for s, labels in enumerate(frame.labels) if frame.present[s, t]}
    return vector[()] if scalar else vector


def asked(expr: Expr, data: Mapping[Labels, Samples], time: int, compat: int) -> Answer:
    """What the oracle says."""
    try:
        value = instant(expr, data, time, compat)
    except EvaluationFailed:
        return None
    return value if isinstance(value, float) else dict(value)


@lru_cache(maxsize=8)
def prepared(seed: int) -> tuple[dict[Labels, Samples], MemoryRecording]:
    data = samples(seed, stale=True)
    return data, recording(data)


def one(*values: float, step: int = 60_000, **labels: str) -> dict[Labels, Samples]:
    return {from_mapping(labels): [(START + k * step, value) for k, value in enumerate(values)]}


def at(text: str, data: Mapping[Labels, Samples], minute: int, compat: Compat = 3) -> Answer:
    result = evaluate_instant(parse(text), recording(data), START + minute * 60_000, Semantics(compat))
    return answer_at(result, 0, scalar=False)


def error(text: str, data: Mapping[Labels, Samples]) -> str:
    """What the engine says of an expression that fails."""
    (failure,) = evaluate_instant(parse(text), recording(data), START).failures
    return failure.problem.message
