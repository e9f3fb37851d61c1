"""Prometheus's remote read to samples with their staleness markers: a stream of chunks, or samples where it has none.

A frame of the stream is a uvarint of its length, the CRC-32C of its bytes in big-endian, and the bytes of a
`ChunkedReadResponse` (prometheus storage/remote/chunked.go). Chunks reach beyond the time that was asked for.
Samples that are no chunks have lost the sign of zero: the server's encoder leaves out a field that equals 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cramjam
import numpy as np
import requests

from tocsin.diagnostics import Problem, ProblemError
from tocsin.kernels.bits import PAD
from tocsin.kernels.chunks import XOR, XOR2
from tocsin.kernels.crc32c import crc32c
from tocsin.kernels.remote_chunks import decode_chunks
from tocsin.labels import NAME, Labels, from_mapping
from tocsin.promql.ast import Matcher
from tocsin.series import Series, offsets_of
from tocsin.sources.http.pieces import Matchers
from tocsin.sources.http.prompb import ChunkedReadResponse, DecodeError, ReadRequest, ReadResponse
from tocsin.sources.http.query import QueryClient, sent
from tocsin.sources.http.server import Answer, ForeignError, GarbledError, Server, TooMuchError
from tocsin.sources.runs import Runs, Tally, clipped, settled

_SAMPLES, _CHUNKS = 0, 1
_TYPES = {"=": 0, "!=": 1, "=~": 2, "!~": 3}
_HISTOGRAMS = (2, 3, 5, 6)
_HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Read-Version": "0.1.0",
}
_STREAM = "application/x-streamed-protobuf"
_LARGEST_FRAME = 1 << 28
_PIECE = 1 << 18


class ReadClient:
    """Asks by remote read; `path` is where it answers below the server's URL."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.notes: tuple[Problem, ...] = ()
        self._path = "" if server.name.partition("?")[0].endswith("/read") else "/api/v1/read"
        self._labels = QueryClient(server) if self._path else None

    def check(self) -> None:
        self.fetch((Matcher(NAME, "=", "up"),), 0, 0)

    def fetch(self, matchers: Matchers, start: int, end: int) -> tuple[Series, Tally]:
        return self._ask(matchers, start, end, lambda response: _samples(response, start, end))

    def indexed(self, start: int, end: int) -> bool:
        if self._labels is not None:
            try:
                return self._labels.indexed(start, end)
            except ProblemError:  # who answers remote read need not answer anything else
                self._labels = None
        return self._ask((), start, end, lambda response: any(_has_samples(response, start, end)))

    def sampled(self, start: int, end: int) -> bool:
        # To its end, though one sample would do: Prometheus logs every frame that nobody takes any more.
        return self._ask((), start, end, lambda response: any(list(_has_samples(response, start, end))))

    def _ask(self, matchers: Matchers, start: int, end: int, take: Callable[[requests.Response], Answer]) -> Answer:
        query = {
            "start_timestamp_ms": start,
            "end_timestamp_ms": end,
            "matchers": [{"type": _TYPES[m.op], "name": m.label, "value": m.value} for m in sent(matchers)],
        }
        request = ReadRequest(queries=[query], accepted_response_types=[_CHUNKS, _SAMPLES])
        body = bytes(cramjam.snappy.compress_raw(request.SerializeToString()))
        return self.server.ask(self._path, take, data=body, headers=_HEADERS, judge=_judge)


def _samples(response: requests.Response, start: int, end: int) -> tuple[Series, Tally]:
    parts = [_decoded(part) for part in _parts(response)]
    runs = Runs.none()
    for one, _ in parts:
        runs.labels += one.labels
        runs.times += one.times
        runs.values += one.values
    series, tally = settled(runs)
    # Chunks overlap where samples came late and where blocks do, so that the same sample twice is no oddity.
    tally = replace(tally, repeated=0) + Tally(histograms=sum(histograms for _, histograms in parts))
    return clipped(series, start, end), tally


def _has_samples(response: requests.Response, start: int, end: int) -> Iterator[bool]:
    """Of each message, whether it has a sample from `start` to `end`."""
    for part in _parts(response):
        yield any(((times >= start) & (times <= end)).any() for times in _decoded(part)[0].times)


def _parts(response: requests.Response) -> Iterator[Any]:
    """The messages of an answer."""
    kind = response.headers.get("Content-Type", "")
    try:
        if kind.startswith(_STREAM):
            yield from map(ChunkedReadResponse.FromString, frames(response.iter_content(_PIECE)))
        elif kind.startswith("application/x-protobuf"):
            yield ReadResponse.FromString(_unpacked(response.content))
        else:
            raise ForeignError(f"status {response.status_code} with {kind or 'nothing'}, not with remote read")
    except DecodeError:
        raise GarbledError("the answer is not a message of remote read") from None


def _judge(response: requests.Response) -> None:
    """Raise TooMuchError where the limit of samples, for answers that are no streams, is hit."""
    if response.status_code in (400, 413, 422) and b"limit" in response.content:
        raise TooMuchError(f"status {response.status_code}: {response.text.strip()[:200]}")


def _unpacked(body: bytes) -> bytes:
    try:
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError:
        raise GarbledError("the answer is not a block of snappy") from None


def frames(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The frames of a stream, each checked; raises GarbledError."""
    buffer, number = bytearray(), 1
    for piece in pieces:
        buffer += piece
        while (head := _head(buffer)) is not None and len(buffer) >= head[0] + 4 + head[1]:
            start, length = head[0] + 4, head[1]
            frame = bytes(buffer[start : start + length])
            if int(crc32c(np.frombuffer(frame, dtype=np.uint8), 0, length)) != int.from_bytes(
                buffer[start - 4 : start]
            ):
                raise GarbledError(f"frame {number} of the stream has another checksum than it says")
            del buffer[: start + length]
            number += 1
            yield frame
    if buffer:
        raise GarbledError(f"the stream ends in the middle of frame {number}")


def _head(buffer: bytearray) -> tuple[int, int] | None:
    """How many bytes the length of a frame takes, and that length; None where more is to come."""
    length = 0
    for at, byte in enumerate(buffer[:10]):
        length |= (byte & 127) << 7 * at
        if length > _LARGEST_FRAME:
            raise GarbledError("a frame of the stream is said to be larger than 256 MiB")
        if byte < 128:
            return at + 1, length
    return None


@dataclass(slots=True)
class _Chunks:
    """Chunks of floats, one after the other."""

    labels: list[Labels] = field(default_factory=list)
    encodings: list[int] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)


def _decoded(part: Any) -> tuple[Runs, int]:
    """The samples of a message, and how many of its chunks or samples are native histograms."""
    if isinstance(part, ReadResponse):
        return _plain([series for result in part.results for series in result.timeseries]), 0
    chunks, histograms = _Chunks(), 0
    for series in part.chunked_series:
        labels = from_mapping({label.name: label.value for label in series.labels})
        for chunk in series.chunks:
            if chunk.type in _HISTOGRAMS:
                histograms += int.from_bytes(chunk.data[:2])
            elif chunk.type not in (XOR, XOR2):
                raise ForeignError(f"a chunk of encoding {chunk.type}, which is not known")
            else:
                chunks.labels.append(labels)
                chunks.encodings.append(chunk.type)
                chunks.data.append(chunk.data)
    return _runs(chunks), histograms


def _plain(every: Sequence[Any]) -> Runs:
    runs = Runs.none()
    for series in every:
        times = np.array([sample.timestamp for sample in series.samples], dtype=np.int64)
        values = np.array([sample.value for sample in series.samples], dtype=np.float64)
        runs.add(from_mapping({label.name: label.value for label in series.labels}), times, values)
    return runs


def _runs(chunks: _Chunks) -> Runs:
    """Each chunk as a run."""
    sizes = np.array([len(data) for data in chunks.data], dtype=np.int64)
    counts = np.array([int.from_bytes(data[:2]) for data in chunks.data], dtype=np.int64)
    # The smallest sample takes one bit.
    if (sizes < 2).any() or (counts > 8 * sizes).any():
        raise GarbledError("a chunk is shorter than what it says to hold")
    edges = offsets_of(sizes)
    to = offsets_of(counts)
    data = np.frombuffer(b"".join([*chunks.data, bytes(PAD)]), dtype=np.uint8)
    times, bits = np.empty(to[-1], dtype=np.int64), np.empty(to[-1], dtype=np.uint64)
    if decode_chunks(data, edges, np.array(chunks.encodings, dtype=np.uint8), to, times, bits) >= 0:
        raise GarbledError("a chunk makes no sense")
    runs, values = Runs.none(), bits.view(np.float64)
    for labels, low, high in zip(chunks.labels, to.tolist(), to[1:].tolist(), strict=False):
        runs.add(labels, times[low:high], values[low:high])
    return runs
