"""Parquet: every layout of the same samples reads alike, bits and all, and what is wrong is told with its column."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.command import run
from tests.parquet import EVERYTHING, UP, bits, everything, write_columns

from tocsin.diagnostics import ProblemError, Text
from tocsin.engine.evaluate import evaluate_range
from tocsin.labels import Labels, from_mapping
from tocsin.promql.ast import Matcher
from tocsin.promql.parse import parse
from tocsin.series import STALE, Series
from tocsin.sources.arrow import pages
from tocsin.sources.arrow.decode import decode
from tocsin.sources.arrow.recording import KEPT, ParquetRecording
from tocsin.sources.arrow.write import write_parquet, writing
from tocsin.sources.memory import MemoryRecording
from tocsin.sources.open import open_recording


def series_of(samples: Mapping[Labels, Mapping[int, int]]) -> Series:
    """Series of times and bits; those without a sample are left out, as in any recording."""
    labels = sorted(one for one in samples if samples[one])
    lengths = [len(samples[one]) for one in labels]
    times = [time for one in labels for time in sorted(samples[one])]
    words = [samples[one][time] for one in labels for time in sorted(samples[one])]
    return Series(
        tuple(labels),
        np.cumsum([0, *lengths]),
        np.array(times, dtype=np.int64),
        np.array(words, dtype=np.uint64).view(np.float64),
    )


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)
label_sets = st.builds(
    lambda name, others: from_mapping({"__name__": name, **others}),
    st.sampled_from(["up", "a:b", "é"]),
    st.dictionaries(st.sampled_from(["job", "instance", "dotted.name", "labels"]), texts | st.just("x"), max_size=3),
)
words = st.integers(0, (1 << 64) - 1) | st.just(int(np.array([STALE]).view(np.uint64)[0]))
recordings = st.dictionaries(
    label_sets, st.dictionaries(st.integers(-(10**6), 10**12), words, min_size=1, max_size=6), min_size=1, max_size=5
).map(series_of)


@given(recordings)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_bit_by_bit(tmp_path: Path, series: Series) -> None:
    path = str(tmp_path / "r.parquet")
    write_parquet(series, path)
    recording = open_recording(path)
    found = everything(recording)
    assert recording.extent == (series.times.min(), series.times.max())
    assert found.labels == series.labels
    assert bits(found) == bits(series)
    assert recording.problems == ()


Columns = dict[str, list[Any]]


def rows_of(series: Series) -> Columns:
    """A row a sample: `labels` as lists of pairs, times and values."""
    owner = np.repeat(np.arange(len(series.labels)), np.diff(series.offsets))
    return {
        "labels": [list(series.labels[index]) for index in owner],
        "timestamp": series.times.tolist(),
        "value": [np.float64(value) for value in series.values],
    }


def as_columns(rows: Columns, text: pa.DataType) -> pa.Table:
    names = sorted({name for labels in rows["labels"] for name, _ in labels})
    columns = {name: pa.array([dict(labels).get(name) for labels in rows["labels"]], type=text) for name in names}
    return pa.table({**columns, **numbers(rows)})


def as_map(rows: Columns, _text: pa.DataType) -> pa.Table:
    return pa.table({"labels": pa.array(rows["labels"], type=pa.map_(pa.string(), pa.string())), **numbers(rows)})


def as_both(rows: Columns, text: pa.DataType) -> pa.Table:
    names = pa.array([dict(labels)["__name__"] for labels in rows["labels"]], type=text)
    rest = [[pair for pair in labels if pair[0] != "__name__"] or None for labels in rows["labels"]]
    return pa.table(
        {"__name__": names, "labels": pa.array(rest, type=pa.map_(pa.string(), pa.string())), **numbers(rows)}
    )


def numbers(rows: Columns) -> dict[str, pa.Array]:
    return {"timestamp": pa.array(rows["timestamp"], type=pa.int64()), "value": pa.array(np.array(rows["value"]))}


def without_labels_column(series: Series) -> Series:
    """A column of text that is named `labels` is a label; a map cannot stand beside it."""
    return Series(
        tuple(tuple(pair if pair[0] != "labels" else ("label", pair[1]) for pair in one) for one in series.labels),
        series.offsets,
        series.times,
        series.values,
    )


@given(
    recordings,
    st.sampled_from([as_columns, as_map, as_both]),
    st.sampled_from([pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())]),
    st.integers(1, 8),
    st.booleans(),
    st.booleans(),
    st.randoms(use_true_random=False),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_in_any_order_and_layout_are_the_same_series(
    tmp_path: Path,
    series: Series,
    table_of: Callable[[Columns, pa.DataType], pa.Table],
    text: pa.DataType,
    rows_in_group: int,
    statistics: bool,
    dictionaries: bool,
    random: Any,
) -> None:
    series = without_labels_column(series)
    table = table_of(rows_of(series), text)
    order = list(range(len(table)))
    random.shuffle(order)
    path = str(tmp_path / "r.parquet")
    pq.write_table(
        table.take(order),
        path,
        row_group_size=rows_in_group,
        write_statistics=statistics,
        use_dictionary=dictionaries,
    )
    recording = open_recording(path)
    found = everything(recording)
    assert list(found.labels) == sorted(series.labels)
    assert bits(found) == bits(series)
    assert recording.extent == (series.times.min(), series.times.max())


HOUR = 3_600_000
METRICS = [
    from_mapping({"__name__": name, "job": job, "instance": instance})
    for name in ("requests_total", "up")
    for job in ("api", "web")
    for instance in ("", "a", "b")
]


@pytest.fixture(scope="module")
def days() -> Series:
    """Three days, a sample a minute, of twelve series; some with staleness markers and gaps."""
    rng = np.random.default_rng(7)
    samples = {}
    for labels in METRICS:
        times = np.arange(0, 72 * HOUR, 60_000) + rng.integers(0, 500)
        times = times[rng.random(len(times)) < 0.98]
        values = np.cumsum(rng.poisson(5.0, len(times)) * 0.1)
        values[rng.random(len(times)) < 0.01] = STALE
        samples[labels] = dict(zip(times.tolist(), values.view(np.uint64).tolist(), strict=True))
    return series_of(samples)


SELECTIONS: list[Sequence[Matcher]] = [
    EVERYTHING,
    (Matcher("__name__", "=", "up"),),
    (Matcher("__name__", "=", "nothing"),),
    (Matcher("__name__", "=", "up"), Matcher("instance", "=", "")),
    (Matcher("job", "!=", "api"), Matcher("instance", "=~", "a|b")),
    (Matcher("instance", "!~", "a"), Matcher("other", "=", "")),
    (Matcher("other", "=", "x"),),
]


@pytest.mark.parametrize("rows", [100, 5_000, 1 << 20])
@pytest.mark.parametrize("by", [("series",), ("time",)])
@pytest.mark.parametrize("keep", [0, 10_000, KEPT])
def test_any_stretch_of_any_metrics_is_what_memory_gives(
    tmp_path: Path, days: Series, rows: int, by: tuple[str], keep: int
) -> None:
    table = as_columns(rows_of(days), pa.dictionary(pa.int32(), pa.string()))
    path = str(tmp_path / "r.parquet")
    pq.write_table(table.sort_by("timestamp") if by == ("time",) else table, path, row_group_size=rows)
    recording, memory = ParquetRecording.open(path, keep), MemoryRecording(days)
    for matchers in SELECTIONS:
        for start in range(-HOUR, 73 * HOUR, 9 * HOUR):
            found, expected = (one.read(matchers, start, start + 10 * HOUR) for one in (recording, memory))
            assert found.labels == expected.labels
            assert found.offsets.tolist() == expected.offsets.tolist()
            assert bits(found) == bits(expected)


def test_only_the_row_groups_that_may_match_are_decoded(
    tmp_path: Path, days: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "r.parquet")
    with writing(path, ["__name__", "instance", "job"]) as write:
        for day in range(3):
            write(MemoryRecording(days).read(EVERYTHING, 24 * HOUR * day, 24 * HOUR * (day + 1) - 1))
    decoded: list[int] = []

    def noting(path: str, layout: Any, read: Any, groups: Any) -> Any:
        decoded.extend(group.rows for group in groups)
        return decode(path, layout, read, groups)

    monkeypatch.setattr(pages, "decode", noting)
    recording = ParquetRecording.open(path)
    assert decoded == [], "opening decodes nothing"
    series = recording.read((Matcher("__name__", "=", "up"), Matcher("job", "=", "api")), 25 * HOUR, 26 * HOUR)
    assert len(series.labels) == 3
    assert sum(decoded) < len(days.times) / 2
    before = len(decoded)
    recording.read((Matcher("__name__", "=", "up"), Matcher("job", "=", "api")), 26 * HOUR, 27 * HOUR)
    assert len(decoded) == before, "what was decoded is kept"


def test_a_query_answers_as_on_openmetrics(tmp_path: Path, days: Series) -> None:
    lines = []
    for labels, samples in bits(days).items():
        pairs = ",".join(f'{name}="{value}"' for name, value in labels if name != "__name__")
        for time, word in samples:
            value = float(np.array([word], dtype=np.uint64).view(np.float64)[0])
            if value == value:  # the text format has no staleness markers
                lines.append(f"{dict(labels)['__name__']}{{{pairs}}} {value!r} {time / 1000:.3f}")
    text = tmp_path / "r.om"
    text.write_text("\n".join([*lines, "# EOF", ""]))
    plain = open_recording(str(text))
    path = str(tmp_path / "r.parquet")
    write_parquet(everything(plain), path)
    expr = parse(Text.of("sum by (job) (rate(requests_total[5m])) / sum by (job) (up)"))
    answers = [evaluate_range(expr, one, HOUR, 70 * HOUR, 60_000).frame for one in (plain, open_recording(path))]
    assert len(answers[0].labels) == 2
    assert answers[0].labels == answers[1].labels
    assert answers[0].values.tobytes() == answers[1].values.tobytes()
    assert answers[0].present.tobytes() == answers[1].present.tobytes()


@pytest.mark.parametrize(
    ("kind", "factor"),
    [
        (pa.timestamp("s"), 1e-3),
        (pa.timestamp("ms", "UTC"), 1),
        (pa.timestamp("us"), 1e3),
        (pa.timestamp("ns", "Asia/Tokyo"), 1e6),
    ],
)
def test_timestamps_of_every_unit(tmp_path: Path, kind: pa.DataType, factor: float) -> None:
    times = pa.array([int(-2000 * factor), int(3000 * factor)], type=pa.int64()).cast(kind)
    recording = open_recording(write_columns(tmp_path / "r", timestamp=times))
    assert recording.extent == (-2000, 3000)
    assert everything(recording).times.tolist() == [-2000, 3000]


def test_what_is_finer_than_a_millisecond_is_cut_off(tmp_path: Path) -> None:
    times = pa.array([-1999, 1999], type=pa.timestamp("us"))
    recording = open_recording(write_columns(tmp_path / "r", timestamp=times))
    assert recording.extent == (-1, 1)
    assert everything(recording).times.tolist() == [-1, 1]


def test_old_96_bit_timestamps_have_no_statistics_and_are_read_all_the_same(tmp_path: Path) -> None:
    table = pa.table({**UP, "timestamp": pa.array([5_000_000, 7_000_000], type=pa.timestamp("ns"))})
    pq.write_table(table, tmp_path / "r", use_deprecated_int96_timestamps=True)
    recording = open_recording(str(tmp_path / "r"))
    assert recording.extent == (5, 7)
    assert everything(recording).times.tolist() == [5, 7]


@pytest.mark.parametrize("kind", [pa.float32(), pa.int64(), pa.uint8(), pa.float16()])
def test_values_of_every_kind_of_number(tmp_path: Path, kind: pa.DataType) -> None:
    values = pa.array(np.array([1.0, 200.0]).astype(kind.to_pandas_dtype()), type=kind)
    series = everything(open_recording(write_columns(tmp_path / "r", value=values)))
    assert series.values.tolist() == [1.0, 200.0]
    assert series.values.dtype == np.float64


def test_null_and_empty_labels_are_one_series(tmp_path: Path) -> None:
    recording = open_recording(write_columns(tmp_path / "r", job=["", None], nothing=pa.nulls(2)))
    assert everything(recording).labels == ((("__name__", "up"),),)


def test_of_two_values_at_one_time_the_first_of_the_file_is_kept(tmp_path: Path) -> None:
    table = pa.table(
        {
            "__name__": ["up"] * 6,
            "timestamp": [3000, 1000, 2000, 2000, 1000, 3000],
            "value": [3.0, 1.0, 2.0, 9.0, 1.0, 8.0],
        }
    )
    for rows in (6, 4, 2):
        pq.write_table(table, tmp_path / "r", row_group_size=rows)
        recording = open_recording(str(tmp_path / "r"))
        series = everything(recording)
        assert (series.times.tolist(), series.values.tolist()) == ([1000, 2000, 3000], [1.0, 2.0, 3.0])
        everything(recording)
        messages = [problem.message for problem in recording.problems]
        assert len(messages) == len(set(messages))
        assert any(
            "`up` at 2.000 has another value" in one or "`up` at 3.000 has another value" in one for one in messages
        )
        assert any("`up` at 1.000 has the same value again" in one for one in messages)


def test_warnings_of_row_groups_reach_the_person_who_asks(tmp_path: Path) -> None:
    path = write_columns(tmp_path / "r", timestamp=[1000, 1000])
    done = run("query", "up", "--data", path, "--time", "2", cwd=tmp_path)
    assert done.returncode == 0
    assert "`up` at 1.000 has another value: the first in the file is kept, 1 dropped" in done.stderr


def test_only_a_parquet_file_costs_the_import_of_pyarrow(tmp_path: Path) -> None:
    (tmp_path / "r.om").write_text("up 1 1\n# EOF\n")
    program = "import sys; from tocsin.sources.open import open_recording; open_recording(sys.argv[1]); "
    for path, loaded in ((str(tmp_path / "r.om"), False), (write_columns(tmp_path / "r"), True)):
        check = f"{program}assert ('pyarrow' in sys.modules) is {loaded}; assert 'pyarrow.dataset' not in sys.modules"
        subprocess.run([sys.executable, "-c", check, path], check=True)


def test_without_pyarrow_a_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_columns(tmp_path / "r")
    monkeypatch.delitem(sys.modules, "tocsin.sources.arrow.recording", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ProblemError, match="needs the Python package pyarrow"):
        open_recording(path)
