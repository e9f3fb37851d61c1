"""`load_with_nhcb`: the series of classic histograms to native ones whose buckets have bounds of their own.

The rules are those of prometheus util/convertnhcb.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tests.conformance.script import Load

from tocsin.functions.histograms import parse_bound
from tocsin.histograms.model import CUSTOM, Histogram
from tocsin.labels import NAME, Labels, drop, from_mapping, get


@dataclass(slots=True)
class _Parts:
    """What the series of a classic histogram say at one time; the counts of the buckets are cumulative."""

    buckets: dict[float, float] = field(default_factory=dict)
    count: float | None = None
    sum: float = 0.0

    def histogram(self) -> Histogram:
        """Raises ValueError where the counts fall."""
        cumulative = dict(sorted(self.buckets.items()))
        count = self.count if self.count is not None else next(reversed(cumulative.values()), 0.0)
        cumulative.setdefault(math.inf, count)
        counts, before = {}, 0.0
        for index, reached in enumerate(cumulative.values()):
            if reached < before:
                raise ValueError("the counts of the buckets fall")
            counts[index] = reached - before
            before = reached
        bounds = tuple(cumulative)[:-1]
        return Histogram(CUSTOM, count, self.sum, positive=counts, bounds=bounds).compacted()


def converted(command: Load) -> dict[Labels, dict[int, Histogram]]:
    """The native histograms of a load, by labels and time. Raises ValueError."""
    found: dict[Labels, dict[int, _Parts]] = {}
    for labels, sequence in command.series:
        name = get(labels, NAME)
        kind = next((part for part in ("_bucket", "_count", "_sum") if name.endswith(part)), None)
        bound = parse_bound(get(labels, "le")) if kind == "_bucket" else 0.0
        if kind is None or bound is None or math.isnan(bound):
            continue
        own = found.setdefault(from_mapping({**dict(drop(labels, ("le",))), NAME: name.removesuffix(kind)}), {})
        for k, sample in enumerate(sequence):
            if isinstance(sample, float):
                _take(own.setdefault(k * command.step, _Parts()), kind, bound, sample)
    return {labels: {time: one.histogram() for time, one in parts.items()} for labels, parts in found.items()}


def _take(parts: _Parts, kind: str, bound: float, value: float) -> None:
    if kind == "_bucket":
        parts.buckets[bound] = value
    elif kind == "_count":
        parts.count = value
    else:
        parts.sum = value
