"""Series to an Arrow file in the layout that is read where it lies (see `tocsin.sources.arrow_file`)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tocsin.labels import Labels, get, keep
from tocsin.series import Series, Times, Values, offsets_of, with_samples
from tocsin.sources.arrow.facts import Facts
from tocsin.sources.arrow.join import Piece
from tocsin.sources.arrow.layout import MAP
from tocsin.sources.arrow.mapped import Number
from tocsin.sources.arrow.rows import TIMES, VALUES


def write_arrow(parts: Iterable[Series], path: str) -> None:
    """Write series to a new file at `path`, the later parts with the later samples. Raises OSError.

    Several parts are kept in files beside it until each series is together, so that they need not fit into memory.
    """
    rest = iter(parts)
    first = next(rest, Series((), np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)))
    second = next(rest, None)
    if second is None:
        _write(with_samples(first), path)
        return
    with tempfile.TemporaryDirectory(dir=Path(path).parent, prefix=".arrow-") as folder:
        _write(_whole(chain([first, second], rest), Path(folder)), path)


def _write(series: Series, path: str) -> None:
    batch = _batch(series)
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, batch.schema) as file:
        file.write_batch(batch, Facts.of(series).metadata)


def _batch(series: Series) -> pa.RecordBatch:
    """One row a series; labels that are called as another column is stand in a column of maps."""
    names = sorted({name for labels in series.labels for name, _ in labels})
    mapped = (TIMES, VALUES, MAP) if {TIMES, VALUES} & set(names) else ()
    low, high = series.offsets[0], series.offsets[-1]
    edges = pa.array(series.offsets - low)
    columns: dict[str, pa.Array] = {
        name: pa.array([get(labels, name) or None for labels in series.labels], type=pa.string())
        for name in names
        if name not in mapped
    }
    if mapped:
        maps = [keep(labels, mapped) for labels in series.labels]
        columns[MAP] = pa.array(maps, type=pa.map_(pa.string(), pa.string()))
    columns[TIMES] = pa.LargeListArray.from_arrays(edges, pa.array(series.times[low:high]))
    columns[VALUES] = pa.LargeListArray.from_arrays(edges, pa.array(series.values[low:high]))
    return pa.RecordBatch.from_pydict(columns)


def _whole(parts: Iterable[Series], folder: Path) -> Series:
    """All parts as one, its columns in files of the folder."""
    pieces: dict[Labels, list[Piece]] = {}
    with (folder / "parts").open("w+b") as staged:
        for part in parts:
            for labels, times, values in _staged(part, staged):
                pieces.setdefault(labels, []).append((times, values))
    every = tuple(sorted(pieces))
    lengths = [sum(len(times) for times, _ in pieces[one]) for one in every]
    offsets = offsets_of(lengths)
    times = _filled(folder / "times", [times for one in every for times, _ in pieces[one]])
    values = _filled(folder / "values", [values for one in every for _, values in pieces[one]])
    return Series(every, offsets, times, values)


def _staged(part: Series, file: BinaryIO) -> Iterator[tuple[Labels, Times, Values]]:
    """The series of a part, as views of its columns in a file."""
    low, high = part.offsets[0], part.offsets[-1]
    if low == high:
        return
    start = file.tell()
    part.times[low:high].tofile(file)
    part.values[low:high].tofile(file)
    shape = (2, int(high - low))
    times, values = np.memmap(file, dtype=np.int64, mode="r", offset=start, shape=shape)
    file.seek(0, 2)
    for labels, first, last in zip(part.labels, part.offsets - low, part.offsets[1:] - low, strict=False):
        if first < last:
            yield labels, times[first:last], values[first:last].view(np.float64)


def _filled(path: Path, pieces: Sequence[npt.NDArray[Number]]) -> npt.NDArray[Number]:
    """The pieces one after the other, in a file."""
    whole = np.memmap(path, dtype=pieces[0].dtype, mode="w+", shape=(sum(map(len, pieces)),))
    np.concatenate(pieces, out=whole)
    return whole
