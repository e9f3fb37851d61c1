"""The URL of a Prometheus-compatible HTTP API to a recording: Prometheus, Thanos, Mimir, Cortex, VictoriaMetrics.

Raw samples to the bit and the millisecond, but without staleness markers, which the API leaves out.
"""

from __future__ import annotations

from tocsin.sources.api import KINDS, Kind, OpenedRecording
from tocsin.sources.http.needs import needs


def read(url: str) -> OpenedRecording:
    """The recording of a server that answers below `url`; raises ProblemError."""
    with needs(url):
        from tocsin.sources.http.open import open_server
        from tocsin.sources.http.query import QueryClient

    return open_server(url, QueryClient)


KINDS.add(
    "prometheus-api",
    Kind(
        "a Prometheus-compatible HTTP API",
        "the URL below which `/api/v1` answers",
        lambda _path, _head: False,
        read,
        ("http", "https"),
    ),
)
