"""A real Prometheus that serves given samples, to compare the engine with bit for bit."""

from __future__ import annotations

import math
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from tests.oracle_numbers import Samples
from tests.remote_write import HEADERS, body

from tocsin.labels import NAME, Labels, drop, from_mapping, get, quote

Answer = dict[Labels, float] | float | None
"""A vector by labels, a scalar, or None for an error."""


Rows = list[tuple[Labels, dict[int, float]]]
"""Series with their values by time in milliseconds, in the order of the reply; a scalar has no labels."""


class QueryFailed(Exception):  # noqa: N818
    """Prometheus's message, and whether it parsed the expression."""

    def __init__(self, message: str, parsed: bool) -> None:
        super().__init__(message)
        self.parsed = parsed


@dataclass(frozen=True)
class Prometheus:
    url: str
    session: requests.Session = field(default_factory=requests.Session)

    def query(self, expr: str, at: int) -> Answer:
        """An instant query at a time in milliseconds; the numbers have the bits that Prometheus computed."""
        reply = requests.post(
            f"{self.url}/api/v1/query", data={"query": expr, "time": f"{at / 1000:.3f}"}, timeout=60
        ).json()
        if reply["status"] != "success":
            assert reply["errorType"] == "execution", f"{expr}: {reply}"
            return None
        result = reply["data"]["result"]
        if reply["data"]["resultType"] == "scalar":
            return float(result[1])
        return {from_mapping(series["metric"]): float(series["value"][1]) for series in result}

    def instant(self, expr: str, at: int) -> Rows:
        """An instant query; raises QueryFailed."""
        data = self._data("query", {"query": expr, "time": _seconds(at)})
        if data["resultType"] == "scalar":
            return [((), {at: float(data["result"][1])})]
        return [(from_mapping(one["metric"]), _points([one["value"]])) for one in data["result"]]

    def range(self, expr: str, start: int, end: int, step: int) -> Rows:
        """A range query; raises QueryFailed."""
        form = {"query": expr, "start": _seconds(start), "end": _seconds(end), "step": _seconds(step)}
        result = self._data("query_range", form)["result"]
        return [(from_mapping(one["metric"]), _points(one["values"])) for one in result]

    def _data(self, path: str, form: dict[str, str]) -> Any:
        reply = self.session.post(f"{self.url}/api/v1/{path}", data=form, timeout=120).json()
        if reply["status"] != "success":
            raise QueryFailed(reply["error"], parsed=reply["errorType"] == "execution")
        return reply["data"]


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"


def _points(pairs: list[list[Any]]) -> dict[int, float]:
    return {round(time * 1000): float(value) for time, value in pairs}


def openmetrics(data: Mapping[Labels, Samples]) -> str:
    """Samples as OpenMetrics text, which holds floats without loss and times to the millisecond."""
    lines = []
    for labels in sorted(data, key=lambda one: (get(one, NAME), one)):
        pairs = ",".join(f"{name}={quote(value)}" for name, value in drop(labels, (NAME,)))
        for at, value in data[labels]:
            number = "NaN" if math.isnan(value) else repr(value).replace("inf", "Inf")
            lines.append(f"{get(labels, NAME)}{{{pairs}}} {number} {at / 1000:.3f}")
    return "\n".join([*lines, "# EOF", ""])


@contextmanager
def prometheus(data: Mapping[Labels, Samples], *more: str) -> Iterator[Prometheus]:
    """Serve samples, without staleness markers, from blocks that promtool makes of them; `more` are flags."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "samples.txt").write_text(openmetrics(data))
        make = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(root / "samples.txt"), str(root / "data")]
        subprocess.run(make, check=True, capture_output=True, text=True)
        with serving(root, more) as server:
            yield server


@contextmanager
def written(data: Mapping[Labels, Samples]) -> Iterator[Prometheus]:
    """Serve samples with their staleness markers, the series in label order, from the head of a new database."""
    with tempfile.TemporaryDirectory() as folder:
        # The head keeps what is at most half of the shortest block older than its newest sample.
        arguments = ["--web.enable-remote-write-receiver", "--storage.tsdb.min-block-duration=2d"]
        with serving(Path(folder), [*arguments, "--storage.tsdb.max-block-duration=20d"]) as server:
            ordered = {labels: data[labels] for labels in sorted(data)}
            reply = requests.post(f"{server.url}/api/v1/write", data=body(ordered), headers=HEADERS, timeout=60)
            assert reply.status_code == 204, reply.text
            yield server


@contextmanager
def serving(
    root: Path, more: Sequence[str] = (), config: str = "global: {evaluation_interval: 1m}"
) -> Iterator[Prometheus]:
    """A server of what is in the folder `data` of a folder."""
    (root / "prometheus.yml").write_text(config)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [
        f"--config.file={root / 'prometheus.yml'}",
        f"--storage.tsdb.path={root / 'data'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
        *more,
    ]
    server = subprocess.Popen(["prometheus", *arguments])
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(f"{url}/-/ready", server)
        yield Prometheus(url)
    finally:
        server.terminate()
        server.wait()


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.ConnectionError:
            assert server.poll() is None, "Prometheus ended before it was ready"
        time.sleep(0.1)
    raise TimeoutError(url)
