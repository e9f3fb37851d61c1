"""Prometheus's blocks: the samples that promtool prints, bit for bit, both ways."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.prometheus import openmetrics
from tests.tsdb import (
    EVERYTHING,
    Rows,
    assert_as_dumped,
    bits,
    counter,
    dump,
    number,
    read,
    rewrite_tombstones,
    rows_of,
    sample_rows,
    series_of,
    up,
)
from tests.xor2 import encode_xor2

from tocsin.diagnostics import ProblemError, Severity
from tocsin.kernels.bits import Bytes
from tocsin.kernels.crc32c import crc32c
from tocsin.kernels.merge import merge_runs
from tocsin.labels import from_mapping
from tocsin.promql.ast import Matcher
from tocsin.series import STALE_BITS
from tocsin.sources.open import open_recording
from tocsin.sources.tsdb.write import HOUR, write_blocks
from tocsin.sources.tsdb.write_index import checksum, uvarint


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
