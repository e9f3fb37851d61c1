"""A library that is not installed to a problem that says what to install."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tocsin.sources.api import refuse

_LIBRARIES = ("requests", "google", "google.protobuf", "cramjam")


@contextmanager
def needs(url: str) -> Iterator[None]:
    """Around the imports that reading from a server needs, which no other command should pay for."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in _LIBRARIES:
            raise
        scheme = url.partition("://")[0]
        message = f"is on a server, which needs the Python package {error.name}"
        raise refuse("unreadable", f"{scheme}://", message, "install `tocsin[backtest]`") from None
