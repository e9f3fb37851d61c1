"""The pages of a Parquet file, decoded on all cores, a few row groups at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import chain
from queue import SimpleQueue

import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.diagnostics import ProblemError
from tocsin.kernels.threads import cores
from tocsin.series import Times
from tocsin.sources.api import refuse
from tocsin.sources.arrow.decode import Decoded, decode, times_of
from tocsin.sources.arrow.groups import Group
from tocsin.sources.arrow.layout import TIME, Layout

_BATCH = 1 << 19
"""Rows decoded at a time: two columns of it fit in a cache, and fewer cost more calls (measured, within 20 %)."""

_AHEAD = 4
"""Batches per thread that are decoded before the first of them is handed on."""


class Pages:
    """A file that is open, once for each thread: pyarrow's readers are not for several threads at once."""

    def __init__(self, path: str, layout: Layout, footer: pq.FileMetaData) -> None:
        self._path = path
        self._layout = layout
        self._footer = footer
        self._idle: SimpleQueue[pq.ParquetFile] = SimpleQueue()
        self._idle.put(self._open())

    def times(self, group: Group) -> Times:
        """int64[N] milliseconds, in any order. Raises ProblemError."""
        return times_of(self._path, self._read([group], [TIME]), group)

    def decode(self, groups: Sequence[Group]) -> Iterator[Decoded]:
        """The series of each row group, in the order given. Raises ProblemError."""
        batches = list(_batches(groups))
        step = _AHEAD * cores()
        for first in range(0, len(batches), step):
            some = batches[first : first + step]
            decoded = _pool().map(self._decode, some) if len(some) > 1 and cores() > 1 else map(self._decode, some)
            yield from chain.from_iterable(decoded)

    def _decode(self, groups: Sequence[Group]) -> list[Decoded]:
        try:
            return decode(self._path, self._layout, self._read, groups)
        except (pa.ArrowException, OSError) as error:
            raise broken(self._path, error) from None

    def _read(self, groups: Sequence[Group], columns: Sequence[str]) -> pa.Table:
        file = self._open() if self._idle.empty() else self._idle.get()
        try:
            numbers = [group.number for group in groups]
            table = file.read_row_groups(numbers, columns=list(columns), use_threads=False)
        finally:
            self._idle.put(file)
        if len(table) != (rows := sum(group.rows for group in groups)):
            raise pa.ArrowInvalid(f"{len(table)} rows where the footer says {rows}")
        return table

    def _open(self) -> pq.ParquetFile:
        labels = list(self._layout.labels)
        return pq.ParquetFile(
            self._path, memory_map=True, metadata=self._footer, read_dictionary=labels, pre_buffer=False
        )


def broken(path: str, error: Exception) -> ProblemError:
    """What pyarrow has against a file."""
    reason = str(error).partition("\n")[0].rstrip(".")
    return refuse("unreadable", path, f"is not whole Parquet: {reason}", "copy or write the file again")


def _batches(groups: Sequence[Group]) -> Iterator[list[Group]]:
    batch: list[Group] = []
    rows = 0
    for group in groups:
        if batch and rows + group.rows > _BATCH:
            yield batch
            batch, rows = [], 0
        batch.append(group)
        rows += group.rows
    if batch:
        yield batch


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cores(), thread_name_prefix="parquet")
