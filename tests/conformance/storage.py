"""The loads of a script to a recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from tests.conformance.script import Load
from tests.conformance.values import Literal, Sample

from tocsin.labels import NAME, Labels, drop, from_mapping, get
from tocsin.promql.ast import Expr, Matcher, VectorSelector, walk
from tocsin.promql.match import matchers_of, matches
from tocsin.series import Series
from tocsin.sources.memory import MemoryRecording

_PARTS = ("_bucket", "_count", "_sum")


@dataclass(slots=True)
class Storage:
    """What was loaded so far. A later sample of a series at the same time takes the place of the earlier one.

    `histograms` are the series that hold native histograms, `started` those that have start timestamps.
    """

    _samples: dict[Labels, dict[int, Sample]] = field(default_factory=dict)
    histograms: set[Labels] = field(default_factory=set)
    started: set[Labels] = field(default_factory=set)
    _recording: MemoryRecording | None = None

    def load(self, command: Load) -> None:
        self._recording = None
        for labels, sequence in command.series:
            if any(isinstance(sample, Literal) for sample in sequence):
                self.histograms.add(labels)
            if command.to_histograms and (base := _base(labels)):
                self.histograms.add(base)
            own = self._samples.setdefault(labels, {})
            own.update((k * command.step, sample) for k, sample in enumerate(sequence) if sample is not None)
        self.started.update(labels for labels, _starts in command.starts)

    @property
    def recording(self) -> MemoryRecording:
        """The samples that are floats."""
        if self._recording is None:
            floats = [(labels, _floats(samples)) for labels, samples in sorted(self._samples.items())]
            self._recording = _recording([(labels, samples) for labels, samples in floats if samples])
        return self._recording

    def selected(self, expr: Expr, among: set[Labels]) -> bool:
        """Whether the expression reads one of these series."""
        return any(matches(matchers, labels) for matchers in _selections(expr) for labels in among)


def _selections(expr: Expr) -> Iterator[Sequence[Matcher]]:
    return (matchers_of(node) for node in walk(expr) if isinstance(node, VectorSelector))


def _base(labels: Labels) -> Labels | None:
    """The native histogram that a series of a classic one becomes a part of."""
    name = get(labels, NAME)
    part = next((part for part in _PARTS if name.endswith(part)), None)
    return None if part is None else from_mapping({**dict(drop(labels, ("le",))), NAME: name.removesuffix(part)})


def _floats(samples: dict[int, Sample]) -> list[tuple[int, float]]:
    return sorted((time, sample) for time, sample in samples.items() if isinstance(sample, float))


def _recording(series: Sequence[tuple[Labels, list[tuple[int, float]]]]) -> MemoryRecording:
    flat = [sample for _labels, samples in series for sample in samples]
    return MemoryRecording(
        Series(
            tuple(labels for labels, _samples in series),
            np.cumsum([0, *(len(samples) for _labels, samples in series)], dtype=np.int64),
            np.array([time for time, _value in flat], dtype=np.int64),
            np.array([value for _time, value in flat], dtype=np.float64),
        )
    )
