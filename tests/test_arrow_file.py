"""Arrow files: evaluated where they lie, bits and all; what is wrong is told with its series or row, never a crash."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.command import run
from tests.parquet import EVERYTHING, bits, everything

from tocsin.diagnostics import Problem, ProblemError, render
from tocsin.kernels import samples
from tocsin.labels import Labels, from_mapping
from tocsin.promql.ast import Matcher
from tocsin.series import STALE, STALE_BITS, Resident, Series
from tocsin.sources.arrow.mapped import Mapped
from tocsin.sources.arrow.mapped_recording import MappedRecording
from tocsin.sources.arrow.write_rows import write_arrow
from tocsin.sources.memory import MemoryRecording
from tocsin.sources.open import open_recording

UP = Matcher("__name__", "=", "up")
JOBS: dict[str, Any] = {
    "__name__": ["up", "up"],
    "job": ["a", "b"],
    "timestamps": [[1000, 2000], [1500]],
    "values": [[1.0, 0.0], [1.0]],
}

Run = list[tuple[int, int]]
Runs = dict[Labels, Run]


def series_of(runs: Runs) -> Series:
    ordered = sorted(runs)
    samples = [sample for labels in ordered for sample in runs[labels]]
    times, words = (np.array([sample[k] for sample in samples], dtype=kind) for k, kind in ((0, np.int64), (1, "u8")))
    return Series(tuple(ordered), np.cumsum([0, *(len(runs[one]) for one in ordered)]), times, words.view(np.float64))


label_sets = st.builds(
    lambda name, others: from_mapping({"__name__": name, **others}),
    st.sampled_from(["up", "a:b", "é"]),
    st.dictionaries(st.sampled_from(["job", "dotted.name", "labels", "values", "timestamps"]), st.sampled_from("xyü")),
)
words = st.integers(0, (1 << 64) - 1) | st.just(STALE_BITS)
runs = st.dictionaries(st.integers(-(10**6), 10**12), words, min_size=1, max_size=6).map(
    lambda run: sorted(run.items())
)
recordings = st.dictionaries(label_sets, runs, min_size=1, max_size=5)


@given(recordings)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_written_is_read_bit_by_bit(tmp_path: Path, runs: Runs) -> None:
    path, series = str(tmp_path / "r.arrow"), series_of(runs)
    write_arrow([series], path)
    recording = open_recording(path)
    assert recording.extent == (series.times.min(), series.times.max())
    assert bits(everything(recording)) == bits(series)
    memory = MemoryRecording(series)
    for matchers in ((UP,), (Matcher("job", "!=", "x"),), (UP, Matcher("values", "=", ""))):
        assert bits(recording.read(matchers, 0, 10**11)) == bits(memory.read(matchers, 0, 10**11))


@given(recordings, st.lists(st.integers(-(10**6), 10**12), max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_stretches_of_time_are_written_as_one(tmp_path: Path, runs: Runs, cuts: list[int]) -> None:
    """Also with stretches in which there is nothing."""
    path, series = str(tmp_path / "r.arrow"), series_of(runs)
    memory, edges = MemoryRecording(series), sorted([-(10**6), 10**12 + 1, *cuts])
    write_arrow((memory.read(EVERYTHING, low, high - 1) for low, high in pairwise(edges)), path)
    assert bits(everything(open_recording(path))) == bits(series)
    assert [one.name for one in tmp_path.iterdir()] == ["r.arrow"]


def test_what_is_evaluated_lies_in_the_file(tmp_path: Path) -> None:
    path = str(tmp_path / "r.arrow")
    write_arrow([series_of({from_mapping({"__name__": name}): [(1, 2), (3, 4)] for name in ("down", "up")})], path)
    recording = MappedRecording.open(path)
    assert isinstance(recording, Resident)
    held = recording.resident((UP,), 0, 5, stale=False)
    assert held is not None
    assert held.offsets.tolist() == [2, 4]
    assert not held.times.flags.owndata
    assert held.times.flags.writeable, "else kernels are compiled once more"


def test_markers_are_left_out_where_they_are_not_asked_for(tmp_path: Path) -> None:
    path = str(tmp_path / "r.arrow")
    write_arrow([series_of({(("__name__", "up"),): [(1, 2), (3, STALE_BITS), (4, 0)]})], path)
    held = [MappedRecording.open(path).resident((UP,), 0, 5, stale) for stale in (True, False)]
    assert [None if one is None else one.times.tolist() for one in held] == [[1, 3, 4], [1, 4]]


def write(path: Path, batches: Sequence[dict[str, Any]], compression: str | None = None) -> str:
    made = [pa.RecordBatch.from_pydict(columns) for columns in batches]
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, made[0].schema, options=options) as file:
        for batch in made:
            file.write_batch(batch)
    return str(path)


EXPECTED = bits(
    Series(
        tuple((("__name__", "up"), ("job", job)) for job in "ab"),
        np.array([0, 2, 3]),
        np.array([1000, 2000, 1500]),
        np.array([1.0, 0.0, 1.0]),
    )
)


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"timestamps": pa.array(JOBS["timestamps"], pa.large_list(pa.int64()))},
        {"timestamps": pa.array(JOBS["timestamps"], pa.list_(pa.timestamp("ms")))},
        {"timestamps": pa.array([[10**9, 2 * 10**9 + 99], [1_500_000_001]], pa.list_(pa.timestamp("ns", "UTC")))},
        {"values": pa.array([[1, 0], [1]], pa.list_(pa.int32()))},
        {"values": pa.array(JOBS["values"], pa.list_(pa.float32()))},
        {"job": pa.array(["a", "b"]).dictionary_encode()},
        {
            "job": pa.array([None, ""]),
            "labels": pa.array([[("job", "a")], [("job", "b")]], pa.map_("string", "string")),
        },
        {name: column[::-1] for name, column in JOBS.items()},
        {"instance": pa.nulls(2)},
    ],
    ids=lambda columns: (
        "-".join(f"{name}: {getattr(column, 'type', 'reversed')}" for name, column in columns.items()) or "as written"
    ),
)
@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_what_others_write_is_read(tmp_path: Path, columns: dict[str, Any], compression: str | None) -> None:
    path = write(tmp_path / "r.feather", [{**JOBS, **columns}], compression)
    assert bits(everything(open_recording(path))) == EXPECTED


def test_a_slice_of_a_table_and_rows_without_samples(tmp_path: Path) -> None:
    columns = {"__name__": ["x", "up", "y", "up"], "job": [None, "a", None, "b"]}
    columns |= {"timestamps": [[5, 4], [1000, 2000], [], [1500]], "values": [[1.0, 1.0], [1.0, 0.0], [], [1.0]]}
    batch = pa.RecordBatch.from_pydict(columns).slice(1)
    with pa.OSFile(str(tmp_path / "r"), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as file:
        file.write_batch(batch)
    assert bits(everything(open_recording(str(tmp_path / "r")))) == EXPECTED


def test_a_series_in_several_batches_is_put_together(tmp_path: Path) -> None:
    later = {**JOBS, "job": ["b", "c"], "timestamps": [[2500, 3000], [3000]]}
    recording = MappedRecording.open(write(tmp_path / "r", [later, JOBS]))
    found = bits(recording.read((UP,), 1500, 2500))
    assert {labels[1][1]: [time for time, _ in run] for labels, run in found.items()} == {
        "a": [2000],
        "b": [1500, 2500],
    }
    assert recording.resident((UP,), 1000, 3000, stale=True) is None
    assert recording.extent == (1000, 3000)


def problem_of(path: str) -> Problem:
    with pytest.raises(ProblemError) as caught:
        everything(open_recording(path))
    assert path in render(caught.value.problem)
    return caught.value.problem


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"timestamps": [1, 2]}, "the column `timestamps` is int64, expected lists of `int64` milliseconds"),
        ({"timestamps": [[1.5], [2.5]]}, "the column `timestamps` is list<item: double>, expected lists of `int64`"),
        ({"values": [["1", "0"], ["1"]]}, "the column `values` is list<item: string>, expected lists of floats"),
        ({"values": [[1.0], [1.0]]}, "row 1 has 2 timestamps and 1 values"),
        ({"values": [[1.0, None], [1.0]]}, "there are nulls in the lists of the column `values`"),
        ({"timestamps": [None, [1500]]}, "the column `timestamps` is null in row 1"),
        ({"timestamps": [[1000, 2000], [10**15]]}, 'the column `timestamps` is after the year 5000 for `up{job="b"}`'),
        (
            {"timestamps": pa.array([[1 << 62, (1 << 62) + 1], [1]], pa.list_(pa.timestamp("s")))},
            "the column `timestamps` has seconds that are no time",
        ),
        ({"timestamps": [[2000, 1000], [1]]}, 'timestamps of `up{job="a"}` do not rise: 1000 comes after 2000'),
        ({"timestamps": [[7, 7], [1]]}, 'the timestamps of `up{job="a"}` do not rise: 7 comes after 7'),
        ({"job": ["a", "a"]}, 'two rows of `up{job="a"}` overlap in time'),
        ({"__name__": ["up", None]}, "no metric name in column `__name__` in row 2"),
        ({"job": [1, 2]}, "the column `job` is int64, expected text"),
        ({"job": pa.array([b"a", b"\xff"]).view(pa.string())}, "not a whole Arrow file"),
        ({"labels": pa.array([[("job", "x")], []], pa.map_("string", "string"))}, "`job` is given twice in row 1"),
        ({"timestamps": [[], []], "values": [[], []]}, "timestamps"),
        ({name: column[:0] for name, column in JOBS.items()}, "the column"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    assert message in problem_of(write(tmp_path / "r", [{**JOBS, **columns}])).message


@pytest.mark.parametrize("name", ["timestamps", "values", "__name__"])
def test_missing_columns_are_named(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "r", [{key: column for key, column in JOBS.items() if key != name}])
    assert f"no column `{name}`" in problem_of(path).message


def test_a_file_without_samples(tmp_path: Path) -> None:
    empty = {**JOBS, "timestamps": pa.array([[], []], pa.list_(pa.int64()))}
    empty["values"] = pa.array([[], []], pa.list_(pa.float64()))
    assert "holds no samples" in problem_of(write(tmp_path / "r", [empty])).message
    write_arrow([], str(tmp_path / "none"))
    assert "no column `__name__`" in problem_of(str(tmp_path / "none")).message


DAMAGE = """
import sys
import numpy as np
from contextlib import suppress
from tests.parquet import everything
from tocsin.diagnostics import ProblemError
from tocsin.sources.open import open_recording
whole, path = open(sys.argv[1], "rb").read(), sys.argv[1] + ".damaged"
def read(damaged):
    open(path, "wb").write(damaged)
    with suppress(ProblemError):
        everything(open_recording(path))
for bit in range(int(sys.argv[2]), 8 * len(whole), 7):
    damaged = bytearray(whole)
    damaged[bit // 8] ^= 1 << bit % 8
    read(damaged)
for length in range(9, len(whole)):
    read(whole[:length])
print("alive")
"""


def test_damage_anywhere_is_refused_or_read(tmp_path: Path) -> None:
    """Every seventh bit turned, every length cut to: in a process of its own, that a crash be told from a failure."""
    path = write(tmp_path / "r", [{**JOBS, "job": pa.array(["a", "b"]).dictionary_encode()}])
    for first in (0, 3):
        done = subprocess.run(
            [sys.executable, "-c", DAMAGE, path, str(first)], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr[-2000:]


def test_a_file_that_is_cut_is_called_so(tmp_path: Path) -> None:
    whole = Path(write(tmp_path / "r", [JOBS])).read_bytes()
    for length in (len(whole) // 2, len(whole) - 9, len(whole) - 1):
        (tmp_path / "cut").write_bytes(whole[:length])
        assert "is not a whole Arrow file" in problem_of(str(tmp_path / "cut")).message


def test_the_order_of_long_series_is_looked_at_in_blocks() -> None:
    times = np.arange(3 * samples.BLOCK + 5)
    offsets, out = np.array([0, 1, len(times)]), np.empty(2, dtype=np.int64)
    samples.falls(times, offsets, np.array([0, 1]), out)
    assert out.tolist() == [-1, -1]
    for place in (2, samples.BLOCK, samples.BLOCK + 1, samples.BLOCK + 2, len(times) - 1):
        broken = times.copy()
        broken[place] = broken[place - 1]
        samples.falls(broken, offsets, np.array([0, 1]), out)
        assert out.tolist() == [-1, place - 1]


def test_a_marker_is_found_wherever_it_is() -> None:
    values = np.zeros(2 * samples.BLOCK + 3)
    marker = np.uint64(STALE_BITS)
    assert not samples.holds(values.view(np.uint64), marker)
    for place in (0, samples.BLOCK - 1, samples.BLOCK, len(values) - 1):
        marked = values.copy()
        marked[place] = STALE
        assert samples.holds(marked.view(np.uint64), marker)


def test_compressed_columns_do_not_lie_in_the_file(tmp_path: Path) -> None:
    mapped = Mapped.open(write(tmp_path / "r", [{**JOBS, "values": [[1.0] * 2, [1.0]]}], "zstd"))
    array = mapped.batches()[0][0].column("values").flatten()
    assert mapped.column(array, np.float64).tolist() == [1.0, 1.0, 1.0]


def test_record_writes_it_and_query_reads_it(tmp_path: Path) -> None:
    """From any source: so a recording of another kind is converted."""
    (tmp_path / "rules.yaml").write_text("groups: [{name: g, rules: [{alert: Down, expr: up == 0}]}]\n")
    (tmp_path / "r.om").write_text("up 1 1000\nup 0 1060\n# EOF\n")
    times = "--since", "1970-01-01T00:15:00Z", "--until", "1100"
    done = run("record", "rules.yaml", "--from", "r.om", *times, "-o", "made.arrow", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    asked = [run("query", "up", "--data", one, "--time", "1070", cwd=tmp_path) for one in ("made.arrow", "r.om")]
    assert asked[0].stdout == asked[1].stdout
    assert "up" in asked[0].stdout
