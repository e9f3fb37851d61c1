"""A real Prometheus on a data folder, with its admin interface, for tests of what it leaves on disk."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests


@contextmanager
def server(root: Path, more: Sequence[str] = ()) -> Iterator[str]:
    """The URL of a server on `root / "data"`, which takes samples up to half an hour late."""
    (root / "prometheus.yml").write_text("storage: {tsdb: {out_of_order_time_window: 30m}}\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        "prometheus",
        f"--config.file={root / 'prometheus.yml'}",
        f"--storage.tsdb.path={root / 'data'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--web.enable-admin-api",
        "--log.level=error",
        *more,
    ]
    process = subprocess.Popen(command)
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                if requests.get(f"{url}/-/ready", timeout=5).ok:
                    break
            except requests.ConnectionError:
                assert process.poll() is None, "Prometheus ended before it was ready"
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()
