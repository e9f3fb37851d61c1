"""A real Prometheus that serves given samples, to compare the engine with bit for bit."""

from __future__ import annotations

import math
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from tests.oracle_numbers import Samples

from tocsin.labels import NAME, Labels, drop, from_mapping, get, quote

Answer = dict[Labels, float] | float | None
"""A vector by labels, a scalar, or None for an error."""


@dataclass(frozen=True)
class Prometheus:
    url: str

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
def prometheus(data: Mapping[Labels, Samples]) -> Iterator[Prometheus]:
    """Serve samples, without staleness markers, from blocks that promtool makes of them."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "samples.txt").write_text(openmetrics(data))
        (root / "prometheus.yml").write_text("global: {evaluation_interval: 1m}\n")
        make = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(root / "samples.txt"), str(root / "data")]
        subprocess.run(make, check=True, capture_output=True, text=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        arguments = [
            f"--config.file={root / 'prometheus.yml'}",
            f"--storage.tsdb.path={root / 'data'}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
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
