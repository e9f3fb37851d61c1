"""Series, stretch by stretch, to a Parquet or an Arrow file or to a folder of blocks, whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tocsin.series import Series
from tocsin.sources.arrow.write import writing
from tocsin.sources.arrow.write_rows import write_arrow
from tocsin.sources.tsdb.write import SPAN, write_blocks

STEP = SPAN
"""Stretches of time begin and end at multiples of this, for blocks do."""


class Target(Protocol):
    """Where a recording goes: to `path`."""

    @property
    def path(self) -> Path: ...

    def write(self, parts: Iterable[Series], names: Sequence[str], folder: Path) -> None:
        """Write series with labels of these names, the later parts with the later samples.

        What is not whole yet lies in `folder`, on the same file system. Raises OSError.
        """
        ...


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """A file, which takes the place of the one that was there."""

    path: Path

    def write(self, parts: Iterable[Series], names: Sequence[str], folder: Path) -> None:
        making = folder / "recording"
        with writing(str(making), names) as write:
            for series in parts:
                write(series)
        _put(making, self.path)


@dataclass(frozen=True, slots=True)
class ArrowFile:
    """A file, which takes the place of the one that was there."""

    path: Path

    def write(self, parts: Iterable[Series], names: Sequence[str], folder: Path) -> None:  # noqa: ARG002
        making = folder / "recording"
        write_arrow(parts, str(making))
        _put(making, self.path)


def _put(made: Path, path: Path) -> None:
    with made.open("rb") as file:
        os.fsync(file.fileno())
    made.replace(path)


@dataclass(frozen=True, slots=True)
class BlockFolder:
    """A folder, to which blocks are added."""

    path: Path

    def write(self, parts: Iterable[Series], names: Sequence[str], folder: Path) -> None:  # noqa: ARG002
        making = folder / "blocks"
        shutil.rmtree(making, ignore_errors=True)
        blocks = [Path(block) for series in parts for block in write_blocks(series, str(making))]
        self.path.mkdir(parents=True, exist_ok=True)
        for block in _new(blocks, self.path):
            block.rename(self.path / block.name)


def _new(blocks: Iterable[Path], folder: Path) -> Iterator[Path]:
    """The names of blocks follow from what they hold."""
    return (block for block in blocks if not (folder / block.name).exists())


def target_of(out: str) -> Target | None:
    """`FILE.parquet`, `FILE.arrow`, or `DIR/` or a folder that exists; None for any other name."""
    path = Path(out)
    if out.endswith(("/", os.sep)) or path.is_dir():
        return BlockFolder(path)
    kind = _FILES.get(path.suffix)
    return None if kind is None else kind(path)


_FILES: dict[str, Callable[[Path], Target]] = {".parquet": ParquetFile, ".arrow": ArrowFile}


def partial_of(target: Target) -> Path:
    """The folder beside a target that holds what is not whole yet."""
    path = target.path.absolute()
    return path.with_name(f".{path.name}.partial")
