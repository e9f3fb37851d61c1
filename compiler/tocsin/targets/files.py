"""Artifacts to files: written whole or not at all, and compared with what lies there."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from difflib import unified_diff
from pathlib import Path
from tempfile import NamedTemporaryFile

from tocsin.targets.api import MARK, Artifact

_WAITING = ".tocsin"
"""How the name of a file ends that waits to be moved to its place."""

_ABANDONED = 60
"""Seconds after which its process was killed, and nobody will move it."""


def write(artifacts: Sequence[Artifact], out: Path, stale: Sequence[Path]) -> Iterator[Path]:
    """Writes what differs and removes what is stale; yields what was touched.

    Each file is written beside its place and moved there, so that at any moment it is old or new, never torn.
    Raises OSError.
    """
    for artifact in artifacts:
        path = out / artifact.path
        if _read(path) != artifact.text:
            replace(path, artifact.text)
            yield path
    for path in stale:
        path.unlink(missing_ok=True)
        yield path
    for folder in {(out / artifact.path).parent for artifact in artifacts}:
        _sweep(folder)


def replace(path: Path, text: str, mode: int = 0o644) -> None:
    """Writes a file whole: beside its place, then moved there. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}.", suffix=_WAITING, encoding="utf-8", newline="\n", delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.fileno(), mode)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise


def _sweep(folder: Path) -> None:
    """Removes what killed processes left in a folder of ours."""
    for path in folder.glob(f".*{_WAITING}"):
        with suppress(OSError):
            if time.time() - path.lstat().st_mtime > _ABANDONED:
                path.unlink()


def unwanted(artifacts: Sequence[Artifact], out: Path, targets: Sequence[str]) -> list[Path]:
    """Files of ours in the targets' folders that no spec compiles to any more."""
    wanted = {out / artifact.path for artifact in artifacts}
    found = (path for name in targets for path in sorted((out / name).glob("*.y*ml")))
    return [path for path in found if path not in wanted and (_read(path) or "").startswith(MARK)]


def differences(artifacts: Sequence[Artifact], out: Path, stale: Sequence[Path]) -> Iterator[str]:
    """A unified diff from what lies in `out` to what should."""
    for artifact in artifacts:
        yield from _diff(out / artifact.path, artifact.text)
    for path in stale:
        yield from _diff(path, "")


def _diff(path: Path, text: str) -> Iterator[str]:
    old = _read(path)
    before, after = (old or "").splitlines(keepends=True), text.splitlines(keepends=True)
    yield from unified_diff(
        before, after, str(path) if old is not None else os.devnull, str(path) if text else os.devnull
    )


def _read(path: Path) -> str | None:
    """The text of a file; None where there is none. A file that is no text differs from all that is."""
    try:
        return path.read_bytes().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return None
