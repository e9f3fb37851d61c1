"""The footer of a Parquet file to its row groups, and what their statistics say of the samples in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from tocsin.promql.ast import Matcher
from tocsin.promql.match import accepts
from tocsin.sources.arrow.layout import TIME, Layout

Bounds = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Group:
    """A row group: `rows` rows after the first `before` of the file, with times from `start` to `end`, inclusive.

    `bounds` are the least and the greatest value of each label that has them, `""` where the label is absent.
    """

    number: int
    before: int
    rows: int
    start: int
    end: int
    bounds: Mapping[str, Bounds]

    def constant(self, label: str) -> str | None:
        """The value that a label has in all rows, None where it is not known to have one."""
        least, greatest = self.bounds.get(label, ("", None))
        return least if least == greatest else None

    def may_hold(self, matchers: Sequence[Matcher], elsewhere: Bounds | None) -> bool:
        """Whether some row may match. `elsewhere` are the bounds of labels without a column, None if not known."""
        return all(_may_accept(matcher, self.bounds.get(matcher.label, elsewhere)) for matcher in matchers)


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
            yield Group(number, before, meta.num_rows, start, end, _bounds(layout, meta)), known
        before += meta.num_rows


def _bounds(layout: Layout, meta: pa.RowGroupMetaData) -> dict[str, Bounds]:
    bounds: dict[str, Bounds] = {}
    for label in layout.labels:
        found = meta.column(layout.leaves[label]).statistics
        if found is None:
            continue
        nulls = found.null_count if found.has_null_count else None
        if nulls == meta.num_rows:
            bounds[label] = "", ""
        elif found.has_min_max and isinstance(found.min, str):
            bounds[label] = found.min if nulls == 0 else "", found.max
    return bounds
