"""Samples of all sorts, sources that read them from servers without losing time, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
import pytest
from tests.faulty_server import Reply

from tocsin.diagnostics import ProblemError, render
from tocsin.kernels.crc32c import crc32c
from tocsin.labels import Labels, from_mapping
from tocsin.promql.ast import Matcher
from tocsin.series import Series
from tocsin.sources.http.open import open_server
from tocsin.sources.http.query import QueryClient
from tocsin.sources.http.read import ReadClient
from tocsin.sources.http.recording import HttpRecording
from tocsin.sources.http.server import Patience

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


def opened(url: str, patience: Patience = QUICK) -> HttpRecording:
    return open_server(url, QueryClient, patience)


def refusal(call: Callable[[], object]) -> str:
    """The message of a refusal, as it is shown."""
    with pytest.raises(ProblemError) as caught:
        call()
    return render(caught.value.problem)


def read_opened(url: str, patience: Patience = QUICK) -> HttpRecording:
    return open_server(f"remote-read+{url}", ReadClient, patience)


HTML = Reply(200, b"<!DOCTYPE html><title>Log in</title>", {"Content-Type": "text/html"})


def matrix(*result: object, **more: object) -> Reply:
    data = {"status": "success", "data": {"resultType": "matrix", "result": result}, **more}
    return Reply(200, json.dumps(data).encode(), {"Content-Type": "application/json"})


def frame(message: bytes) -> bytes:
    """A frame of the stream of remote read, with the right checksum."""
    checksum = int(crc32c(np.frombuffer(message, dtype=np.uint8), 0, len(message)))
    return bytes([len(message)]) + checksum.to_bytes(4) + message
