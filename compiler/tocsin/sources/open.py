"""The path of a recording to the recording, whatever its kind."""

from __future__ import annotations

import os

from tocsin.registry import discover
from tocsin.sources.api import KINDS, OpenedRecording, refuse
from tocsin.sources.blocks import check_file, head


def open_recording(path: str) -> OpenedRecording:
    """The recording at `path`, of the kind that its content shows; raises ProblemError with codes `input/...`."""
    discover("tocsin.sources")
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
