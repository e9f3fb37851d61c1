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
    port = free_port()
    process = started(root, port, more)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started(root: Path, port: int, more: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """A server that is ready."""
    (root / "prometheus.yml").write_text("storage: {tsdb: {out_of_order_time_window: 30m}}\n")
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
    for _ in range(300):
        try:
            if requests.get(f"http://127.0.0.1:{port}/-/ready", timeout=5).ok:
                return process
        except requests.ConnectionError:
            assert process.poll() is None, "Prometheus ended before it was ready"
        time.sleep(0.1)
    process.kill()
    raise TimeoutError("Prometheus is not ready")
