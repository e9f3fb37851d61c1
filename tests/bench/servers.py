"""A real Prometheus and a real VictoriaMetrics on loopback, with the load in them and limits out of the way."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.bench.load import json_lines

from tocsin.series import Series


@dataclass(frozen=True)
class Server:
    """A server of Prometheus's HTTP API."""

    name: str
    port: int
    options: tuple[tuple[str, str], ...] = ()

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """The answer's bytes, read to the end. Raises OSError where there is no server yet."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3600)
        try:
            kind = "application/x-www-form-urlencoded" if path.startswith("/api/v1/query") else "application/json"
            connection.request(method, path, body, {"Content-Type": kind})
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status >= 300:
            raise SystemExit(f"{self.name}: {path}: {response.status} {answer[:1000]!r}")
        return answer

    def query_range(self, expr: str, start: int, end: int, step: int) -> bytes:
        """The answer to a range query, times in milliseconds; results are never taken from a cache."""
        times = {"start": f"{start / 1000:.3f}", "end": f"{end / 1000:.3f}", "step": f"{step / 1000:.3f}"}
        form = urlencode({"query": expr, **times, **dict(self.options)})
        return self.request("POST", "/api/v1/query_range", form.encode())

    def result(self, expr: str, start: int, end: int, step: int) -> list[dict[str, Any]]:
        answer = json.loads(self.query_range(expr, start, end, step))
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found


@contextmanager
def _running(server: Server, ready: str, command: Sequence[str], log: Path) -> Iterator[Server]:
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        for _ in range(12_000):
            if process.poll() is not None:
                raise SystemExit(f"{server.name} ended with {process.returncode}\n{log.read_text()[-2000:]}")
            try:
                server.request("GET", ready)
                break
            except (OSError, SystemExit):
                time.sleep(0.01)
        yield server
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def prometheus(folder: Path, text: Path) -> Iterator[Server]:
    """Prometheus on blocks that promtool made of OpenMetrics text; it makes them only where they are not there yet."""
    data = folder / "prometheus"
    if not data.exists():
        made = folder / "prometheus.new"
        # Blocks as compaction would leave them; without the flag promtool reads the text once for every two hours.
        command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "-q", "--max-block-duration=162h"]
        done = subprocess.run([*command, str(text), str(made)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"promtool: {done.stdout[-1000:]}{done.stderr[-1000:]}")
        made.rename(data)
    settings = folder / "prometheus.yml"
    settings.write_text("global: {}\n")
    server = Server("Prometheus", _free_port())
    command = [
        "prometheus",
        f"--config.file={settings}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{server.port}",
        "--query.max-samples=2000000000",
        "--query.timeout=1h",
        "--log.level=error",
    ]
    with _running(server, "/-/ready", command, folder / "prometheus.log"):
        yield server


@contextmanager
def victoria_metrics(folder: Path, metrics: Iterable[Series]) -> Iterator[Server]:
    """VictoriaMetrics with the same samples, imported only where they are not there yet."""
    data = folder / "victoria-metrics"
    loaded = folder / "victoria-metrics.loaded"
    server = Server("VictoriaMetrics", _free_port(), (("nocache", "1"),))
    command = [
        "victoria-metrics",
        f"-storageDataPath={data}",
        "-retentionPeriod=100y",
        f"-httpListenAddr=127.0.0.1:{server.port}",
        "-search.disableCache",
        "-search.latencyOffset=0s",
        "-search.maxPointsPerTimeseries=1000000",
        "-search.maxSamplesPerQuery=2000000000",
        "-search.maxQueryDuration=1h",
        "-loggerLevel=ERROR",
    ]
    with _running(server, "/health", command, folder / "victoria-metrics.log"):
        if not loaded.exists():
            for series in metrics:
                for line in json_lines(series):
                    server.request("POST", "/api/v1/import", line)
            server.request("GET", "/internal/force_flush")
            server.request("GET", "/internal/force_merge")
            loaded.touch()
            os.sync()
        yield server
