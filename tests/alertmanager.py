"""A real Alertmanager that tells a webhook on this machine, and keeps what it was told."""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from tocsin.labels import Labels, from_mapping
from tocsin.notify.silences import Silence
from tocsin.routing import Routing
from tocsin.routingfile.print import print_routing


@dataclass(frozen=True)
class Told:
    """One call of a webhook; `at` is in Unix milliseconds, `path` the receiver and the place of the webhook in it."""

    at: int
    path: str
    group: Labels
    firing: tuple[Labels, ...]
    resolved: tuple[Labels, ...]


class Webhook(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 200

    def __init__(self) -> None:
        self.told: list[Told] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        at = round(time.time() * 1000)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()
        assert isinstance(self.server, Webhook)
        self.server.told.append(_told(at, self.path, body))

    def log_message(self, *_: Any) -> None:
        pass


def _told(at: int, path: str, body: Mapping[str, Any]) -> Told:
    def alerts(status: str) -> tuple[Labels, ...]:
        return tuple(sorted(from_mapping(one["labels"]) for one in body["alerts"] if one["status"] == status))

    return Told(at, path, from_mapping(body["groupLabels"]), alerts("firing"), alerts("resolved"))


@dataclass
class Alertmanager:
    """`started` is when its dispatcher began, in Unix milliseconds."""

    url: str
    started: int
    webhook: Webhook
    session: requests.Session = field(default_factory=requests.Session)

    def post(self, alerts: Sequence[tuple[Labels, int, int]]) -> None:
        """Alerts with when they began to fire and when they end."""
        body = [
            {"labels": dict(labels), "startsAt": rfc3339(starts), "endsAt": rfc3339(ends)}
            for labels, starts, ends in alerts
        ]
        reply = self.session.post(f"{self.url}/api/v2/alerts", json=body, timeout=10)
        assert reply.ok, reply.text

    def silence(self, silence: Silence) -> None:
        matchers = [
            {"name": one.label, "value": one.value, "isRegex": "~" in one.op, "isEqual": "!" not in one.op}
            for one in silence.matchers
        ]
        body = {
            "matchers": matchers,
            "startsAt": rfc3339(silence.starts),
            "endsAt": rfc3339(silence.ends),
            "createdBy": "test",
            "comment": "test",
        }
        reply = self.session.post(f"{self.url}/api/v2/silences", json=body, timeout=10)
        assert reply.ok, reply.text


def rfc3339(time: int) -> str:
    return datetime.fromtimestamp(time / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _with_urls(config: Routing, webhook: Webhook) -> Routing:
    receivers = {
        name: {
            kind: [{**body, "url": f"{webhook.url}/{name}/{place}"} for place, body in enumerate(bodies)]
            for kind, bodies in receiver.items()
        }
        for name, receiver in config.receivers.items()
    }
    return Routing(config.root, receivers, config.inhibit_rules, config.time_intervals)


@contextmanager
def alertmanager(config: Routing) -> Iterator[Alertmanager]:
    """Run a configuration whose integrations are webhooks, which get their addresses here."""
    webhook = Webhook()
    threading.Thread(target=webhook.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
        probe.close()
        file = Path(folder) / "alertmanager.yml"
        file.write_text(print_routing(_with_urls(config, webhook)))
        arguments = [f"--config.file={file}", f"--storage.path={folder}/data", f"--web.listen-address={address}"]
        server = subprocess.Popen(
            ["prometheus-alertmanager", *arguments, "--cluster.listen-address=", "--log.level=error"]
        )
        try:
            started = _ready(f"http://{address}", server)
            yield Alertmanager(f"http://{address}", started, webhook)
        finally:
            server.terminate()
            server.wait()
            webhook.shutdown()
            webhook.server_close()


def _ready(url: str, server: subprocess.Popen[bytes]) -> int:
    for _ in range(1500):
        try:
            if requests.get(f"{url}/-/ready", timeout=5).ok:
                return round(time.time() * 1000)
        except requests.ConnectionError:
            assert server.poll() is None, "Alertmanager ended before it was ready"
        time.sleep(0.02)
    raise TimeoutError(url)
