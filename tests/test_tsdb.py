"""Prometheus's files: the samples that promtool prints, bit for bit, both ways; damaged ones are refused."""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.prometheus import openmetrics
from tests.remote_write import HEADERS, body
from tests.tsdb_server import server
from tests.xor2 import encode_xor2

from tocsin.diagnostics import Problem, ProblemError, Severity, render
from tocsin.kernels.bits import Bytes
from tocsin.kernels.crc32c import crc32c
from tocsin.kernels.merge import merge_runs
from tocsin.labels import Labels, from_mapping
from tocsin.promql.ast import Matcher
from tocsin.series import STALE, STALE_BITS, Series
from tocsin.sources.open import open_recording
from tocsin.sources.tsdb.index import open_index
from tocsin.sources.tsdb.write import HOUR, write_blocks
from tocsin.sources.tsdb.write_index import checksum, uvarint, varint

EVERYTHING = (Matcher("__name__", "=~", ".*"),)
Rows = dict[Labels, list[tuple[int, int]]]
"""Samples of each series as times and bits."""


def series_of(rows: Rows) -> Series:
    labels = sorted(rows)
    sizes = [len(rows[one]) for one in labels]
    flat = [sample for one in labels for sample in rows[one]]
    times = np.array([time for time, _ in flat], dtype=np.int64)
    bits = np.array([bits for _, bits in flat], dtype=np.uint64)
    offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    return Series(tuple(labels), offsets, times, bits.view(np.float64))


def rows_of(series: Series) -> Rows:
    bits, times = series.values.view(np.uint64).tolist(), series.times.tolist()
    ends = pairwise(series.offsets.tolist())
    return {one: list(zip(times[a:b], bits[a:b], strict=True)) for one, (a, b) in zip(series.labels, ends, strict=True)}


def read(path: Path | str, matchers: Sequence[Matcher] = EVERYTHING) -> Rows:
    recording = open_recording(str(path))
    return rows_of(recording.read(matchers, *recording.extent))


def bits(value: float) -> int:
    return int(np.float64(value).view(np.uint64))


def up(i: int | str) -> Labels:
    return from_mapping({"__name__": "up", "i": str(i)})


def counter(start: int, n: int, step: int = 15_000) -> list[tuple[int, int]]:
    return [(start + i * step, bits(float(i * 3))) for i in range(n)]


def dump(folder: Path) -> list[str]:
    (folder / "wal").mkdir(exist_ok=True)  # promtool 2.42 prints nothing without
    done = subprocess.run(["promtool", "tsdb", "dump", str(folder)], capture_output=True, text=True, check=True)
    (folder / "wal").rmdir()
    return done.stdout.splitlines()


def assert_as_dumped(rows: Rows, lines: Sequence[str]) -> None:
    """promtool prints each value so that it can be read back, but every NaN alike."""
    expected = [
        ("{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}", time, number)
        for labels, samples in sorted(rows.items())
        for time, number in samples
    ]
    assert len(lines) == len(expected)
    for line, (labels, at, number) in zip(lines, expected, strict=True):
        text, value, stamp = line.rsplit(" ", 2)
        assert (text, int(stamp)) == (labels, at)
        ours = np.uint64(number).view(np.float64)
        assert np.isnan(ours) if value == "NaN" else bits(float(value)) == number, line


def sample_rows(seed: int, n: int = 700) -> Rows:
    """Series of many kinds, over several two-hour ranges, with gaps and times that wobble."""
    chance = random.Random(seed)
    rows: Rows = {}
    kinds: list[Callable[[int], float]] = [
        lambda i: float(i),
        lambda _: chance.random(),
        lambda _: 1.0,
        lambda _: chance.choice([0.0, -0.0, np.inf, -np.inf, 1e-320, 1e308]),
        lambda i: float(i // 50),
        lambda _: float(chance.randint(-5, 5)),
    ]
    for i in range(24):
        at = 1_700_000_000_000 + chance.randint(0, 10**6)
        samples = []
        for k in range(chance.choice([1, 2, 3, 119, 120, 121, n])):
            samples.append((at, bits(kinds[i % len(kinds)](k))))
            at += chance.choice(
                [15_000, 15_000, 15_000, 15_001, 14_999, 60_000, 1, 3_700_000 if k % 97 == 0 else 15_000]
            )
        rows[from_mapping({"__name__": f"m{i % 5}", "i": str(i), "job": "ä" if i % 2 else ""})] = samples
    return rows


@pytest.mark.live("promtool")
@pytest.mark.parametrize("seed", [1, 2])
def test_blocks_that_promtool_makes_are_read_as_promtool_reads_them(tmp_path: Path, seed: int) -> None:
    rows = sample_rows(seed)
    text = openmetrics(
        {labels: [(at, float(np.uint64(b).view(np.float64))) for at, b in own] for labels, own in rows.items()}
    )
    (tmp_path / "in.om").write_text(text)
    make = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(tmp_path / "in.om"), str(tmp_path / "data")]
    subprocess.run(make, check=True, capture_output=True)
    found = read(tmp_path / "data")
    assert found == rows
    assert_as_dumped(found, dump(tmp_path / "data"))
    blocks = [one for one in (tmp_path / "data").iterdir() if (one / "meta.json").exists()]
    assert len(blocks) > 1
    for block in blocks:
        assert set(read(block)) <= set(rows)


@pytest.mark.live("promtool")
def test_blocks_that_we_write_are_read_by_promtool(tmp_path: Path) -> None:
    rows = sample_rows(3)
    blocks = write_blocks(series_of(rows), str(tmp_path / "data"), span=2 * HOUR)
    assert len(blocks) > 2
    assert_as_dumped(rows, dump(tmp_path / "data"))
    for block in blocks:
        name = os.path.basename(block)
        command = ["promtool", "tsdb", "analyze", str(tmp_path / "data"), name]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        meta = json.loads(Path(block, "meta.json").read_text())
        assert f"Block ID: {name}" in done.stdout
        assert f"Series: {meta['stats']['numSeries']}\n" in done.stdout
    assert read(tmp_path / "data") == rows


@pytest.mark.live("promtool")
def test_our_chunks_are_promtools_chunks(tmp_path: Path) -> None:
    rows = {up(i): counter(1_700_006_400_000 + i, 100 + i) for i in range(3)}
    text = openmetrics(
        {one: [(at, float(np.uint64(b).view(np.float64))) for at, b in own] for one, own in rows.items()}
    )
    (tmp_path / "in.om").write_text(text)
    make = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(tmp_path / "in.om"), str(tmp_path / "theirs")]
    subprocess.run(make, check=True, capture_output=True)
    (theirs,) = (one for one in (tmp_path / "theirs").iterdir() if (one / "meta.json").exists())
    (ours,) = write_blocks(series_of(rows), str(tmp_path / "ours"))
    assert Path(ours, "chunks", "000001").read_bytes() == (theirs / "chunks" / "000001").read_bytes()
    assert Path(ours, "tombstones").read_bytes() == (theirs / "tombstones").read_bytes()


numbers = st.one_of(
    st.floats().map(bits),
    st.integers(0, (1 << 64) - 1),
    st.sampled_from(
        [STALE_BITS, bits(0.0), bits(-0.0), bits(np.inf), bits(1.0), 0x7FF8000000000001, 0xFFF8DEADBEEF0000]
    ),
    st.integers(0, 1000).map(lambda i: bits(float(i))),
)
gaps = st.one_of(st.just(15_000), st.integers(1, 20), st.integers(1, 10**6), st.integers(1, 10**11))


@st.composite
def many_series(draw: st.DrawFn) -> Rows:
    rows: Rows = {}
    for i in range(draw(st.integers(1, 4))):
        at = draw(st.integers(-(10**9), 2 * 10**12))
        samples = []
        for gap, value in draw(st.lists(st.tuples(gaps, numbers), min_size=1, max_size=150)):
            samples.append((at, value))
            at += gap
        rows[from_mapping({"__name__": draw(st.sampled_from(["a", "b", "größe"])), "i": str(i)})] = samples
    return rows


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(many_series())
def test_what_is_written_is_read_again(tmp_path: Path, rows: Rows) -> None:
    folder = tmp_path / "data"
    shutil.rmtree(folder, ignore_errors=True)
    every = [at for own in rows.values() for at, _ in own]
    span = max(2 * HOUR, (max(every) - min(every)) // 20)
    blocks = write_blocks(series_of(rows), str(folder), span)
    assert write_blocks(series_of(rows), str(folder), span) == blocks
    assert sorted(os.listdir(folder)) == sorted(os.path.basename(block) for block in blocks)
    assert read(folder) == rows
    assert open_recording(str(folder)).extent == (min(every), max(every))


@given(many_series(), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_a_part_in_time_is_what_lies_within(tmp_path: Path, rows: Rows, data: st.DataObject) -> None:
    folder = tmp_path / "data"
    shutil.rmtree(folder, ignore_errors=True)
    every = sorted(at for own in rows.values() for at, _ in own)
    write_blocks(series_of(rows), str(folder), max(2 * HOUR, (every[-1] - every[0]) // 20))
    start, end = sorted(data.draw(st.sampled_from(every)) + data.draw(st.integers(-1, 1)) for _ in range(2))
    within = {one: [(at, b) for at, b in own if start <= at <= end] for one, own in rows.items()}
    found = rows_of(open_recording(str(folder)).read(EVERYTHING, start, end))
    assert found == {one: own for one, own in within.items() if own}


MATCHERS: list[tuple[tuple[Matcher, ...], Callable[[dict[str, str]], bool]]] = [
    ((Matcher("__name__", "=", "m0"),), lambda labels: labels["__name__"] == "m0"),
    ((Matcher("i", "=~", "1.|2"),), lambda labels: labels["i"] in ("2", *(f"1{k}" for k in range(10)))),
    ((Matcher("i", "!~", "1.|2"),), lambda labels: labels["i"] not in ("2", *(f"1{k}" for k in range(10)))),
    ((Matcher("job", "=", ""),), lambda labels: "job" not in labels),
    ((Matcher("job", "!=", ""),), lambda labels: "job" in labels),
    ((Matcher("job", "!=", "ä"),), lambda labels: "job" not in labels),
    ((Matcher("job", "=~", "ä|"), Matcher("i", "=", "3")), lambda labels: labels["i"] == "3"),
    ((Matcher("none", "=", "x"),), lambda _: False),
    ((Matcher("none", "!~", "x"), Matcher("__name__", "!=", "m1")), lambda labels: labels["__name__"] != "m1"),
    ((), lambda _: True),
]


@pytest.mark.parametrize("case", range(len(MATCHERS)))
def test_matchers(tmp_path: Path, case: int) -> None:
    rows = sample_rows(4)
    write_blocks(series_of(rows), str(tmp_path))
    matchers, wanted = MATCHERS[case]
    assert read(tmp_path, matchers) == {one: own for one, own in rows.items() if wanted(dict(one))}


def test_blocks_that_overlap_become_one(tmp_path: Path) -> None:
    whole = counter(1_700_000_000_000, 500)
    late = [(at + 7, b) for at, b in whole[200:210]]
    write_blocks(series_of({up(1): whole[:300], up(2): whole[:10]}), str(tmp_path), 1000 * HOUR)
    write_blocks(series_of({up(1): whole[100:500], up(2): late}), str(tmp_path), 1000 * HOUR)
    write_blocks(series_of({up(1): late}), str(tmp_path), 1000 * HOUR)
    recording = open_recording(str(tmp_path))
    found = rows_of(recording.read(EVERYTHING, *recording.extent))
    assert found == {up(1): sorted(whole + late), up(2): whole[:10] + late}
    assert recording.problems == ()


def test_blocks_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    write_blocks(series_of({up(1): [(1000, bits(1)), (2000, bits(2)), (3000, bits(3))]}), str(tmp_path))
    write_blocks(series_of({up(1): [(2000, bits(9)), (4000, bits(4))]}), str(tmp_path))
    recording = open_recording(str(tmp_path))
    found = rows_of(recording.read(EVERYTHING, 0, 5000))
    assert [at for at, _ in found[up(1)]] == [1000, 2000, 3000, 4000]
    (problem,) = recording.problems
    assert problem.severity is Severity.WARNING
    assert "1 samples contradict" in problem.message


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2)), min_size=1, max_size=12), min_size=1, max_size=4
    )
)
def test_runs_are_merged_to_each_time_once(runs: list[list[tuple[int, int]]]) -> None:
    sorted_runs = [sorted(dict(run).items()) for run in runs]
    flat = [sample for run in sorted_runs for sample in run]
    times, values = (np.array(column, dtype=kind) for column, kind in zip(zip(*flat, strict=True), "qQ", strict=True))
    to_times, to_values = np.empty_like(times), np.empty_like(values)
    length, conflicts = merge_runs(times, values, to_times, to_values)
    offered: dict[int, list[int]] = {}
    for at, b in flat:
        offered.setdefault(at, []).append(b)
    assert to_times[:length].tolist() == sorted(offered)
    assert all(b in offered[at] for at, b in zip(to_times[:length].tolist(), to_values[:length].tolist(), strict=True))
    kept = dict(zip(to_times[:length].tolist(), to_values[:length].tolist(), strict=True))
    assert conflicts == sum(b != kept[at] for at, b in flat)


def rewrite_tombstones(block: str, entries: Sequence[tuple[int, int, int]]) -> None:
    content = b"".join(uvarint(ref) + varint(first) + varint(last) for ref, first, last in entries)
    Path(block, "tombstones").write_bytes(struct.pack(">IB", 0x0130BA30, 1) + content + checksum(content))


def test_what_was_deleted_is_gone(tmp_path: Path) -> None:
    rows = {up(1): counter(0, 300), up(2): counter(0, 300)}
    (block,) = write_blocks(series_of(rows), str(tmp_path))
    ref = number(block)
    rewrite_tombstones(block, [(ref, 0, 30_000), (ref, 1_500_000, 1_500_000), (ref, 4_000_000, 1 << 60)])
    kept = [(at, b) for at, b in rows[up(1)] if 30_000 < at < 4_000_000 and at != 1_500_000]
    assert read(tmp_path) == {up(1): kept, up(2): rows[up(2)]}
    rewrite_tombstones(block, [(ref, -1, 1 << 60), (number(block, 1), 0, 15_000)])
    assert read(tmp_path) == {up(2): rows[up(2)][2:]}
    assert open_recording(str(tmp_path)).extent == (30_000, 299 * 15_000)


def number(block: str, which: int = 0) -> int:
    """What the index calls one of its series."""
    return int(open_index(os.path.join(block, "index")).everything().refs[which])


def edit_meta(block: str, **changes: object) -> None:
    path = Path(block, "meta.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_thanos_gives_its_labels_and_mimir_keeps_its_own(tmp_path: Path) -> None:
    rows = {up(1): counter(0, 5), from_mapping({"__name__": "up", "cluster": "own"}): counter(0, 2)}
    (block,) = write_blocks(series_of(rows), str(tmp_path))
    edit_meta(
        block, thanos={"labels": {"cluster": "a", "__compactor_shard_id__": "1_of_2"}, "downsample": {"resolution": 0}}
    )
    given_one = from_mapping({"__name__": "up", "cluster": "a", "i": "1"})
    assert set(read(tmp_path)) == {given_one, from_mapping({"__name__": "up", "cluster": "a"})}
    assert set(read(tmp_path, (Matcher("cluster", "=~", "a|b"), Matcher("i", "=", "1")))) == {given_one}
    assert read(tmp_path, (Matcher("cluster", "!=", "a"),)) == {}


def test_downsampled_blocks_are_named(tmp_path: Path) -> None:
    (raw,) = write_blocks(series_of({up(1): counter(0, 5)}), str(tmp_path))
    (coarse,) = write_blocks(series_of({up(1): counter(10**9, 5)}), str(tmp_path))
    edit_meta(coarse, thanos={"labels": {}, "downsample": {"resolution": 300_000}})
    recording = open_recording(str(tmp_path))
    assert recording.extent == (0, 60_000)
    (problem,) = recording.problems
    assert (problem.span.source.path, problem.severity) == (coarse, Severity.WARNING)
    assert "300 s" in problem.message
    for path in (coarse, str(tmp_path)):
        with pytest.raises(ProblemError, match="downsampled"):
            open_recording(path)
        shutil.rmtree(raw, ignore_errors=True)


def test_a_block_that_was_compacted_into_another_counts_once(tmp_path: Path) -> None:
    (old,) = write_blocks(series_of({up(1): [(1000, bits(1))]}), str(tmp_path))
    (new,) = write_blocks(series_of({up(1): [(1000, bits(2)), (2000, bits(3))]}), str(tmp_path))
    edit_meta(new, compaction={"parents": [{"ulid": os.path.basename(old), "minTime": 1000, "maxTime": 1001}]})
    recording = open_recording(str(tmp_path))
    assert rows_of(recording.read(EVERYTHING, 0, 5000)) == {up(1): [(1000, bits(2)), (2000, bits(3))]}
    assert recording.problems == ()


def replace_chunk(block: str, encoding: int, data: bytes) -> None:
    """One chunk, of another encoding, in a block of one series with one chunk."""
    content = bytes([encoding]) + data
    frame = uvarint(len(data)) + content + checksum(content)
    Path(block, "chunks", "000001").write_bytes(struct.pack(">IB3x", 0x85BD40DD, 1) + frame)


def test_chunks_of_histograms_are_counted_and_left_out(tmp_path: Path) -> None:
    (block,) = write_blocks(series_of({up(1): counter(0, 5)}), str(tmp_path))
    write_blocks(series_of({up(2): counter(0, 5)}), str(tmp_path))
    replace_chunk(block, 3, b"\0\5whatever a histogram is")
    recording = open_recording(str(tmp_path))
    assert rows_of(recording.read(EVERYTHING, 0, 10**6)) == {up(2): counter(0, 5)}
    recording.read(EVERYTHING, 0, 10**6)
    (problem,) = recording.problems
    assert problem.message.startswith("1 chunks of native histograms")
    replace_chunk(block, 77, b"\0\5whatever this is")
    with pytest.raises(ProblemError, match="encoding 77"):
        read(block)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, 2 * 10**12),
    st.lists(st.tuples(gaps, numbers, st.one_of(st.none(), st.integers(0, 10**6))), min_size=1, max_size=200),
)
def test_xor2(tmp_path: Path, at: int, drawn: list[tuple[int, int, int | None]]) -> None:
    samples, starts = [], []
    for gap, value, start in drawn:
        samples.append((at, value))
        starts.append(0 if start is None else at - start)
        at += gap
    folder = tmp_path / "data"
    shutil.rmtree(folder, ignore_errors=True)
    (block,) = write_blocks(series_of({up(1): [samples[0], (samples[-1][0] + 1, 0)]}), str(folder), 10**15)
    replace_chunk(block, 4, encode_xor2(samples, starts))
    found = rows_of(open_recording(str(folder)).read(EVERYTHING, samples[0][0], samples[-1][0]))
    assert found == {up(1): samples}


def test_checksum() -> None:
    data: Bytes = np.frombuffer(b"..123456789", dtype=np.uint8)
    assert crc32c(data, 2, 11) == 0xE3069283  # the check value of the CRC catalogue
    assert crc32c(data, 0, 0) == 0


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


def page_of(records: Sequence[bytes]) -> bytes:
    return b"".join(b"\1" + struct.pack(">H", len(one)) + checksum(one) + one for one in records)


def series_record(ref: int, labels: Labels) -> bytes:
    texts = b"".join(uvarint(len(text.encode())) + text.encode() for pair in labels for text in pair)
    return b"\1" + struct.pack(">Q", ref) + uvarint(len(labels)) + texts


def samples_record(samples: Sequence[tuple[int, int, int]]) -> bytes:
    ref, at, _ = samples[0]
    rows = (varint(r - ref) + varint(t - at) + struct.pack(">Q", b) for r, t, b in samples)
    return b"\2" + struct.pack(">Qq", ref, at) + b"".join(rows)


def samples_record_2(samples: Sequence[tuple[int, int, int]], starts: Sequence[int]) -> bytes:
    """A record of type 11, which has a start time for each sample."""
    (ref, first, value), start = samples[0], starts[0]
    out = b"\x0b" + varint(ref) + varint(first) + varint(start) + struct.pack(">Q", value)
    for (r, t, b), own, before in zip(samples[1:], starts[1:], starts[:-1], strict=True):
        marker = b"\0" if own == 0 else b"\1" if own == before else b"\2" + varint(own - start)
        out += varint(r - ref) + varint(t - first) + marker + struct.pack(">Q", b)
        ref = r
    return out


def log_of(tmp_path: Path, records: Sequence[bytes]) -> Path:
    (tmp_path / "wal").mkdir()
    (tmp_path / "wal" / "00000000").write_bytes(page_of(records))
    return tmp_path


def test_what_a_log_says(tmp_path: Path) -> None:
    deleted = b"\3" + struct.pack(">Q", 7) + varint(3000) + varint(3500)
    records = [
        series_record(7, up(1)) + series_record(8, up(2))[1:],
        samples_record([(7, 1000, 1), (8, 1001, 2), (7, 2000, STALE_BITS), (7, 2000, 9), (7, 1500, 9), (7, 3000, 4)]),
        b"\4 exemplars",
        series_record(9, up(1)),  # the same series, after a restart
        samples_record_2([(9, 4000, 5), (8, 4001, 6), (9, 5000, 7), (8, 5001, 8)], [1, 1, 0, 3]),
        deleted,
        b"\7 histograms",
        b"\xc8 of a later version",
        samples_record([(99, 1, 1)]),
    ]
    recording = open_recording(str(log_of(tmp_path, records)))
    found = rows_of(recording.read(EVERYTHING, 0, 10_000))
    assert found == {
        up(1): [(1000, 1), (2000, STALE_BITS), (4000, 5), (5000, 7)],
        up(2): [(1001, 2), (4001, 6), (5001, 8)],
    }
    told = sorted(problem.message for problem in recording.problems)
    assert [message[:30] for message in told] == [
        "1 records of a kind that is no",
        "1 records of native histograms",
        "1 samples were left out: no re",
    ]
    assert all(problem.severity is Severity.WARNING for problem in recording.problems)


def test_a_series_that_the_head_dropped_is_in_blocks(tmp_path: Path) -> None:
    ever = b"\3" + struct.pack(">Q", 7) + varint(-(1 << 63)) + varint((1 << 63) - 1)
    records = [series_record(7, up(1)), samples_record([(7, 1000, 1)]), ever, series_record(9, up(1))]
    assert read(log_of(tmp_path, [*records, samples_record([(9, 2000, 2)])])) == {up(1): [(2000, 2)]}


def test_a_log_that_is_being_written(tmp_path: Path) -> None:
    folder = log_of(tmp_path, [series_record(7, up(1)), samples_record([(7, 1000, 1)]), samples_record([(7, 2000, 2)])])
    log = folder / "wal" / "00000000"
    content = log.read_bytes()
    for cut in range(1, 30):
        log.write_bytes(content[:-cut])
        recording = open_recording(str(folder))
        assert rows_of(recording.read(EVERYTHING, 0, 9000)) == {up(1): [(1000, 1)]}
        (problem,) = recording.problems
        assert problem.code == "input/truncated"
    (folder / "wal" / "00000001").write_bytes(content)
    with pytest.raises(ProblemError, match="not a part of a log"):
        read(folder)
    (folder / "wal" / "00000001").rename(folder / "wal" / "00000002")
    with pytest.raises(ProblemError, match="segment 1 of the log is not there"):
        read(folder)
    log.write_bytes(content[:9] + b"x" + content[10:])
    (folder / "wal" / "00000002").unlink()
    with pytest.raises(ProblemError, match="at byte 0: wrong checksum"):
        read(folder)


def flood(url: str, rounds: range) -> None:
    """Scrapes as a server would store them: a staleness marker, and a series that comes late."""
    for k in rounds:
        at = 1_700_000_000_000 + k * 15_000
        data: dict[Labels, list[tuple[int, float]]] = {
            up(i): [(at + i, STALE if (k, i) == (300, 3) else random.Random(k * 40 + i).choice([1.0, k / 3, -0.0]))]
            for i in range(40)
        }
        if k % 50 == 10:
            data[up("late")] = [(at - 600_000 if k > 300 else at, 1.5 * k)]
        if k % 50 == 49:
            data[up("late")] = [(at, 1.0 * k)]
        reply = requests.post(f"{url}/api/v1/write", data=body(data), headers=HEADERS, timeout=60)
        assert reply.status_code == 204, reply.text


def queried(url: str) -> Rows:
    """What the server answers; it leaves out staleness markers."""
    form = {"query": '{__name__=~".+"}[10h]', "time": "1700014000"}
    reply = requests.post(f"{url}/api/v1/query", data=form, timeout=60).json()
    result = reply["data"]["result"]
    return {
        from_mapping(one["metric"]): [(round(at * 1000), bits(float(text))) for at, text in one["values"]]
        for one in result
    }


def without_stale(rows: Rows) -> Rows:
    return {one: [(at, b) for at, b in own if b != STALE_BITS] for one, own in rows.items()}


@pytest.mark.live("prometheus", "promtool")
def test_a_running_server(tmp_path: Path) -> None:
    with server(tmp_path) as url:
        flood(url, range(900))  # nearly four hours: the server has made blocks of the first
        chosen = {"match[]": 'up{i="5"}', "start": "1700012000", "end": "1700012500"}
        requests.post(f"{url}/api/v1/admin/tsdb/delete_series", params=chosen, timeout=60)
        _wait_for(lambda: any(path.name == "meta.json" for path in (tmp_path / "data").glob("*/*")))
        served = queried(url)
        live = read(tmp_path / "data")
        name = requests.post(f"{url}/api/v1/admin/tsdb/snapshot", timeout=60).json()["data"]["name"]
    assert without_stale(live) == served
    assert (1_700_004_500_003, STALE_BITS) in live[up(3)]
    assert not [at for at, _ in live[up(5)] if 1_700_012_000_000 <= at <= 1_700_012_500_000]
    snapshot = read(tmp_path / "data" / "snapshots" / name)
    assert {one: own for one, own in live.items() if one != up("late")} == {
        one: own
        for one, own in snapshot.items()
        if one != up("late")  # a snapshot has no samples that came late
    }
    assert_as_dumped(snapshot, dump(tmp_path / "data" / "snapshots" / name))
    assert read(tmp_path / "data") == live  # after the server has ended, too


@pytest.mark.live("prometheus")
def test_a_log_with_a_checkpoint_that_is_packed(tmp_path: Path) -> None:
    for first in range(0, 1800, 300):  # each start begins a new segment of the log, and three make a checkpoint
        with server(tmp_path, ["--storage.tsdb.wal-compression"]) as url:
            flood(url, range(first, first + 300))
            if first == 1500:
                _wait_for(lambda: any((tmp_path / "data" / "wal").glob("checkpoint.*[0-9]")))
                form = {"query": '{__name__=~".+"}[10h]', "time": "1700027100"}
                reply = requests.post(f"{url}/api/v1/query", data=form, timeout=60).json()["data"]["result"]
                live = without_stale(read(tmp_path / "data"))
    assert sum(map(len, live.values())) == sum(len(one["values"]) for one in reply)
    assert live == {
        from_mapping(one["metric"]): [(round(at * 1000), bits(float(text))) for at, text in one["values"]]
        for one in reply
    }


@pytest.mark.live("prometheus")
def test_blocks_that_we_write_are_served(tmp_path: Path) -> None:
    rows = {one: own for one, own in sample_rows(5).items() if own[-1][0] < 1_700_013_000_000}
    write_blocks(series_of(rows), str(tmp_path / "data"), 2 * HOUR)
    with server(tmp_path) as url:
        assert queried(url) == rows


def _wait_for(happened: Callable[[], bool]) -> None:
    for _ in range(100):
        if happened():
            return
        time.sleep(0.1)
    raise TimeoutError
