"""A record batch with a row a series to series: the labels are read, the samples are viewed where they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import types

from tocsin.labels import NAME, Labels, from_mapping, get
from tocsin.series import Offsets, Series
from tocsin.sources.api import refuse
from tocsin.sources.arrow.layout import MAP, check_type, is_number, is_time, label_columns
from tocsin.sources.arrow.mapped import Mapped

TIMES, VALUES = "timestamps", "values"


@dataclass(frozen=True, slots=True)
class RowLayout:
    """`labels` are the columns of labels, sorted; `mapped` whether there is a map of labels too."""

    labels: tuple[str, ...]
    mapped: bool


def row_layout(path: str, schema: pa.Schema) -> RowLayout:
    """Raises ProblemError where columns are missing or have another type."""
    labels, mapped = label_columns(path, schema, (TIMES, VALUES))
    times, values = (schema.field(name).type for name in (TIMES, VALUES))
    right = _is_list(times) and is_time(times.value_type)
    check_type(path, schema, TIMES, right, "lists of `int64` milliseconds or of timestamps, one a series")
    right = _is_list(values) and is_number(values.value_type)
    check_type(path, schema, VALUES, right, "lists of floats or of integers, one a series")
    return RowLayout(labels, mapped)


def _is_list(kind: pa.DataType) -> bool:
    return bool(types.is_list(kind) or types.is_large_list(kind))


def series_of(path: str, layout: RowLayout, mapped: Mapped, batch: pa.RecordBatch, before: int) -> Series:
    """Row i is series i, in the order of the file, whatever that is; `before` rows stand in earlier batches.

    The columns are views where the file has the types that they need. Raises ProblemError.
    """
    lists = [batch.column(name) for name in (TIMES, VALUES)]
    for name, column in zip((TIMES, VALUES), lists, strict=True):
        if column.null_count:
            row = before + int(np.argmax(column.is_null().to_numpy(zero_copy_only=False))) + 1
            raise refuse("bad-sample", path, f"the column `{name}` is null in row {row:,}", _LEAVE_OUT)
    offsets, others = (_offsets(mapped, column) for column in lists)
    if (differ := np.diff(offsets) != np.diff(others)).any():
        row = int(np.argmax(differ))
        message = (
            f"row {before + row + 1:,} has {np.diff(offsets)[row]:,} timestamps and {np.diff(others)[row]:,} values"
        )
        raise refuse("bad-sample", path, message)
    # Not `flatten`, for which pyarrow imports its functions, which takes as long as all of this.
    times, values = (
        column.values.slice(own[0], own[-1] - own[0]) for column, own in zip(lists, (offsets, others), strict=True)
    )
    for name, samples in ((TIMES, times), (VALUES, values)):
        if samples.null_count:
            raise refuse("bad-sample", path, f"there are nulls in the lists of the column `{name}`", _LEAVE_OUT)
    if times.type != pa.int64():
        times = _milliseconds(path, times)
    if values.type != pa.float64():
        values = values.cast(pa.float64(), safe=False)
    labels = _labels(path, layout, batch, before)
    return Series(labels, offsets - offsets[0], mapped.column(times, np.int64), mapped.column(values, np.float64))


_LEAVE_OUT = "leave such samples out"


def _offsets(mapped: Mapped, lists: pa.ListArray | pa.LargeListArray) -> Offsets:
    if types.is_large_list(lists.type):
        return mapped.column(lists.offsets, np.int64)
    return mapped.column(lists.offsets, np.int32).astype(np.int64)


def _milliseconds(path: str, times: pa.Array) -> pa.Array:
    cut = times.type.unit in ("us", "ns")  # what is finer than a millisecond; seconds may be too many for milliseconds
    try:
        return times.cast(pa.timestamp("ms", times.type.tz), safe=not cut).cast(pa.int64())
    except pa.ArrowInvalid:
        message = f"the column `{TIMES}` has seconds that are no time: nanoseconds, perhaps"
        raise refuse("bad-sample", path, message, "write Unix milliseconds") from None


def _labels(path: str, layout: RowLayout, batch: pa.RecordBatch, before: int) -> tuple[Labels, ...]:
    names = sorted(layout.labels)
    columns = [_texts(path, name, batch.column(name)) for name in names]
    maps = _texts(path, MAP, batch.column(MAP)) if layout.mapped else [None] * len(batch)
    found = []
    for row, (entries, *texts) in enumerate(zip(maps, *columns, strict=True)):
        labels = tuple([(name, text) for name, text in zip(names, texts, strict=True) if text])
        if entries:
            labels = from_mapping(_with(path, dict(labels), entries, before + row))
        if not get(labels, NAME):
            raise refuse("bad-sample", path, f"no metric name in column `{NAME}` in row {before + row + 1:,}")
        found.append(labels)
    return tuple(found)


def _texts(path: str, label: str, column: pa.Array) -> Sequence[Any]:
    try:
        texts: Sequence[Any] = column.to_pylist()
    except UnicodeDecodeError:
        raise refuse("bad-sample", path, f"the column `{label}` holds text that is not UTF-8") from None
    return texts


def _with(path: str, own: Mapping[str, str], entries: Sequence[tuple[str, str | None]], row: int) -> dict[str, str]:
    """Labels of columns and of a map together."""
    labels = dict(own)
    for name, text in entries:
        if name in labels:
            raise refuse("bad-sample", path, f"the label `{name}` is given twice in row {row + 1:,}")
        labels[name] = text or ""
    return labels
