"""The URL of an object store that holds blocks, as Thanos and Mimir keep them, to a recording.

Blocks never change, so what a read needs of them is copied once, to `$TOCSIN_CACHE` or `tocsin` in the folder of the
user's caches; what has gone from the store goes from there. Credentials are those of the store's own library.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tocsin.diagnostics import ProblemError
from tocsin.sources.api import refuse
from tocsin.sources.http.access import masked
from tocsin.sources.tsdb.folder import TsdbRecording
from tocsin.sources.tsdb.folder import read as read_folder
from tocsin.sources.tsdb.meta import META

_BLOCK = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
"""A ULID, which is how blocks are called."""

_CHUNKS = re.compile(r"chunks/[0-9]+")


@dataclass(frozen=True, slots=True)
class Bucket:
    """Blocks below `root` of a file system of fsspec, and the folder of their copies."""

    name: str
    system: Any
    root: str
    copies: Path

    @staticmethod
    def open(url: str) -> Bucket:
        """Raises ProblemError where there is no such store."""
        with _refused(masked(url)):
            import fsspec

            system, root = fsspec.core.url_to_fs(url)
            name = hashlib.sha256(system.unstrip_protocol(root).encode()).hexdigest()[:16]
            return Bucket(masked(url), system, root.rstrip("/"), _cache() / "blocks" / name)

    def read(self) -> TsdbRecording:
        """The descriptions of all blocks are copied at once, the rest of a block when it is read."""
        with _refused(self.name):
            listed = [path.rstrip("/").rpartition("/")[2] for path in self.system.ls(self.root, detail=False)]
            blocks = sorted(filter(_BLOCK.fullmatch, listed))
            if not blocks:
                raise refuse("not-a-recording", self.name, "has no blocks", "give the URL below which the blocks are")
            self.copies.mkdir(parents=True, exist_ok=True)
            for copy in self.copies.iterdir():
                if copy.name not in blocks:
                    shutil.rmtree(copy)
            missing = {f"{self.root}/{block}/{META}": self.copies / block / META for block in blocks}
            missing = {path: copy for path, copy in missing.items() if not copy.exists()}
            # A block without a description is being uploaded, or deleted.
            found = self.system.cat(list(missing), on_error="omit") if missing else {}
            for path, content in found.items():
                _write(missing[path], content)
        return read_folder(str(self.copies), self.fetch)

    def fetch(self, folder: str) -> None:
        """Copy the rest of a block, the index last: where that is, everything is."""
        copy = Path(folder)
        if (copy / "index").exists():
            return
        block = f"{self.root}/{copy.name}"
        with _refused(f"{self.name}/{copy.name}"):
            files = [path[len(block) + 1 :] for path in self.system.find(block)]
            for file in (*filter(_CHUNKS.fullmatch, files), *(one for one in ("tombstones", "index") if one in files)):
                target = copy / file
                target.parent.mkdir(parents=True, exist_ok=True)
                making = target.with_name(f"{target.name}.{os.getpid()}.part")
                self.system.get_file(f"{block}/{file}", str(making))
                making.replace(target)


def read(url: str) -> TsdbRecording:
    """The blocks below a URL as a recording; raises ProblemError."""
    return Bucket.open(url).read()


def _cache() -> Path:
    given = os.environ.get("TOCSIN_CACHE")
    return Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tocsin"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.with_name(f"{path.name}.{os.getpid()}.part")
    making.write_bytes(content)
    making.replace(path)


@contextmanager
def _refused(name: str) -> Iterator[None]:
    """Turns whatever the library of a store raises into a problem: each has errors of its own."""
    try:
        yield
    except ProblemError:
        raise
    except ImportError as error:
        message = f"is in an object store, which needs a Python package: {error}"
        raise refuse("unreadable", name, message, "install `tocsin[s3]`, or the library of another store") from None
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise refuse("unreadable", name, f"cannot be read: {reason}") from None
