"""The path of a recording to the recording, whatever its kind."""

from __future__ import annotations

from tocsin.registry import discover
from tocsin.sources.api import KINDS, OpenedRecording, refuse
from tocsin.sources.blocks import check_file, head


def open_recording(path: str) -> OpenedRecording:
    """The recording at `path`, of the kind that its content shows; raises ProblemError with codes `input/...`."""
    discover("tocsin.sources")
    check_file(path)
    start = head(path)
    kind = next((KINDS[name] for name in KINDS if KINDS[name].accepts(path, start)), None)
    if kind is None:
        looks = "; ".join(f"{KINDS[name].name}: {KINDS[name].looks}" for name in KINDS)
        raise refuse("not-a-recording", path, "is no recording of a known kind", f"known are {looks}")
    return kind.read(path)
