"""A text file, plain or gzip, to blocks of whole lines, never more than one block of it in memory."""

from __future__ import annotations

import gzip
import os
import stat
import sys
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from tocsin.sources.api import refuse

_BLOCK = 4 << 20
_LONGEST_LINE = 1 << 20
# Recordings in text compress 10 to 30 fold; a bomb of zeros about 1000 fold.
_RATIO = 200
_UNSUSPECTED = 256 << 20


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, the first of which is line `number` of the file. Only a file's last line may lack its break."""

    text: bytes
    number: int


def check_file(path: str) -> None:
    """Refuse what is not a file that can be read: missing, a folder, a device, empty."""
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:
        raise refuse("unreadable", path, f"cannot be read: {_reason(error)}") from None
    if stat.S_ISDIR(status.st_mode):
        raise refuse("unreadable", path, "is a folder, not a recording")
    if not stat.S_ISREG(status.st_mode):
        raise refuse("unreadable", path, "is not a regular file")
    if status.st_size == 0:
        raise refuse("not-a-recording", path, "is empty")


def head(path: str, size: int = 1 << 16) -> bytes:
    """The first bytes, decompressed."""
    return next(_pieces(path, size), b"")


def blocks(path: str, longest: int = _LONGEST_LINE) -> Iterator[Block]:
    """All lines of a file, a block at a time, with `\\n` for line breaks, none longer than `longest` bytes."""
    number, rest = 1, b""
    for piece in _pieces(path, _BLOCK):
        if b"\0" in piece:
            raise refuse("not-a-recording", path, "holds zero bytes: it is not text")
        lines, newline, rest_of_piece = piece.rpartition(b"\n")
        if newline:
            text = (rest + lines + newline).replace(b"\r\n", b"\n")
            yield Block(text, number)
            number += text.count(b"\n")
            rest = rest_of_piece
        else:
            rest += piece
        if len(rest) > longest:
            raise refuse("not-a-recording", path, f"line {number} is longer than {longest >> 20} MiB")
    if rest:
        yield Block(rest, number)


def line_at(path: str, number: int) -> str:
    """The text of one line, whatever its length: read again, since only a message needs it."""
    for block in blocks(path, sys.maxsize):
        lines = block.text.removesuffix(b"\n").split(b"\n")
        if number - block.number < len(lines):
            return lines[number - block.number].decode("utf-8", "replace")
    return ""


def ends_in_the_middle(path: str, number: int) -> bool:
    """Whether line `number` is the last of the file, and has no line break."""
    last = deque(blocks(path), maxlen=1).pop()
    return not last.text.endswith(b"\n") and last.number + last.text.count(b"\n") == number


def _pieces(path: str, size: int) -> Iterator[bytes]:
    try:
        with open(path, "rb") as file:
            if file.read(2) != b"\x1f\x8b":
                file.seek(0)
                yield from _read(file, size)
                return
            if _stated(file) > _limit(path):
                file.seek(0)
                with gzip.GzipFile(fileobj=file) as unpacked:
                    for _ in _bounded(path, unpacked, size):
                        pass
            file.seek(0)
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield from _bounded(path, unpacked, size)
    except EOFError:
        raise refuse("truncated", path, "the gzip stream ends in the middle", "copy the file again") from None
    except (OSError, zlib.error) as error:  # gzip.BadGzipFile is an OSError
        raise refuse("unreadable", path, f"cannot be read: {_reason(error)}") from None


def _read(file: BinaryIO | gzip.GzipFile, size: int) -> Iterator[bytes]:
    while piece := file.read(size):
        yield piece


def _stated(file: BinaryIO) -> int:
    """The bytes that a gzip file says it unpacks to, modulo 4 GiB; those of a cut one say anything.

    What says too many is unpacked once before anything of it is parsed: its samples take seconds and gigabytes.
    """
    file.seek(-min(4, os.fstat(file.fileno()).st_size), os.SEEK_END)
    return int.from_bytes(file.read(4), "little")


def _limit(path: str) -> int:
    return max(_UNSUSPECTED, _RATIO * os.path.getsize(path))


def _bounded(path: str, unpacked: gzip.GzipFile, size: int) -> Iterator[bytes]:
    limit, total = _limit(path), 0
    for piece in _read(unpacked, size):
        total += len(piece)
        if total > limit:
            raise refuse(
                "too-large",
                path,
                f"unpacks to more than {limit >> 20} MiB, over {_RATIO} times its size",
                "if it is meant to be so large, unpack it first",
            )
        yield piece


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
