"""Servers that are none, or that answer what makes no sense: each is named, with what it did."""

from __future__ import annotations

import time

import pytest
from tests.faulty_server import Asked, Reply, faulty
from tests.http_samples import HTML, M, bits, frame, matrix, opened, read_opened, refusal, rows_of

from tocsin.sources.http.prompb import ChunkedReadResponse
from tocsin.sources.http.server import Patience
from tocsin.sources.open import open_recording


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


STREAM = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"


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
    with faulty(lambda _: Reply(200, chunk(kind, data), {"Content-Type": STREAM})) as server:
        assert said in refusal(lambda: read_opened(server.url))


def test_chunks_of_native_histograms_are_counted() -> None:
    with faulty(lambda _: Reply(200, chunk(2, b"\0\x09\0\0"), {"Content-Type": STREAM})) as server:
        recording = read_opened(server.url)
        assert rows_of(recording.read(M, 0, 1)) == {}
        assert [one.message for one in recording.problems] == [
            "9 samples are native histograms, and left out: only floats are read"
        ]
