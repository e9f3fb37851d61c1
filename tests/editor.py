"""An editor at its smallest: starts `tocsin lsp`, and speaks JSON-RPC with it over its standard input and output."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

Json: TypeAlias = Any

LONGEST = 30.0
"""Seconds that an answer may take on a busy machine."""


@dataclass(slots=True)
class Editor:
    """The client of one server; whatever comes from it must be a message of the protocol."""

    process: subprocess.Popen[bytes]
    messages: queue.Queue[Json] = field(default_factory=queue.Queue)
    told: dict[str, list[Json]] = field(default_factory=dict)
    strays: list[bytes] = field(default_factory=list)
    _last: int = 0

    def send(self, message: Mapping[str, Json]) -> None:
        self.send_raw(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def send_raw(self, body: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def notify(self, method: str, params: Json = None) -> None:
        self.send({"method": method, "params": params})

    def request(self, method: str, params: Json = None) -> Json:
        """The result of a request; what the server tells in the meantime is kept. An error is raised."""
        self._last += 1
        self.send({"id": self._last, "method": method, "params": params})
        while (message := self._next()).get("id") != self._last or "method" in message:
            self._keep(message)
        if "error" in message:
            raise RuntimeError(message["error"]["message"])
        return message["result"]

    def diagnostics(self, uri: str, version: int | None = None) -> list[Json]:
        """The next problems of a document that it is told, those of a version."""
        while True:
            kept = self.told.setdefault(uri, [])
            while kept:
                params = kept.pop(0)
                if version is None or params.get("version") == version:
                    return list(params["diagnostics"])
            self._keep(self._next())

    def open(self, path: Path | str, text: str) -> str:
        """Opens a document with a text that need not be saved; its address."""
        uri = path.as_uri() if isinstance(path, Path) else path
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return uri

    def change(self, uri: str, text: str, version: int) -> None:
        document = {"uri": uri, "version": version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def ask(self, method: str, uri: str, line: int, character: int) -> Json:
        """A request about a place."""
        place = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
        return self.request(f"textDocument/{method}", place)

    def initialize(self, encodings: list[str] | None = None) -> Json:
        general = {"positionEncodings": encodings} if encodings else {}
        capabilities = {"general": general, "textDocument": {"synchronization": {"didSave": True}}}
        result = self.request("initialize", {"processId": os.getpid(), "rootUri": None, "capabilities": capabilities})
        self.notify("initialized", {})
        return result

    def leave(self) -> int:
        """Says goodbye as the protocol asks; the server's exit code."""
        assert self.request("shutdown") is None
        self.notify("exit")
        return self.process.wait(LONGEST)

    def read(self) -> None:
        """Reads messages until the server is gone; anything else is a stray."""
        out = self.process.stdout
        assert out
        while header := out.readline():
            name, _, length = header.partition(b":")
            if name != b"Content-Length":
                self.strays.append(header)
                continue
            while out.readline().strip():
                pass
            self.messages.put(json.loads(out.read(int(length))))

    def _next(self) -> Json:
        return self.messages.get(timeout=LONGEST)

    def _keep(self, message: Json) -> None:
        if message.get("method") == "textDocument/publishDiagnostics":
            self.told.setdefault(message["params"]["uri"], []).append(message["params"])


@contextmanager
def editor(folder: Path) -> Iterator[Editor]:
    """A server that was started in a folder, and an editor that has not said a word yet."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "tocsin", "lsp"]
    with subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        client = Editor(process)
        reader = threading.Thread(target=client.read, daemon=True)
        reader.start()
        try:
            yield client
        finally:
            process.kill()
            reader.join(LONGEST)
        assert client.strays == [], "something else than the protocol stands on standard output"
        assert process.stderr
        assert b"Traceback" not in process.stderr.read()
