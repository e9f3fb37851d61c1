"""A server on loopback that answers as it is told: with faults, or with what the server behind it says."""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import TypeAlias

import requests


@dataclass(frozen=True)
class Reply:
    """An answer; of one that is `cut`, the connection ends before the last of the bytes that were promised."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    path: str
    body: bytes
    headers: dict[str, str]


Answer: TypeAlias = Callable[[Asked], Reply]
Fault: TypeAlias = Reply | Callable[[Reply], Reply]
"""An answer in place of the real one, or what becomes of it."""


@dataclass
class FaultyServer:
    """`faults` are used up one by one, a request each; after them all is well."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)


def passed_on(to: str) -> Answer:
    """What the server at another URL says."""

    def ask(request: Asked) -> Reply:
        kept = {name: value for name, value in request.headers.items() if name not in ("Host", "Content-Length")}
        got = requests.post(to + request.path, data=request.body, headers=kept, timeout=60, allow_redirects=False)
        passed = {"Content-Type": got.headers.get("Content-Type", "")}
        return Reply(got.status_code, got.content, passed)

    return ask


@contextmanager
def faulty(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[FaultyServer]:
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Asked(self.path, body, dict(self.headers))
            with lock:
                told.asked.append(request)
                fault = told.faults.popleft() if told.faults else None
            reply = fault if isinstance(fault, Reply) else answer(request)
            if fault is not None and not isinstance(fault, Reply):
                reply = fault(reply)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body) + reply.cut))
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    told = FaultyServer(f"http{'s' * (tls is not None)}://127.0.0.1:{server.server_port}")
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
