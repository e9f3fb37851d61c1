"""Parquet that is no recording, or a damaged one: a message with the column and the row, and no traceback."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.parquet import UP, everything, write_columns

from tocsin.diagnostics import Problem, ProblemError, render
from tocsin.series import Series
from tocsin.sources.arrow.write import write_parquet
from tocsin.sources.open import open_recording


def problem_of(path: str) -> Problem:
    with pytest.raises(ProblemError) as caught:
        everything(open_recording(path))
    assert path in render(caught.value.problem)
    return caught.value.problem


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"value": ["1", "2"]}, "the column `value` is string, expected a float or an integer"),
        ({"value": [True, False]}, "the column `value` is bool"),
        ({"value": [1.0, None]}, "the column `value` is null in row 2"),
        ({"timestamp": [1.5, 2.5]}, "the column `timestamp` is double, expected `int64` milliseconds or a timestamp"),
        ({"timestamp": [None, 5]}, "the column `timestamp` is null in row 1"),
        ({"timestamp": [1, 10**15]}, "the column `timestamp` is after the year 5000: write Unix milliseconds"),
        ({"port": [80, 443]}, "the column `port` is int64, expected text"),
        ({"job": [b"a", b"b"]}, "the column `job` is binary, expected text"),
        ({"labels": [["a"], ["b"]]}, "the column `labels` is list<"),
        ({"labels": pa.array([[("a", 1)], []], type=pa.map_(pa.string(), pa.int64()))}, "expected `map<text, text>`"),
        ({"__name__": ["up", None]}, "no metric name in column `__name__` in row 2"),
        ({"__name__": ["", "up"]}, "no metric name in column `__name__` in row 1"),
        (
            {"labels": pa.array([[], [("a", "1"), ("a", "2")]], type=pa.map_(pa.string(), pa.string()))},
            "the label `a` is given twice in row 2",
        ),
        (
            {"labels": pa.array([[("__name__", "down")], []], type=pa.map_(pa.string(), pa.string()))},
            "the label `__name__` is given twice in row 1",
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_is_wrong_is_told_with_its_column(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    assert message in problem_of(write_columns(tmp_path / "r", **columns)).message


@pytest.mark.parametrize("name", ["timestamp", "value", "__name__"])
def test_missing_columns_are_named(tmp_path: Path, name: str) -> None:
    pq.write_table(pa.table({key: column for key, column in UP.items() if key != name}), tmp_path / "r")
    assert f"no column `{name}`" in problem_of(str(tmp_path / "r")).message


def test_a_column_twice_and_a_file_without_rows(tmp_path: Path) -> None:
    table = pa.table([UP["__name__"], [1, 2], [1.0, 2.0], ["a", "b"], ["c", "d"]], [*UP, "job", "job"])
    pq.write_table(table, tmp_path / "r")
    assert "the column `job` is there twice" in problem_of(str(tmp_path / "r")).message
    pq.write_table(table.select([0, 1, 2]).slice(0, 0), tmp_path / "r")
    assert "holds no samples" in problem_of(str(tmp_path / "r")).message


def test_text_that_is_not_utf_8(tmp_path: Path) -> None:
    raw = pa.array([b"\xff", b"b"], type=pa.binary()).view(pa.string())
    for statistics in (True, False):
        pq.write_table(pa.table({**UP, "job": raw}), tmp_path / "r", write_statistics=statistics)
        assert "utf-8" in problem_of(str(tmp_path / "r")).message.lower()


def test_a_file_cut_or_broken_anywhere_is_refused_or_read(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    labels = tuple((("__name__", "up"), ("job", job)) for job in "abcd")
    write_parquet(Series(labels, np.arange(0, 241, 60), np.arange(240) * 1000, np.arange(240.0)), str(path))
    whole = path.read_bytes()
    for length in (4, 5, 12, len(whole) // 2, len(whole) - 9, len(whole) - 8, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert "is not whole Parquet" in problem_of(str(path)).message
    rng = np.random.default_rng(3)
    # Of damaged footers pyarrow ends the process on some, one bit in three hundred: its `RowGroupMetaData.column` lets
    # a C++ exception through. They cannot be told from sound ones without that call, so only the pages are damaged.
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for _ in range(400):
        damaged = bytearray(whole)
        damaged[int(rng.integers(4, footer))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with suppress(ProblemError):  # and nothing else
            everything(open_recording(str(path)))
