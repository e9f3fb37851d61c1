"""Prometheus's log of what is no block yet: by hand, and of a server that runs."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import requests
from tests.remote_write import HEADERS, body
from tests.tsdb import (
    EVERYTHING,
    Rows,
    assert_as_dumped,
    bits,
    dump,
    read,
    rows_of,
    sample_rows,
    series_of,
    up,
)
from tests.tsdb_server import server

from tocsin.diagnostics import ProblemError, Severity
from tocsin.labels import Labels, from_mapping
from tocsin.series import STALE, STALE_BITS
from tocsin.sources.open import open_recording
from tocsin.sources.tsdb.write import HOUR, write_blocks
from tocsin.sources.tsdb.write_index import checksum, uvarint, varint


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
