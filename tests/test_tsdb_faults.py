"""Blocks that are damaged, and what cannot be written: refused by file, and never a part of the samples."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.tsdb import (
    Rows,
    counter,
    number,
    read,
    rewrite_tombstones,
    sample_rows,
    series_of,
    up,
)

from tocsin.diagnostics import Problem, ProblemError, render
from tocsin.sources.tsdb.write import HOUR, write_blocks


def damaged(content: bytes, chance: random.Random) -> bytes:
    """A byte changed, or the end cut off, or a stretch replaced by another of another length."""
    at, kind = chance.randrange(len(content)), chance.random()
    if kind < 0.8:
        return content[:at] + bytes([content[at] ^ chance.randrange(1, 256)]) + content[at + 1 :]
    if kind < 0.9:
        return content[:at]
    return content[:at] + chance.randbytes(chance.randrange(30)) + content[at + chance.randrange(1, 30) :]


def attempt(path: Path) -> Rows | Problem:
    """The samples, or what was wrong."""
    try:
        return read(path)
    except ProblemError as error:
        found = error.problem
    assert render(found).startswith(str(path))
    return found


@pytest.mark.parametrize("seed", range(10))
def test_damaged_blocks_give_an_error_or_the_same_samples(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    rows = sample_rows(seed, 200)
    (block,) = write_blocks(series_of(rows), str(tmp_path), 1000 * HOUR)
    rewrite_tombstones(block, [(number(block, 3), 0, 1_700_001_000_000)])
    good = read(tmp_path)
    files = {path: path.read_bytes() for path in Path(block).rglob("*") if path.is_file() and path.name != "meta.json"}
    refused = 0
    for _ in range(1000):
        path = chance.choice(list(files))
        path.write_bytes(damaged(files[path], chance))
        found = attempt(tmp_path)
        assert isinstance(found, Problem) or found == good, path
        refused += isinstance(found, Problem)
        path.write_bytes(files[path])
    assert refused > 700


def test_a_damaged_description_never_gives_a_part(tmp_path: Path) -> None:
    chance = random.Random(1)
    rows = sample_rows(1, 50)
    blocks = write_blocks(series_of(rows), str(tmp_path), 2 * HOUR)
    metas = {Path(block, "meta.json"): Path(block, "meta.json").read_bytes() for block in blocks}
    for _ in range(300):
        path = chance.choice(list(metas))
        path.write_bytes(damaged(metas[path], chance))
        found = attempt(tmp_path)
        assert isinstance(found, Problem) or found == rows, path.read_bytes()
        path.write_bytes(metas[path])


BROKEN: list[tuple[str, Callable[[Path], object], str, str]] = [
    ("chunks/000001", lambda path: path.unlink(), "missing", "segment file 1"),
    ("chunks/000001", lambda path: shutil.rmtree(path.parent), "missing", "No such file"),
    ("chunks/000001", lambda path: path.write_bytes(path.read_bytes()[:-20]), "damaged", "the file ends at byte"),
    ("chunks/000001", lambda path: path.write_bytes(b"PAR1" + path.read_bytes()[4:]), "damaged", "begins with"),
    ("index", lambda path: path.unlink(), "missing", "No such file"),
    ("index", lambda path: path.write_bytes(b""), "truncated", "has 0 bytes"),
    ("index", lambda path: path.write_bytes(path.read_bytes()[:-1]), "damaged", "checksum"),
    ("index", lambda path: path.write_bytes(b"\xba\xaa\xd7\0\7" + path.read_bytes()[5:]), "damaged", "version 7"),
    ("tombstones", lambda path: path.write_bytes(path.read_bytes() + b"x"), "damaged", "checksum"),
    ("meta.json", lambda path: path.write_text("<html>"), "damaged", "not the description"),
    ("meta.json", lambda path: path.write_text('{"version": 9}'), "unsupported", "version 9"),
    ("meta.json", lambda path: path.write_text("[" * 100_000), "damaged", "not the description"),
]


@pytest.mark.parametrize(("file", "harm", "code", "message"), BROKEN)
def test_what_is_wrong_is_told_with_its_file(
    tmp_path: Path, file: str, harm: Callable[[Path], object], code: str, message: str
) -> None:
    (block,) = write_blocks(series_of({up(1): counter(0, 300)}), str(tmp_path))
    harm(Path(block, file))
    with pytest.raises(ProblemError) as caught:
        read(tmp_path)
    problem = caught.value.problem
    assert problem.code == f"input/{code}"
    assert message in problem.message
    assert problem.span.source.path.startswith(block)


def test_an_index_that_points_to_another_file_of_chunks(tmp_path: Path) -> None:
    (one,) = write_blocks(series_of({up(1): counter(0, 100)}), str(tmp_path))
    (other,) = write_blocks(series_of({up(1): counter(15, 100)}), str(tmp_path))
    shutil.copy(Path(one, "chunks", "000001"), Path(other, "chunks", "000001"))
    with pytest.raises(ProblemError, match="other times than the index"):
        read(tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProblemError) as caught:
        write_blocks(series_of({up(1): counter(0, 3)}), str(tmp_path / "file"))
    assert caught.value.problem.code == "input/unreadable"


def test_histograms_are_not_written_as_floats(tmp_path: Path) -> None:
    series = series_of({up(1): counter(0, 2)})
    with pytest.raises(ProblemError, match="native histograms"):
        write_blocks(replace(series, histograms=np.array([None, object()])), str(tmp_path))
    assert os.listdir(tmp_path) == []
