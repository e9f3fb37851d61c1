"""The URL of a server that answers Prometheus's remote read to a recording: every sample, with staleness markers.

Prometheus adds its `external_labels` to what it answers so, and to nothing that its own rules read.
"""

from __future__ import annotations

from tocsin.sources.api import KINDS, Kind, OpenedRecording
from tocsin.sources.http.needs import needs


def read(url: str) -> OpenedRecording:
    """The recording of a server whose `/api/v1/read` is below `url`; raises ProblemError."""
    with needs(url):
        from tocsin.sources.http.open import open_server
        from tocsin.sources.http.read import ReadClient

    return open_server(url, ReadClient)


KINDS.add(
    "remote-read",
    Kind(
        "Prometheus's remote read",
        "`remote-read+http://` and the URL below which `/api/v1/read` answers",
        lambda _path, _head: False,
        read,
        ("remote-read+http", "remote-read+https"),
    ),
)
