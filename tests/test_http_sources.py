"""Servers: the same samples bit for bit whichever way; one that fails is asked again, or named with its status."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import cramjam
import pytest
from tests.faulty_server import Asked, Fault, FaultyServer, Reply, faulty, passed_on
from tests.http_samples import (
    DATA,
    ENDS,
    EVERYTHING,
    HTML,
    ONLY_M,
    QUICK,
    START,
    M,
    Rows,
    bits,
    expected,
    frame,
    opened,
    read_opened,
    refusal,
    rows_of,
)
from tests.prometheus import Prometheus, prometheus, written

from tocsin.labels import from_mapping
from tocsin.promql.ast import Matcher
from tocsin.series import STALE
from tocsin.sources.http.access import read_access
from tocsin.sources.http.prompb import ReadRequest
from tocsin.sources.http.read import ReadClient
from tocsin.sources.http.server import Server
from tocsin.sources.open import open_recording


@pytest.fixture(scope="module")
def live() -> Iterator[Prometheus]:
    with prometheus(DATA) as server:
        yield server


@pytest.fixture
def proxy(live: Prometheus) -> Iterator[FaultyServer]:
    with faulty(passed_on(live.url)) as server:
        yield server


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
            hour = START + 3_599_999
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
