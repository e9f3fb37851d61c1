"""The loads of a script to a recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from tests.conformance.nhcb import converted
from tests.conformance.script import Load
from tests.conformance.values import Sample

from tocsin.histograms.model import Histogram
from tocsin.labels import Labels
from tocsin.promql.ast import Expr, Matcher, VectorSelector, walk
from tocsin.promql.match import matchers_of, matches
from tocsin.series import Series, any_histograms
from tocsin.sources.memory import MemoryRecording


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
            if any(isinstance(sample, Histogram) for sample in sequence):
                self.histograms.add(labels)
            own = self._samples.setdefault(labels, {})
            own.update((k * command.step, sample) for k, sample in enumerate(sequence) if sample is not None)
        if command.to_histograms:
            for labels, samples in converted(command).items():
                self.histograms.add(labels)
                self._samples.setdefault(labels, {}).update(samples)
        self.started.update(labels for labels, _starts in command.starts)

    @property
    def recording(self) -> MemoryRecording:
        if self._recording is None:
            named = sorted(self._samples.items(), key=_labels)
            self._recording = _recording([(labels, sorted(own.items(), key=_time)) for labels, own in named if own])
        return self._recording

    def selected(self, expr: Expr, among: set[Labels]) -> bool:
        """Whether the expression reads one of these series."""
        return any(matches(matchers, labels) for matchers in _selections(expr) for labels in among)


def _selections(expr: Expr) -> Iterator[Sequence[Matcher]]:
    return (matchers_of(node) for node in walk(expr) if isinstance(node, VectorSelector))


def _labels(series: tuple[Labels, dict[int, Sample]]) -> Labels:
    return series[0]


def _time(sample: tuple[int, Sample]) -> int:
    return sample[0]


def _recording(series: Sequence[tuple[Labels, list[tuple[int, Sample]]]]) -> MemoryRecording:
    flat = [sample for _labels, samples in series for sample in samples]
    histograms = np.full(len(flat), None, dtype=object)
    for place, (_time, value) in enumerate(flat):
        histograms[place] = value if isinstance(value, Histogram) else None
    return MemoryRecording(
        Series(
            tuple(labels for labels, _samples in series),
            np.cumsum([0, *(len(samples) for _labels, samples in series)], dtype=np.int64),
            np.array([time for time, _value in flat], dtype=np.int64),
            np.array([value if isinstance(value, float) else 0.0 for _time, value in flat], dtype=np.float64),
            any_histograms(histograms),
        )
    )
