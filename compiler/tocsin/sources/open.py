"""The path of a recording to the recording, whatever its kind."""

from __future__ import annotations

import os
import re

from tocsin.registry import discover, suggest
from tocsin.sources.api import KINDS, Kind, OpenedRecording, refuse
from tocsin.sources.blocks import check_file, head

_URL = re.compile(r"([a-z][a-z0-9+.-]*)://", re.ASCII | re.IGNORECASE)


def open_recording(path: str) -> OpenedRecording:
    """The recording at a path, of the kind that its content shows, or at a URL, of the kind that its scheme names.

    Raises ProblemError with codes `input/...`.
    """
    discover("tocsin.sources")
    if url := _URL.match(path):
        return _of_scheme(url[1].lower()).read(path)
    start = b""
    if not os.path.isdir(path):
        check_file(path)
        start = head(path)
    kind = next((KINDS[name] for name in KINDS if KINDS[name].accepts(path, start)), None)
    if kind is None:
        looks = "; ".join(f"{KINDS[name].name}: {KINDS[name].looks}" for name in KINDS)
        what = "is a folder, and no recording" if os.path.isdir(path) else "is no recording of a known kind"
        raise refuse("not-a-recording", path, what, f"known are {looks}")
    return kind.read(path)


def _of_scheme(scheme: str) -> Kind:
    by_scheme = {scheme: KINDS[name] for name in KINDS for scheme in KINDS[name].schemes}
    if scheme not in by_scheme:
        # The rest of a URL may hold a password.
        known = suggest(scheme, by_scheme)
        raise refuse("unreadable", f"{scheme}://", "is a URL of a scheme that is not known", known)
    return by_scheme[scheme]
