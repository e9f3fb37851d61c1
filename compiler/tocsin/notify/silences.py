"""Silences: matchers that keep alerts quiet for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.labels import Labels
from tocsin.notify.matching import predicate
from tocsin.notify.spans import Spans, union
from tocsin.promql.ast import Matcher


@dataclass(frozen=True, slots=True)
class Silence:
    """From `starts` to `ends`, both inclusive, in Unix milliseconds."""

    matchers: tuple[Matcher, ...]
    starts: int
    ends: int
    comment: str = ""


class Silencer:
    """When an alert is silenced."""

    def __init__(self, silences: Sequence[Silence]) -> None:
        self._silences = [(predicate(one.matchers), (one.starts, one.ends + 1)) for one in silences]

    def muted(self, labels: Labels) -> Spans:
        return union(pair for accepts, pair in self._silences if accepts(labels))
