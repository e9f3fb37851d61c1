"""An Arrow file with a row a series to a recording whose samples stay where they are: in the page cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from tocsin.diagnostics import Problem, ProblemError
from tocsin.labels import Labels, format_labels
from tocsin.promql.ast import Matcher
from tocsin.series import Mask, Offsets, Series, with_samples
from tocsin.sources.api import refuse
from tocsin.sources.arrow.facts import Facts, first_falls
from tocsin.sources.arrow.join import Piece, joined
from tocsin.sources.arrow.mapped import Mapped
from tocsin.sources.arrow.rows import TIMES, row_layout, series_of
from tocsin.sources.memory import MemoryRecording
from tocsin.sources.time import LATEST


@dataclass(frozen=True, slots=True)
class _Part:
    """The series of a record batch, and which have been checked: all that are asked for are, once."""

    path: str
    recording: MemoryRecording
    facts: Facts
    checked: Mask

    @staticmethod
    def of(path: str, series: Series, facts: Facts) -> _Part:
        return _Part(path, MemoryRecording(series, fresh=facts.fresh), facts, np.zeros(len(series.labels), np.bool_))

    def check(self, matchers: tuple[Matcher, ...]) -> None:
        """Raises ProblemError where the times of a series that the matchers accept are not what they should be."""
        rows = np.array(self.recording.rows(matchers), dtype=np.int64)
        rows = rows[~self.checked[rows]]
        if not len(rows):
            return
        if not self.facts.rising:
            self._check_order(rows)
        every = self.recording.series
        for late in rows[every.times[every.offsets[rows + 1] - 1] >= LATEST * 1000].tolist():
            one = format_labels(every.labels[late])
            message = f"the column `{TIMES}` is after the year 5000 for `{one}`: write Unix milliseconds"
            raise refuse("bad-sample", self.path, message)
        self.checked[rows] = True

    def _check_order(self, rows: Offsets) -> None:
        every = self.recording.series
        wrong = first_falls(every, rows)
        for bad in np.flatnonzero(wrong >= 0).tolist():
            one, own = format_labels(every.labels[rows[bad]]), every.times[every.offsets[rows[bad]] :]
            before, after = own[wrong[bad] - 1 : wrong[bad] + 1].tolist()
            message = f"the timestamps of `{one}` do not rise: {after} comes after {before}"
            raise refuse("out-of-order", self.path, message, "write each series in the order of time, no time twice")


@dataclass(frozen=True, slots=True)
class MappedRecording:
    """A recording in an Arrow file; each series is checked when it is asked for first."""

    path: str
    parts: tuple[_Part, ...]
    problems: tuple[Problem, ...] = field(default=())

    @staticmethod
    def open(path: str) -> MappedRecording:
        """The recording at `path`. Raises ProblemError."""
        try:
            return MappedRecording(path, tuple(_parts(path, Mapped.open(path))))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _broken(path, error) from None

    @property
    def extent(self) -> tuple[int, int]:
        series = [part.recording.series for part in self.parts]
        return (
            min(int(one.times[one.offsets[:-1]].min()) for one in series),
            max(int(one.times[one.offsets[1:] - 1].max()) for one in series),
        )

    def read(self, matchers: Sequence[Matcher], start: int, end: int) -> Series:
        """The series that all matchers accept and that have samples from `start` to `end`, both inclusive."""
        key = tuple(matchers)
        for part in self.parts:
            part.check(key)
        found = [part.recording.read(key, start, end) for part in self.parts]
        return found[0] if len(found) == 1 else _together(self.path, found)

    def resident(self, matchers: Sequence[Matcher], start: int, end: int, stale: bool) -> Series | None:
        """A view of the file, where the series stand side by side in its only record batch."""
        if len(self.parts) > 1:
            return None
        self.parts[0].check(tuple(matchers))
        return self.parts[0].recording.resident(matchers, start, end, stale)


def _parts(path: str, mapped: Mapped) -> list[_Part]:
    batches = mapped.batches()
    parts, before = [], 0
    for batch, metadata in batches:
        series = with_samples(series_of(path, row_layout(path, batch.schema), mapped, batch, before))
        if series.labels:
            parts.append(_Part.of(path, _sorted(path, series), Facts.told(metadata)))
        before += len(batch)
    if not parts:
        raise refuse("not-a-recording", path, "holds no samples")
    return parts


def _sorted(path: str, series: Series) -> Series:
    """As it is where the series stand in the order of their labels, each once; else a copy that does."""
    if all(before < after for before, after in zip(series.labels, series.labels[1:], strict=False)):
        return series
    return _together(path, [series])


def _together(path: str, found: Sequence[Series]) -> Series:
    """The series of several parts, those that stand in several of them put together."""
    pieces: dict[Labels, list[Piece]] = {}
    for series in found:
        for labels, times, values in series.each():
            pieces.setdefault(labels, []).append((times, values))

    def overlapping(labels: Labels, _pieces: Sequence[Piece]) -> Sequence[Piece]:
        message = f"two rows of `{format_labels(labels)}` overlap in time"
        raise refuse("out-of-order", path, message, "write one row for each series")

    return joined(pieces, overlapping)


def _broken(path: str, error: Exception) -> ProblemError:
    reason = str(error).partition("\n")[0].rstrip(".")
    return refuse("unreadable", path, f"is not a whole Arrow file: {reason}", "copy or write the file again")
