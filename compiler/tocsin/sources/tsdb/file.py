"""A file of a Prometheus data folder to its bytes, and what is wrong with it to a problem with path and offset."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from tocsin.diagnostics import ProblemError
from tocsin.kernels.bits import Bytes
from tocsin.kernels.chunks import be32
from tocsin.kernels.crc32c import crc32c
from tocsin.sources.api import refuse

_SMALL = 1 << 20
"""Up to this size a file is read at once, and takes no descriptor."""

_AGAIN = "copy or download it again; Prometheus leaves out a block that it cannot read, so can you"


@dataclass(frozen=True, slots=True)
class MappedFile:
    """The bytes of a file, uint8[n], read where they are looked at."""

    path: str
    data: Bytes

    @staticmethod
    def open(path: str, magic: int, shortest: int) -> MappedFile:
        """Refuses a file that is shorter than `shortest` bytes or does not begin with the four bytes `magic`."""
        with readable(path), open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < max(shortest, 4):
                raise refuse("truncated", path, f"has {size} bytes, and no less than {shortest} make sense", _AGAIN)
            small = size <= _SMALL
            content = file.read() if small else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        data = np.frombuffer(content, dtype=np.uint8)
        found = be32(data, 0)
        if found != magic:
            raise refuse("damaged", path, f"begins with {found:#010x}, not with {magic:#010x}", _AGAIN)
        return MappedFile(path, data)

    def damaged(self, offset: int, what: str) -> ProblemError:
        """A problem at a byte of the file."""
        return refuse("damaged", self.path, f"at byte {offset}: {what}", _AGAIN)

    def check(self, start: int, end: int) -> None:
        """Refuses `[start:end]` unless its checksum follows it."""
        if not 0 <= start <= end <= self.data.size - 4:
            raise self.damaged(start, f"points at byte {end}, and the file has {self.data.size}")
        if crc32c(self.data, start, end) != be32(self.data, end):
            raise self.damaged(start, "wrong checksum")

    def section(self, at: int) -> tuple[int, int, int]:
        """A section with a length and a count in front: where its entries start and end, and how many there are."""
        if not 0 <= at <= self.data.size - 8:
            raise self.damaged(at, f"points past the end, for the file has {self.data.size} bytes")
        end = at + 4 + be32(self.data, at)
        self.check(at + 4, end)
        if end < at + 8:
            raise self.damaged(at, "a section without a count")
        return at + 8, end, be32(self.data, at + 4)


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Turns an error of the operating system into a problem with the path."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        code = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
        raise refuse(code, path, f"cannot be read: {reason}") from None


def uvarint_at(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 number, and where it ends; raises IndexError past the end, ValueError beyond 64 bits."""
    number = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
    raise ValueError("a number of more than 64 bits")


def varint_at(data: bytes, at: int) -> tuple[int, int]:
    """A zigzag LEB128 number, and where it ends."""
    number, at = uvarint_at(data, at)
    return number >> 1 ^ -(number & 1), at
