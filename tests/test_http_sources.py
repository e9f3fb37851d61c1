"""Servers and dumps: the same samples bit for bit whichever way; a server that fails is asked again, or named."""

from __future__ import annotations

import gzip
import json
import math
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import cramjam
import numpy as np
import pytest
import requests
from tests.faulty_server import Asked, Fault, FaultyServer, Reply, faulty, passed_on
from tests.prometheus import Prometheus, openmetrics, prometheus, written
from tests.remote_write import HEADERS, body

from tocsin.diagnostics import ProblemError, Severity, render
from tocsin.kernels.crc32c import crc32c
from tocsin.labels import Labels, from_mapping
from tocsin.promql.ast import Matcher
from tocsin.series import STALE, STALE_BITS, Series
from tocsin.sources.http.access import read_access
from tocsin.sources.http.export import ExportClient
from tocsin.sources.http.extent import extent
from tocsin.sources.http.open import open_server
from tocsin.sources.http.pieces import Piece, pieces
from tocsin.sources.http.prompb import ChunkedReadResponse, ReadRequest
from tocsin.sources.http.query import QueryClient
from tocsin.sources.http.read import ReadClient
from tocsin.sources.http.recording import HttpRecording
from tocsin.sources.http.server import Patience, Server, TooMuchError
from tocsin.sources.open import open_recording
from tocsin.sources.runs import EMPTY, Runs, Tally, settled

Rows = dict[Labels, list[tuple[int, int]]]
"""Samples of each series as times and bits."""

START = 1_700_000_000_000
QUICK = Patience(tries=4, pause=0.001, longest=0.002, connect=5, answer=0.5)
M = (Matcher("__name__", "=", "m"),)
EVERYTHING = (Matcher("__name__", "!=", ""),)


def rows_of(series: Series) -> Rows:
    bits, times = series.values.view(np.uint64).tolist(), series.times.tolist()
    ends = pairwise(series.offsets.tolist())
    return {one: list(zip(times[a:b], bits[a:b], strict=True)) for one, (a, b) in zip(series.labels, ends, strict=True)}


def bits(value: float) -> int:
    return int(np.float64(value).view(np.uint64))


def samples() -> dict[Labels, list[tuple[int, float]]]:
    """Series with all sorts of values, at uneven times, over two days, with a gap of many hours."""
    chance = np.random.default_rng(7)
    odd = [0.0, -0.0, np.inf, -np.inf, 5e-324, 1.7976931348623157e308, 0.1, 1 / 3, 1e21, -123456789.123456789]
    data = {}
    for i in range(6):
        steps = chance.integers(1, 45_000, 3000)
        steps[1500] = 20 * 3_600_000
        values = np.where(chance.random(3000) < 0.3, chance.choice(odd, 3000), chance.normal(size=3000))
        times = START + i + np.cumsum(steps)
        labels = from_mapping({"__name__": "m" if i < 5 else "other", "i": f'{i}"\\\n€'})
        data[labels] = list(zip(times.tolist(), values.tolist(), strict=True))
    return data


def expected(data: Mapping[Labels, list[tuple[int, float]]], start: int = 0, end: int = 1 << 60) -> Rows:
    cut = {one: [(t, bits(v)) for t, v in rows if start <= t <= end] for one, rows in data.items()}
    return {one: rows for one, rows in cut.items() if rows}


DATA = samples()
ONLY_M = {labels: rows for labels, rows in DATA.items() if ("__name__", "m") in labels}
ENDS = min(rows[0][0] for rows in DATA.values()), max(rows[-1][0] for rows in DATA.values())


@pytest.fixture(scope="module")
def live() -> Iterator[Prometheus]:
    with prometheus(DATA) as server:
        yield server


@pytest.fixture
def proxy(live: Prometheus) -> Iterator[FaultyServer]:
    with faulty(passed_on(live.url)) as server:
        yield server


def opened(url: str, patience: Patience = QUICK) -> HttpRecording:
    return open_server(url, QueryClient, patience)


def refusal(call: Callable[[], object]) -> str:
    """The message of a refusal, as it is shown."""
    with pytest.raises(ProblemError) as caught:
        call()
    return render(caught.value.problem)


@pytest.mark.live("prometheus", "promtool")
class TestApi:
    def test_every_sample_once_and_bit_for_bit(self, live: Prometheus) -> None:
        recording = open_recording(live.url)
        assert recording.extent == ENDS
        assert rows_of(recording.read(EVERYTHING, *ENDS)) == expected(DATA)
        assert [problem.code for problem in recording.problems] == ["input/no-staleness"]

    def test_a_selector_that_selects_everything_is_one_the_server_takes(self, live: Prometheus) -> None:
        assert rows_of(open_recording(live.url).read((), *ENDS)) == expected(DATA)

    def test_both_ends_are_exact_to_the_millisecond(self, live: Prometheus) -> None:
        times = [time for time, _ in ONLY_M[min(ONLY_M)]]
        for start, end in [(times[0], times[0]), (times[3] + 1, times[9] - 1), (times[3], times[9])]:
            assert rows_of(opened(live.url).read(M, start, end)) == expected(ONLY_M, start, end)

    def test_reads_that_overlap_fetch_only_what_is_new(self, proxy: FaultyServer) -> None:
        recording = opened(proxy.url)
        hours = [START + hour * 3_600_000 for hour in range(5)]
        assert rows_of(recording.read(M, hours[1], hours[2])) == expected(ONLY_M, hours[1], hours[2])
        asked = len(proxy.asked)
        assert rows_of(recording.read(M, hours[1] + 5, hours[2] - 5)) == expected(ONLY_M, hours[1] + 5, hours[2] - 5)
        assert len(proxy.asked) == asked
        assert rows_of(recording.read(M, hours[0], hours[3])) == expected(ONLY_M, hours[0], hours[3])
        assert rows_of(recording.read(M, hours[4], hours[4] + 9000)) == expected(ONLY_M, hours[4], hours[4] + 9000)

    def test_pieces_follow_each_other_without_gap_or_overlap(self, live: Prometheus) -> None:
        found = list(opened(live.url).pieces(M, *ENDS))
        assert (found[0].start, found[-1].end) == ENDS
        assert all(a.end + 1 == b.start for a, b in pairwise(found))
        assert len({piece.end - piece.start for piece in found}) > 2, "they grow while they hold little"
        assert sum(len(piece.series.times) for piece in found) == sum(map(len, ONLY_M.values()))

    def test_a_server_that_gives_no_more_is_asked_for_less(self) -> None:
        with prometheus(DATA, "--query.max-samples=300") as server:
            found = list(opened(server.url).pieces(M, *ENDS))
            assert all(a.end + 1 == b.start for a, b in pairwise(found))
            assert rows_of(opened(server.url).read(M, *ENDS)) == expected(ONLY_M)

    def test_one_that_never_gives_anything_is_refused_in_its_own_words(self) -> None:
        with prometheus(DATA, "--query.max-samples=1") as server:
            shown = refusal(lambda: opened(server.url).read(M, *ENDS))
            assert server.url in shown
            assert "not give even a second of samples: status 422: query processing would load too many" in shown

    def test_faults_that_pass_change_nothing(self, proxy: FaultyServer) -> None:
        recording = opened(proxy.url)
        proxy.faults += [
            Reply(429, b"slow down", {"Retry-After": "0"}),
            Reply(429, b"", {"Retry-After": format_datetime(datetime.now(UTC) - timedelta(days=1))}),
            Reply(503, b"starting"),
            Reply(502, b"<html>bad gateway</html>"),
            Reply(504),
            lambda reply: Reply(200, reply.body[:-40], reply.headers),
            lambda reply: Reply(200, reply.body[: len(reply.body) // 2], reply.headers, cut=True),
        ]
        assert rows_of(recording.read(M, *ENDS)) == expected(ONLY_M)
        assert not proxy.faults

    def test_a_server_that_asks_for_time_gets_it(self, proxy: FaultyServer) -> None:
        recording = opened(proxy.url)
        proxy.faults.append(Reply(429, b"", {"Retry-After": "1"}))
        before = datetime.now(UTC)
        recording.read(M, START, START + 1000)
        assert datetime.now(UTC) - before > timedelta(seconds=1)

    def test_faults_that_stay_are_told_with_url_and_status(self, proxy: FaultyServer) -> None:
        recording = opened(proxy.url)
        proxy.faults.extend([Reply(503, b"x")] * 40)
        shown = refusal(lambda: recording.read(M, START, START + 1000))
        assert f"{proxy.url}/api/v1/query" in shown
        assert "asked 4 times: status 503" in shown


HTML = Reply(200, b"<!DOCTYPE html><title>Log in</title>", {"Content-Type": "text/html"})


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (HTML, "status 200 with a page of HTML"),
        (Reply(401, b"no"), "status 401 Unauthorized: no"),
        (Reply(403, b"no"), "status 403 Forbidden: no"),
        (Reply(404, b"404 page not found"), "status 404 Not Found"),
        (Reply(302, b"", {"Location": "https://u:p@login/?token=1"}), "sends us on to https://***@login/?***"),
        (Reply(200, b'{"status":"error"}'), "JSON that is not Prometheus's API"),
        (Reply(200, b"[1]"), "JSON that is not Prometheus's API"),
        (Reply(200, b"42 is the answer"), "asked 4 times: status 200 with what is not JSON"),
        (Reply(200, b""), "asked 4 times: status 200 with what is not JSON"),
        (Reply(200, b'{"status"', cut=True), "the connection was cut in the middle"),
        (Reply(400, b"\x1b[2Jbad"), "status 400 Bad Request: \\x1b[2Jbad"),
    ],
)
def test_what_is_no_such_server_is_told_at_once(reply: Reply, said: str) -> None:
    with faulty(lambda _: reply) as server:
        shown = refusal(lambda: opened(server.url))
        assert said in shown
        assert server.url in shown


def matrix(*result: object, **more: object) -> Reply:
    data = {"status": "success", "data": {"resultType": "matrix", "result": result}, **more}
    return Reply(200, json.dumps(data).encode(), {"Content-Type": "application/json"})


@pytest.mark.parametrize(
    "result",
    [
        {"metric": {"a": "b"}, "values": [[1, "x"]]},
        {"metric": {"a": "b"}, "values": [[1]]},
        {"metric": {"a": "b"}, "values": [["z", "1"]]},
        {"metric": {"a": "b"}, "values": 7},
        {"metric": {"a": "b"}, "values": [[1e300, "1"]]},
        {"metric": {"a": 3}, "values": [[1, "1"]]},
        {"metric": 3, "values": [[1, "1"]]},
        {"values": [[1, "1"]]},
        7,
    ],
)
def test_an_answer_of_another_shape_is_refused(result: object) -> None:
    with faulty(lambda _: matrix(result)) as server:
        recording = opened(server.url)
        assert "the answer is not a matrix of samples" in refusal(lambda: recording.read(M, 0, 5000))


def test_what_is_odd_is_counted_and_told() -> None:
    one = {"metric": {"__name__": "m"}, "values": [[1, "1"], [3, "3"], [2, "2"], [3, "3"], [3, "4"]]}
    two = {"metric": {"__name__": "m", "a": "b"}, "histograms": [[1, {"count": "1", "sum": "1"}]]}
    with faulty(lambda _: matrix(one, two, warnings=["a store is down"])) as server:
        recording = opened(server.url)
        for _ in range(2):
            assert rows_of(recording.read(M, 0, 5000)) == {
                (("__name__", "m"),): [(1000, bits(1)), (2000, bits(2)), (3000, bits(3))]
            }
        assert [problem.message for problem in recording.problems[1:]] == [
            "1 sample is older than the one before in the same series: put in order",
            "1 sample is dropped: the series has another value at that time",
            "1 sample is given more than once",
            "1 sample is native histograms, and left out: only floats are read",
            "the server warns: a store is down",
        ]


def test_a_part_is_not_taken_for_the_whole() -> None:
    with faulty(lambda _: matrix(isPartial=True)) as server:
        assert "not the whole" in refusal(lambda: opened(server.url).read(M, 0, 5000))


def test_nobody_there_is_told_soon() -> None:
    shown = refusal(lambda: open_recording("http://somebody:secret@127.0.0.1:9/x"))
    assert shown.startswith("http://***@127.0.0.1:9/x/api/v1/query:1:1: error[input/server]: cannot be reached: Conn")


@pytest.mark.parametrize("url", ["http://", "https://:80", "http://[", "http://a:port", "gopher://u:secret@a"])
def test_what_is_no_url_is_refused_without_showing_it(url: str) -> None:
    shown = refusal(lambda: open_recording(url))
    assert "secret" not in shown


def test_a_slow_server_is_not_waited_for_forever() -> None:
    def slow(_: Asked) -> Reply:
        time.sleep(1)
        return matrix()

    with faulty(slow) as server:
        patience = Patience(tries=2, pause=0.001, answer=0.1)
        assert "asked 2 times: no answer in time" in refusal(lambda: opened(server.url, patience))


def read_opened(url: str, patience: Patience = QUICK) -> HttpRecording:
    return open_server(f"remote-read+{url}", ReadClient, patience)


def kind_of(reply: Reply) -> str:
    return reply.headers["Content-Type"].partition(";")[0]


@pytest.mark.live("prometheus", "promtool")
class TestRemoteRead:
    def test_every_sample_once_and_bit_for_bit(self, live: Prometheus) -> None:
        recording = open_recording(f"remote-read+{live.url}")
        assert recording.extent == ENDS
        assert rows_of(recording.read((), *ENDS)) == expected(DATA)
        assert rows_of(recording.read(M, *ENDS)) == expected(ONLY_M)
        assert recording.problems == ()

    def test_the_path_may_be_given(self, live: Prometheus) -> None:
        recording = open_recording(f"remote-read+{live.url}/api/v1/read")
        assert recording.extent == ENDS
        assert rows_of(recording.read(M, *ENDS)) == expected(ONLY_M)

    def test_both_ends_are_exact_although_chunks_reach_further(self, live: Prometheus) -> None:
        times = [time for time, _ in ONLY_M[min(ONLY_M)]]
        for start, end in [(times[0], times[0]), (times[3] + 1, times[9] - 1), (times[3], times[9])]:
            assert rows_of(read_opened(live.url).read(M, start, end)) == expected(ONLY_M, start, end)

    @pytest.mark.parametrize(
        "matcher", [Matcher("i", "=~", "[12][^x]*"), Matcher("i", "!~", "[12][^x]*"), Matcher("i", "!=", '3"\\\n€')]
    )
    def test_all_matchers(self, matcher: Matcher, live: Prometheus) -> None:
        want = rows_of(opened(live.url).read((*M, matcher), *ENDS))
        assert 0 < len(want) < len(ONLY_M)
        assert rows_of(read_opened(live.url).read((*M, matcher), *ENDS)) == want

    def test_staleness_markers_and_late_samples_arrive(self) -> None:
        one, two = from_mapping({"__name__": "m", "i": "1"}), from_mapping({"__name__": "m", "i": "2"})
        times = [START + i * 1000 for i in range(300)]
        data = {
            one: [(time, float(STALE) if i % 7 == 3 else float(i)) for i, time in enumerate(times)],
            two: [(times[0], 1.0), (times[1], float(STALE))],
        }
        with written(data) as server:
            assert rows_of(read_opened(server.url).read(M, times[0], times[-1])) == expected(data)
            without = {labels: [row for row in rows if row[1] == row[1]] for labels, rows in data.items()}
            assert rows_of(opened(server.url).read(M, times[0], times[-1])) == expected(without)
            sampled = ReadClient(Server(server.url, read_access(""), QUICK)).sampled
            assert sampled(times[1], times[1])
            assert not sampled(times[1] + 1, times[2] - 1)

    def test_samples_where_there_are_no_chunks(self, live: Prometheus) -> None:
        """As old servers and other systems answer; the wire format of those leaves out any zero, and so its sign."""
        to = passed_on(live.url)

        def without_chunks(asked: Asked) -> Reply:
            request = ReadRequest.FromString(bytes(cramjam.snappy.decompress_raw(asked.body)))
            assert list(request.accepted_response_types) == [1, 0]
            del request.accepted_response_types[:]
            reply = to(replace(asked, body=bytes(cramjam.snappy.compress_raw(request.SerializeToString()))))
            assert kind_of(reply) == "application/x-protobuf"
            return reply

        with faulty(without_chunks) as server:
            recording = read_opened(server.url)
            assert rows_of(recording.read(M, *ENDS)) == unsigned(expected(ONLY_M))
            server.faults += [lambda r: replace(r, body=r.body[:-9]), lambda r: replace(r, body=b"\xff" * 99)]
            hour = START + 3_600_000
            assert rows_of(recording.read(EVERYTHING, START, hour)) == unsigned(expected(DATA, START, hour))
            server.faults.append(Reply(400, b"exceeded sample limit (50000000)"))
            assert rows_of(recording.read((M[0], M[0]), START, hour)) == unsigned(expected(ONLY_M, START, hour))

    def test_damage_on_the_way_is_seen_and_asked_again(self, proxy: FaultyServer) -> None:
        recording = read_opened(proxy.url)
        proxy.faults += [
            lambda reply: replace(reply, body=reply.body[:100] + bytes([reply.body[100] ^ 1]) + reply.body[101:]),
            lambda reply: replace(reply, body=reply.body[:-1]),
            lambda reply: replace(reply, body=reply.body + b"\x05"),
            lambda reply: replace(reply, body=reply.body + b"remote error\n"),
            lambda reply: replace(reply, body=reply.body[: len(reply.body) // 2], cut=True),
            Reply(503),
        ]
        assert rows_of(recording.read(M, *ENDS)) == expected(ONLY_M)
        assert not proxy.faults

    @pytest.mark.parametrize(
        ("fault", "said"),
        [
            (lambda r: replace(r, body=r.body[:9] + b"z" + r.body[10:]), "frame 1 of the stream has another checksum"),
            (lambda r: replace(r, body=r.body[:-1]), "the stream ends in the middle of frame 5"),
            (lambda r: replace(r, body=b"\xff" * 12), "larger than 256 MiB"),
            (lambda r: replace(r, body=frame(b"\xff\xff\xff")), "not a message of remote read"),
            (HTML, "status 200 with text/html, not with remote read"),
            (Reply(404, b"404 page not found"), "status 404 Not Found"),
            (Reply(200, b"{}", {"Content-Type": "application/json"}), "status 200 with application/json"),
            (Reply(200, b"\xff" * 9, {"Content-Type": "application/x-protobuf"}), "not a block of snappy"),
        ],
    )
    def test_damage_that_stays_is_told(self, fault: Fault, said: str, proxy: FaultyServer) -> None:
        recording = read_opened(proxy.url)
        proxy.faults += [fault] * 40
        shown = refusal(lambda: recording.read(M, START, START + 60_000))
        assert said in shown
        assert f"{proxy.url}/api/v1/read" in shown


def unsigned(rows: Rows) -> Rows:
    """With zeros that are not negative."""
    return {one: [(time, 0 if value == bits(-0.0) else value) for time, value in own] for one, own in rows.items()}


def frame(message: bytes) -> bytes:
    """A frame with the right checksum."""
    checksum = int(crc32c(np.frombuffer(message, dtype=np.uint8), 0, len(message)))
    return bytes([len(message)]) + checksum.to_bytes(4) + message


def chunk(kind: int, data: bytes) -> bytes:
    labels = [{"name": "__name__", "value": "m"}]
    series = [{"labels": labels, "chunks": [{"type": kind, "data": data}]}]
    return frame(ChunkedReadResponse(chunked_series=series).SerializeToString())


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        (1, b"", "a chunk is shorter than what it says"),
        (1, b"\0", "a chunk is shorter than what it says"),
        (1, b"\xff\xff\0", "a chunk is shorter than what it says"),
        (1, b"\0\x09\0\0", "a chunk makes no sense"),
        (4, b"\0\x09\0\0", "a chunk makes no sense"),
        (9, b"\0\x09\0\0", "a chunk of encoding 9"),
    ],
)
def test_chunks_that_make_no_sense_are_refused(kind: int, data: bytes, said: str) -> None:
    stream = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"
    with faulty(lambda _: Reply(200, chunk(kind, data), {"Content-Type": stream})) as server:
        assert said in refusal(lambda: read_opened(server.url))


def test_chunks_of_native_histograms_are_counted() -> None:
    stream = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"
    with faulty(lambda _: Reply(200, chunk(2, b"\0\x09\0\0"), {"Content-Type": stream})) as server:
        recording = read_opened(server.url)
        assert rows_of(recording.read(M, 0, 1)) == {}
        assert [one.message for one in recording.problems] == [
            "9 samples are native histograms, and left out: only floats are read"
        ]


class TestAccess:
    """Credentials arrive where they should, and nowhere else."""

    @pytest.fixture(autouse=True)
    def _no_environment(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / ".netrc").write_text("default login netrc password netrc\n")
        (tmp_path / ".netrc").chmod(0o600)
        monkeypatch.setenv("HOME", str(tmp_path))

    def headers(self, server: FaultyServer) -> dict[str, str]:
        opened(server.url)
        return server.asked[-1].headers

    def test_none_are_sent_that_were_not_given(self) -> None:
        with faulty(lambda _: matrix()) as server:
            assert "Authorization" not in self.headers(server)

    def test_a_user_in_the_url(self) -> None:
        with faulty(lambda _: matrix()) as server:
            opened(server.url.replace("//", "//me:p%40ss@"))
            assert server.asked[-1].headers["Authorization"] == "Basic bWU6cEBzcw=="

    def test_from_the_environment(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "word").write_text("p@ss\n")
        monkeypatch.setenv("TOCSIN_HTTP_USERNAME", "me")
        monkeypatch.setenv("TOCSIN_HTTP_PASSWORD_FILE", str(tmp_path / "word"))
        monkeypatch.setenv("TOCSIN_HTTP_HEADERS", "X-Scope-OrgID: tenant\nX-Other: a: b")
        with faulty(lambda _: matrix()) as server:
            sent = self.headers(server)
            assert sent["Authorization"] == "Basic bWU6cEBzcw=="
            assert (sent["X-Scope-OrgID"], sent["X-Other"]) == ("tenant", "a: b")

    def test_a_token_is_read_again_since_it_is_renewed(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("one")
        monkeypatch.setenv("TOCSIN_HTTP_BEARER_TOKEN_FILE", str(tmp_path / "token"))
        with faulty(lambda _: matrix()) as server:
            recording = opened(server.url)
            (tmp_path / "token").write_text("two")
            recording.read(M, 0, 1)
            assert [one.headers["Authorization"] for one in server.asked] == ["Bearer one", "Bearer two"]

    def test_from_a_file(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        text = "authorization: {type: Token, credentials: abc}\nhttp_headers: {X-A: {values: [b], secrets: [c]}}\n"
        text += "tls_config: {ca_file: a, cert_file: b, key_file: c, server_name: d, insecure_skip_verify: true}\n"
        (tmp_path / "http.yaml").write_text(text)
        monkeypatch.setenv("TOCSIN_HTTP_CONFIG", str(tmp_path / "http.yaml"))
        access = read_access("http://a")
        assert (access.scheme, access.credentials and access.credentials.read()) == ("Token", "abc")
        assert (access.ca_file, access.cert_file, access.key_file) == ("a", "b", "c")
        assert (access.server_name, access.insecure) == ("d", True)
        assert [(name, secret.read()) for name, secret in access.headers] == [("X-A", "b"), ("X-A", "c")]

    @pytest.mark.parametrize(
        "text",
        [
            "basic_auth: {username: me, pasword: hidden}",
            "basic_auth: [hidden]",
            "basic_auth: hidden",
            "hidden",
            "- hidden",
            "basic_auth: {password: 'hidden}",
            "basic_auth: {password: {hidden: 1}}",
            "hidden: {a: b}",
            "http_headers: {A: {values: hidden}}",
            "authorization: {credentials: hidden, credentials: hidden}",
            "oauth2: {client_secret: hidden}",
        ],
    )
    def test_a_file_that_is_wrong_is_refused_without_its_text(
        self, text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "http.yaml").write_text(f"# a comment\n{text}\n")
        monkeypatch.setenv("TOCSIN_HTTP_CONFIG", str(tmp_path / "http.yaml"))
        shown = refusal(lambda: open_recording("http://127.0.0.1:9"))
        assert f"{tmp_path / 'http.yaml'}:2:" in shown
        assert "hidden" not in shown

    def test_a_secret_that_the_server_sends_back_is_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TOCSIN_HTTP_BEARER_TOKEN", "hidden")
        with faulty(lambda asked: Reply(403, asked.headers["Authorization"].encode())) as server:
            shown = refusal(lambda: opened(server.url))
            assert "Bearer ***" in shown
            assert "hidden" not in shown

    def test_certificates_that_are_not_there_are_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TOCSIN_HTTP_CERT_FILE", "/gone.pem")
        with faulty(lambda _: matrix()) as server:
            assert "/gone.pem" in refusal(lambda: opened(server.url.replace("http:", "https:")))

    @pytest.mark.parametrize("token", ["hidden\nhidden", "hidden€"])
    def test_a_token_that_no_header_can_hold_is_not_shown(self, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TOCSIN_HTTP_BEARER_TOKEN", token)
        with faulty(lambda _: matrix()) as server:
            shown = refusal(lambda: opened(server.url))
            assert "characters that HTTP does not allow" in shown
            assert "hidden" not in shown

    @pytest.mark.parametrize("name", ["PASSWORD_FILE", "BEARER_TOKEN_FILE"])
    def test_a_file_that_is_not_there_is_named(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TOCSIN_HTTP_USERNAME", "me")
        monkeypatch.setenv(f"TOCSIN_HTTP_{name}", "/gone")
        with faulty(lambda _: matrix()) as server:
            assert refusal(lambda: opened(server.url)).startswith("/gone:1:1: error[input/unreadable]")


def test_pieces_shrink_where_there_is_too_much_and_cover_all() -> None:
    asked = []

    def fetch(_: object, start: int, end: int) -> tuple[Series, Tally]:
        asked.append((start, end))
        if end - start > 40_000:
            raise TooMuchError("no")
        return EMPTY, Tally()

    found: list[Piece] = list(pieces(fetch, M, 5, 10_000_000, ValueError))
    assert (found[0].start, found[-1].end) == (5, 10_000_000)
    assert all(a.end + 1 == b.start for a, b in pairwise(found))
    assert len(asked) < 4 * len(found)


@pytest.mark.parametrize(("first", "last"), [(0, 0), (5, 5), (7, 10_000_000), (123_456_789, 987_654_321)])
def test_the_extent_is_found_between_the_hours_that_the_index_tells(first: int, last: int) -> None:
    hour = 3_600_000

    def sampled(start: int, end: int) -> bool:
        assert start <= end
        return start <= last and end >= first

    def indexed(start: int, end: int) -> bool:
        return start <= last // hour * hour + hour and end >= first // hour * hour

    assert extent(indexed, sampled, 2_000_000_000) == (first, last)
    assert extent(lambda _a, _b: False, sampled, 2_000_000_000) is None


def test_runs_of_one_series_are_joined_in_any_order() -> None:
    a, b = from_mapping({"__name__": "a"}), from_mapping({"__name__": "b"})
    runs = Runs.none()
    for labels, times in [(b, [5, 6]), (a, [9]), (b, [1, 2]), (a, [])]:
        runs.add(labels, np.array(times, dtype=np.int64), np.array(times, dtype=np.float64))
    series, tally = settled(runs)
    assert tally == Tally()
    assert rows_of(series) == {a: [(9, bits(9))], b: [(t, bits(t)) for t in (1, 2, 5, 6)]}


@contextmanager
def victoria(folder: Path) -> Iterator[str]:
    """The URL of a VictoriaMetrics."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = [f"-storageDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y"]
    process = subprocess.Popen(["victoria-metrics", *flags, "-loggerLevel=ERROR"])
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                if requests.get(f"{url}/health", timeout=5).ok:
                    break
            except requests.ConnectionError:
                assert process.poll() is None, "VictoriaMetrics ended before it was ready"
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


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
