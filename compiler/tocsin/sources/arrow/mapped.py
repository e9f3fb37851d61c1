"""An Arrow file to record batches whose buffers lie in the page cache, and to arrays that view them."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]

Number = TypeVar("Number", np.int32, np.int64, np.float64)


@dataclass(frozen=True, slots=True)
class Mapped:
    """A file in memory as far as it is looked at. One that is cut short meanwhile ends the process, as any mapped file.

    The mapping is private and could be written to, which nobody does: kernels would be compiled once more for arrays
    that cannot.
    """

    data: Bytes

    @staticmethod
    def open(path: str) -> Mapped:
        """Raises OSError."""
        with open(path, "rb") as file:
            try:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
            except OSError:  # larger than what the system would let a process write
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        _in_large_pages(mapped)
        return Mapped(np.frombuffer(mapped, dtype=np.uint8))

    def batches(self) -> list[tuple[pa.RecordBatch, Mapping[bytes, bytes] | None]]:
        """Validated, but for the order of their samples; each with the metadata of its own, if it has some.

        Raises pa.ArrowException, OSError.
        """
        with pa.ipc.open_file(pa.py_buffer(self.data)) as file:
            batches = [file.get_batch_with_custom_metadata(number) for number in range(file.num_record_batches)]
        for batch, _ in batches:
            batch.validate(full=True)
        return batches

    def column(self, array: pa.Array, kind: type[Number]) -> npt.NDArray[Number]:
        """Numbers without nulls: a view where they lie in the file as they are, which compressed ones do not.

        `Array.to_numpy` would look for pandas, and import it.
        """
        if not len(array):
            return np.empty(0, dtype=kind)
        size, buffer = np.dtype(kind).itemsize, array.buffers()[1]
        first = buffer.address - self.data.ctypes.data + array.offset * size
        last = first + len(array) * size
        if first % size or first < 0 or last > len(self.data):
            return np.frombuffer(buffer, kind, len(array), array.offset * size).copy()
        return self.data[first:last].view(kind)


def _in_large_pages(mapped: mmap.mmap) -> None:
    """What is not in the page cache yet is read by two megabytes, and mapped by as much.

    Read page by page, 650 MB took 7 s instead of 1 s, and each later process 60 ms to map them.
    """
    with suppress(AttributeError, OSError):  # not Linux, or without large pages
        mapped.madvise(mmap.MADV_HUGEPAGE)
