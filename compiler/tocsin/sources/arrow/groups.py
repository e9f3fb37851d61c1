"""The footer of a Parquet file to its row groups, and what their statistics say of the samples in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from tocsin.promql.ast import Matcher
from tocsin.promql.match import accepts
from tocsin.sources.arrow.layout import TIME, Layout

Bounds = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a row group tells of its labels; it is asked late, for it costs more than to open the file."""

    layout: Layout
    meta: pa.RowGroupMetaData
    _known: dict[str, Bounds | None] = field(default_factory=dict)

    def of(self, label: str) -> Bounds | None:
        """The least and the greatest value of a label that has a column; None where they are not known."""
        if label not in self._known:
            self._known[label] = self._read(label) if label in self.layout.labels else None
        return self._known[label]

    def _read(self, label: str) -> Bounds | None:
        found = self.meta.column(self.layout.leaves[label]).statistics
        if found is None:
            return None
        nulls = found.null_count if found.has_null_count else None
        if nulls == self.meta.num_rows:
            return "", ""
        try:
            least, greatest = (found.min, found.max) if found.has_min_max else (None, None)
        except UnicodeDecodeError:  # decoding tells of it
            return None
        if not isinstance(least, str) or not isinstance(greatest, str):
            return None
        return least if nulls == 0 else "", greatest


@dataclass(frozen=True, slots=True)
class Group:
    """A row group: `rows` rows after the first `before` of the file, with times from `start` to `end`, inclusive.

    `bounds` tell the least and the greatest value of each label, `""` where it is absent.
    """

    number: int
    before: int
    rows: int
    start: int
    end: int
    bounds: Statistics

    def constant(self, label: str) -> str | None:
        """The value that a label has in all rows, None where it is not known to have one."""
        least, greatest = self.bounds.of(label) or ("", None)
        return least if least == greatest else None

    def may_hold(self, matchers: Sequence[Matcher], elsewhere: Bounds | None) -> bool:
        """Whether some row may match. `elsewhere` are the bounds of labels without a column, None if not known."""
        return all(_may_accept(matcher, self._bounds(matcher.label, elsewhere)) for matcher in matchers)

    def _bounds(self, label: str, elsewhere: Bounds | None) -> Bounds | None:
        return self.bounds.of(label) if label in self.bounds.layout.labels else elsewhere


def _may_accept(matcher: Matcher, bounds: Bounds | None) -> bool:
    if bounds is None:
        return True
    least, greatest = bounds
    if least == greatest:
        return accepts(matcher, least)
    return matcher.op != "=" or least <= matcher.value <= greatest


def groups_of(layout: Layout, footer: pa.FileMetaData) -> Iterator[tuple[Group, bool]]:
    """The row groups that have rows, and whether their times are known."""
    before = 0
    for number in range(footer.num_row_groups):
        meta = footer.row_group(number)
        if meta.num_rows:
            times = meta.column(layout.leaves[TIME]).statistics
            known = times is not None and times.has_min_max and times.physical_type == "INT64"
            start, end = (layout.milliseconds(raw) for raw in (times.min_raw, times.max_raw)) if known else (0, 0)
            yield Group(number, before, meta.num_rows, start, end, Statistics(layout, meta)), known
        before += meta.num_rows
