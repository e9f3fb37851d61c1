"""Series to a Parquet file in the layout that is read fastest (see `tocsin.sources.parquet`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.labels import get, keep
from tocsin.series import Series
from tocsin.sources.arrow.layout import MAP, TIME, VALUE

_ROWS = 1 << 16
"""Rows of a row group, at most: eleven days every 15 s. A read of a stretch leaves out most of a longer history."""

Write = Callable[[Series], None]


def write_parquet(series: Series, path: str) -> None:
    """Write all samples of `series` to a new file at `path`. Raises OSError."""
    with writing(path, sorted({name for labels in series.labels for name, _ in labels})) as write:
        write(series)


@contextmanager
def writing(path: str, labels: Sequence[str]) -> Iterator[Write]:
    """A new file at `path` for series with these label names; each call of what this gives adds series to it.

    A series may come in several calls, the later with the later samples: a fetch of a month a day at a time, say.
    Labels that are called as another column is stand in a column of maps.
    """
    mapped = (TIME, VALUE, MAP) if TIME in labels or VALUE in labels else ()
    labels = [name for name in labels if name not in mapped]
    text = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema(
        [pa.field(name, text) for name in labels]
        + ([pa.field(MAP, pa.map_(pa.string(), pa.string()))] if mapped else [])
        + [pa.field(TIME, pa.int64(), nullable=False), pa.field(VALUE, pa.float64(), nullable=False)]
    )
    with pq.ParquetWriter(
        path,
        schema,
        compression="lz4",
        use_dictionary=list(labels),
        column_encoding={TIME: "DELTA_BINARY_PACKED", VALUE: "BYTE_STREAM_SPLIT"},
    ) as file:

        def write(series: Series) -> None:
            for pieces in _row_groups(series):
                file.write_table(_table(series, pieces, labels, mapped, schema))

        yield write


_Stretch = tuple[int, int, int]
"""A series by its number, and the first and the last of its samples, exclusive."""


def _row_groups(series: Series) -> Iterator[list[_Stretch]]:
    """Short series together, each longer one by itself, the longest in equal parts."""
    pieces: list[_Stretch] = []
    held = 0
    for index, (first, last) in enumerate(zip(series.offsets[:-1].tolist(), series.offsets[1:].tolist(), strict=True)):
        if first == last:
            continue
        if pieces and held + last - first > _ROWS // 4:
            yield pieces
            pieces, held = [], 0
        parts = -(-(last - first) // _ROWS)
        edges = [first + (last - first) * part // parts for part in range(parts + 1)]
        for low, high in pairwise(edges[:-1]):
            yield [(index, low, high)]
        pieces.append((index, edges[-2], last))
        held += last - edges[-2]
    if pieces:
        yield pieces


def _table(
    series: Series, pieces: Sequence[_Stretch], labels: Sequence[str], mapped: Sequence[str], schema: pa.Schema
) -> pa.Table:
    lengths = [high - low for _, low, high in pieces]
    columns = []
    for name in labels:
        texts = [get(series.labels[index], name) for index, _, _ in pieces]
        codes = {text: code for code, text in enumerate(dict.fromkeys(filter(None, texts)))}
        rows = np.repeat(np.array([codes.get(text, -1) for text in texts], dtype=np.int32), lengths)
        indices = pa.array(rows, mask=rows < 0)
        columns.append(pa.DictionaryArray.from_arrays(indices, pa.array(list(codes), type=pa.string())))
    if mapped:
        maps = [keep(series.labels[index], mapped) for index, _, _ in pieces]
        rows = np.repeat(np.arange(len(maps)), lengths)
        columns.append(pa.array(maps, type=schema.field(MAP).type).take(pa.array(rows)))
    columns.append(pa.array(np.concatenate([series.times[low:high] for _, low, high in pieces])))
    columns.append(pa.array(np.concatenate([series.values[low:high] for _, low, high in pieces])))
    return pa.Table.from_arrays(columns, schema=schema)
