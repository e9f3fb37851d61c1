"""A file that people write, or a generator, to its text as a source that positions refer to."""

from __future__ import annotations

from pathlib import Path

from tocsin.diagnostics import Problem, ProblemError, Source

SIZE_LIMIT = 10 * 2**20
"""Bytes of a file that is written by hand or by a generator; more than that is a mistake (a recording, say)."""


def read_source(path: Path | str) -> Source:
    """The text of a file. Raises ProblemError (`input/...`) where it cannot be read, is huge, or is no text."""
    try:
        with open(path, "rb") as file:
            data = file.read(SIZE_LIMIT + 1)
            size = file.seek(0, 2)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _refused(path, "unreadable", f"cannot read the file: {reason}") from None
    return decoded(path, data, size)


def decoded(path: Path | str, data: bytes, size: int) -> Source:
    """The text in what a file of `size` bytes begins with. Raises ProblemError as `read_source` does."""
    if len(data) > SIZE_LIMIT:
        limit = SIZE_LIMIT // 2**20
        message = f"the file has {size / 2**20:.1f} MiB; specs and rule files may have {limit} MiB"
        raise _refused(path, "too-large", message)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"expected UTF-8 text, found byte 0x{data[error.start]:02x} at {error.start}"
        raise _refused(path, "not-text", message) from None
    if "\0" in text:
        message = f"expected text, found a NUL byte at {text.index(chr(0))}: a binary file?"
        raise _refused(path, "not-text", message)
    return Source(str(path), text.replace("\r\n", "\n").replace("\r", "\n"))


def _refused(path: Path | str, code: str, message: str) -> ProblemError:
    return ProblemError(Problem(f"input/{code}", message, Source(str(path), "").span()))
