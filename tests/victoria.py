"""A real VictoriaMetrics, to read from."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests


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
