"""Exports of VictoriaMetrics and dumps by promtool: the same samples bit for bit, what is wrong told at its place."""

from __future__ import annotations

import gzip
import math
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from tests.faulty_server import FaultyServer, Reply, faulty, passed_on
from tests.http_samples import (
    DATA,
    HTML,
    QUICK,
    START,
    M,
    bits,
    expected,
    refusal,
    rows_of,
)
from tests.prometheus import Prometheus, openmetrics, prometheus
from tests.remote_write import HEADERS, body
from tests.victoria import victoria

from tocsin.diagnostics import Severity
from tocsin.labels import Labels, from_mapping
from tocsin.series import STALE, STALE_BITS
from tocsin.sources.http.export import ExportClient
from tocsin.sources.http.open import open_server
from tocsin.sources.open import open_recording


@pytest.fixture(scope="module")
def live() -> Iterator[Prometheus]:
    with prometheus(DATA) as server:
        yield server


@pytest.fixture
def proxy(live: Prometheus) -> Iterator[FaultyServer]:
    with faulty(passed_on(live.url)) as server:
        yield server


def decimal_samples() -> dict[Labels, list[tuple[int, float]]]:
    """What VictoriaMetrics keeps as it is: few digits, all of one size; infinities in a series of their own."""
    data = {}
    for i in range(3):
        labels = from_mapping({"__name__": "m", "i": f'{i}"values":[+Inf]\\\n€'})
        rows = [(START + k * 15_000 + i, round(k * 0.25 + i, 2)) for k in range(900)]
        data[labels] = [(t, float(STALE) if k % 100 == 99 else v) for k, (t, v) in enumerate(rows)]
    data[from_mapping({"__name__": "m", "le": "+Inf"})] = [(START, math.inf), (START + 1, -math.inf)]
    return data


@pytest.mark.live("victoria-metrics")
class TestVictoriaMetrics:
    DATA = decimal_samples()
    ENDS = START, max(rows[-1][0] for rows in DATA.values())

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
        with victoria(tmp_path_factory.mktemp("victoria")) as url:
            reply = requests.post(f"{url}/api/v1/write", data=body(cls.DATA), headers=HEADERS, timeout=60)
            assert reply.status_code == 204
            requests.get(f"{url}/internal/force_flush", timeout=60)
            yield url

    def test_every_sample_with_staleness_markers(self, server: str) -> None:
        recording = open_recording(f"victoriametrics+{server}")
        assert recording.extent == self.ENDS
        assert rows_of(recording.read((), *self.ENDS)) == expected(self.DATA)
        assert [(one.code, one.severity) for one in recording.problems] == [("input/rounded", Severity.INFO)]

    def test_both_ends_are_exact(self, server: str) -> None:
        recording = open_recording(f"victoriametrics+{server}")
        for start, end in [(START, START), (START + 1, START + 15_000), (START + 2, START + 14_999)]:
            assert rows_of(recording.read(M, start, end)) == expected(self.DATA, start, end)

    def test_an_export_in_a_file(self, server: str, tmp_path: Path) -> None:
        form = {"match[]": "m", "start": "0", "max_rows_per_line": "400"}
        content = requests.post(f"{server}/api/v1/export", data=form, timeout=60).content
        for name, text in (("a", content), ("b", gzip.compress(content))):
            (tmp_path / name).write_bytes(text)
            recording = open_recording(str(tmp_path / name))
            assert rows_of(recording.read((), *self.ENDS)) == expected(self.DATA)
            assert [one.code for one in recording.problems] == ["input/rounded"]

    def test_its_prometheus_api(self, server: str) -> None:
        """There its staleness markers are NaN, which it has no others of."""
        recording = open_recording(server)
        assert rows_of(recording.read(M, *self.ENDS)) == expected(self.DATA)
        assert [one.code for one in recording.problems] == ["input/rounded"]

    def test_rounding_is_what_it_is_said_to_be(self, tmp_path: Path) -> None:
        with victoria(tmp_path / "other") as url:
            data = {from_mapping({"__name__": "m"}): [(START, 1 / 3), (START + 1, 1e300)]}
            requests.post(f"{url}/api/v1/write", data=body(data), headers=HEADERS, timeout=60)
            requests.get(f"{url}/internal/force_flush", timeout=60)
            series = open_recording(f"victoriametrics+{url}").read(M, START, START + 1)
            assert series.values.tolist() != [1 / 3, 1e300]

    def test_faults_that_pass_change_nothing(self, server: str) -> None:
        with faulty(passed_on(server)) as proxy:
            recording = open_server(f"victoriametrics+{proxy.url}", ExportClient, QUICK)
            proxy.faults += [
                Reply(503),
                lambda reply: replace(reply, body=reply.body[:-5]),
                lambda reply: replace(reply, body=reply.body[:-5] + b"\n"),
                lambda reply: replace(reply, body=reply.body[:-5], cut=True),
                Reply(422, b"cannot select more than -search.maxSamplesPerQuery"),
            ]
            assert rows_of(recording.read(M, *self.ENDS)) == expected(self.DATA)
            assert not proxy.faults
            proxy.faults.append(HTML)
            assert "a page of HTML" in refusal(lambda: recording.read((), 0, 1))

    def test_another_server_is_told(self, live: Prometheus) -> None:
        shown = refusal(lambda: open_recording(f"victoriametrics+{live.url}"))
        assert f"{live.url}/api/v1/export" in shown
        assert "status 404" in shown


LINE = '{"metric":{"__name__":"m"},"values":[%s],"timestamps":[%s]}\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LINE % ("1", "1,2"), "1:1: error[input/bad-sample]: 1 values and 2 timestamps"),
        (LINE % ('"x"', "1"), "the value 'x' is no number"),
        (LINE % ("true", "1"), "expected labels, and lists"),
        (LINE % ("1", "1.5"), "expected labels, and lists"),
        (LINE % ("1", "99999999999999999999"), "expected labels, and lists"),
        (LINE % ("1" * 400, "1"), "expected labels, and lists"),
        (LINE % ("1", "999999999999999"), "after the year 5000"),
        ('{"metric":{"a":1},"values":[],"timestamps":[]}\n', "expected labels, and lists"),
        ('{"metric":{"a":"b"},"values":[1]}\n', "no 'timestamps'"),
        (LINE % ("", ""), "holds no samples"),
        (LINE % ("1", "1") + "x\n", ":2:1: error[input/bad-sample]: not JSON"),
        (LINE % ("1", "1") + LINE[:40], ":2:1: error[input/truncated]: the file was cut in the middle"),
        (LINE % ("[" * 9000, "1"), "nested too deeply"),
        (LINE % ("1,2", "2,1"), ":1:1: error[input/out-of-order]: 1 sample is older than the one before"),
    ],
)
def test_a_bad_export_is_refused_at_its_place(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "export").write_text(text)
    assert said in refusal(lambda: open_recording(str(tmp_path / "export")))


def test_an_export_in_many_forms(tmp_path: Path) -> None:
    later, earlier = LINE % ("5", "30"), LINE % ('1,"Infinity",-Infinity,-Inf,+Inf,null,"NaN",7,7', "1,2,3,4,5,6,7,8,8")
    (tmp_path / "export").write_text(later + "\n" + earlier + "\r\n" + LINE % ("6", "30"))
    recording = open_recording(str(tmp_path / "export"))
    values = [1.0, math.inf, -math.inf, -math.inf, math.inf]
    want = [*enumerate(map(bits, values), 1), (6, STALE_BITS), (7, 0x7FF8000000000001), (8, bits(7)), (30, bits(5))]
    assert rows_of(recording.read((), 0, 99)) == {(("__name__", "m"),): want}
    assert [one.message for one in recording.problems[1:]] == [
        "1 sample is dropped: the series has another value at that time; this is the first",
        "1 sample is given more than once; this is the first",
    ]


def test_a_line_may_be_long(tmp_path: Path) -> None:
    times = range(START, START + 500_000)
    (tmp_path / "export").write_text(LINE % (",".join(["1.5"] * len(times)), ",".join(map(str, times))) * 2)
    recording = open_recording(str(tmp_path / "export"))
    assert len(recording.read((), 0, 1 << 60).times) == len(times)
    assert "500,000 samples are given more than once" in recording.problems[1].message


def dumped(data: Mapping[Labels, list[tuple[int, float]]], folder: Path) -> Path:
    """The dump of blocks that promtool made of samples."""
    (folder / "samples.om").write_text(openmetrics(data))
    make = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(folder / "samples.om"), str(folder / "data")]
    subprocess.run(make, check=True, capture_output=True)
    (folder / "data" / "wal").mkdir(exist_ok=True)  # promtool 2.42 prints nothing without
    with (folder / "dump").open("wb") as file:
        subprocess.run(["promtool", "tsdb", "dump", str(folder / "data")], check=True, stdout=file)
    return folder / "dump"


@pytest.mark.live("promtool")
def test_a_dump_is_read_without_loss(tmp_path: Path) -> None:
    odd = {from_mapping({"__name__": "odd", "a": "\u200b\\n\n"}): [(START, 1.0), (START + 7, math.nan)]}
    path = dumped({**DATA, **odd}, tmp_path)
    want = expected({**DATA, **odd})
    want[next(iter(odd))][1] = START + 7, 0x7FF8000000000001
    for name, text in ((path, path.read_bytes()), (tmp_path / "dump.gz", gzip.compress(path.read_bytes()))):
        name.write_bytes(text)
        recording = open_recording(str(name))
        assert rows_of(recording.read((), 0, 1 << 60)) == want
        assert [one.message for one in recording.problems] == [
            "1 of the values are NaN; some may be staleness markers, which promtool prints alike"
        ]


def test_labels_of_a_dump_are_quoted_as_go_does(tmp_path: Path) -> None:
    (tmp_path / "dump").write_text(
        r"""{A="\x01\t\u200bé\\n\"", __name__="m", "my.label"="c} 1"} 1e-3 1700000000000""" + "\n"
    )
    recording = open_recording(str(tmp_path / "dump"))
    labels = from_mapping({"__name__": "m", "A": '\x01\t\u200bé\\n"', "my.label": "c} 1"})
    assert rows_of(recording.read((), 0, 1 << 60)) == {labels: [(1_700_000_000_000, bits(0.001))]}


DUMP = '{__name__="m", a="b"} 1 1700000000000\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DUMP + DUMP[:-5], ":2:1: error[input/truncated]"),
        (DUMP + '{__name__="m", a="b"} x 1700000000001\n', ":2:23: error[input/bad-sample]: bad value `x`"),
        (DUMP + '{__name__="m", a="b"} 1 1700000000001.5\n', ":2:1: error[input/bad-sample]: expected a series"),
        (DUMP + '{__name__="m", a=~"b"} 1 1700000000001\n', ":2:1: error[input/bad-sample]: expected labels"),
        (DUMP + '{__name__="m", a="b", a="c"} 1 1700000000001\n', ":2:1: error[input/bad-sample]: expected labels"),
        (DUMP + '{__name__="m, a="b"} 1 1700000000001\n', ":2:1"),
        (DUMP + "m 1 1700000000001\n", ":2:1: error[input/bad-sample]: expected labels"),
        (DUMP + "\n", ":2:1: error[input/bad-sample]"),
        (DUMP + '{__name__="m", a="b"} 1 1600000000000\n', ":2:1: error[input/out-of-order]"),
    ],
)
def test_a_bad_dump_is_refused_at_its_place(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "dump").write_text(text)
    assert said in refusal(lambda: open_recording(str(tmp_path / "dump")))


def test_histograms_in_a_dump_are_counted(tmp_path: Path) -> None:
    (tmp_path / "dump").write_text('{__name__="h"} {count:3, sum:5, [-1,1]:3} 1700000000000\n' + DUMP)
    recording = open_recording(str(tmp_path / "dump"))
    assert len(recording.read((), 0, 1 << 60).times) == 1
    assert [one.code for one in recording.problems] == ["input/native-histograms"]
