"""A URL to the recording of the server behind it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from tocsin.sources.api import refuse
from tocsin.sources.http.access import read_access
from tocsin.sources.http.recording import Client, HttpRecording
from tocsin.sources.http.server import Patience, Server


def open_server(url: str, client: Callable[[Server], Client], patience: Patience | None = None) -> HttpRecording:
    """The recording of a server that `client` asks; raises ProblemError where it does not answer as it should.

    The scheme may have a prefix, as in `remote-read+https://`.
    """
    scheme, _, rest = url.partition("://")
    plain = f"{scheme.rpartition('+')[2]}://{rest}"
    try:
        parts = urlsplit(plain)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise refuse("server", f"{scheme}://", "is no URL of a server", "write it as `http://host:9090`")
    asked = client(Server(plain, read_access(plain), patience))
    asked.check()
    return HttpRecording(asked)
