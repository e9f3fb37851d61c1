"""What is open in an editor to its checks: one at a time, and one for a burst of keystrokes."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pygls.uris import to_fs_path

from tocsin.diagnostics import ProblemError, Source
from tocsin.editor.check import Checked, check_text, unsaved
from tocsin.pipeline.inputs import SETTINGS
from tocsin.quantity import Unit
from tocsin.spec.settings import Settings

PAUSE = 0.15
"""Seconds without a keystroke until a text is checked; a text whose check takes longer waits as long as that took."""


@dataclass(slots=True)
class Document:
    """A text in the editor; `checked` is what is known of it as it stands.

    The `settings` are those of its last check, and the `units` of its indicators are of when it last was in order.
    """

    uri: str
    path: Path
    text: str
    version: int | None
    pause: float = PAUSE
    checked: Checked | None = None
    settings: Settings | None = None
    units: dict[str, Unit] = field(default_factory=dict)
    waiting: asyncio.Task[None] | None = None

    @property
    def is_settings(self) -> bool:
        return self.path.name == SETTINGS

    @property
    def source(self) -> Source:
        """The text as it is read; nothing where that cannot be."""
        try:
            return unsaved(self.path, self.text)
        except ProblemError:
            return Source(str(self.path), "")


class Desk:
    """The open documents; `tell` is called with each that has been checked."""

    def __init__(self, tell: Callable[[Document], None]) -> None:
        self._documents: dict[str, Document] = {}
        self._tell = tell
        self._checks = ThreadPoolExecutor(1, "check")

    def get(self, uri: str) -> Document | None:
        """The document that is open under an address."""
        return self._documents.get(uri)

    def open(self, uri: str, text: str, version: int) -> None:
        """A document is there; it is checked at once."""
        self.close(uri)
        document = self._documents[uri] = Document(uri, path_of(uri), text, version)
        self._schedule(document, 0.0)

    def change(self, uri: str, text: str, version: int | None) -> None:
        """A document has another text. What depends on it is checked again, too."""
        document = self._documents.get(uri)
        if document is None:
            return
        document.text, document.version, document.checked = text, version, None
        self._schedule(document, document.pause)
        if document.is_settings:
            self.check_all()

    def check_all(self) -> None:
        """Something that is not in the texts themselves has changed, such as their settings."""
        for document in self._documents.values():
            self._schedule(document, document.pause)

    def close(self, uri: str) -> None:
        """A document is not shown any more."""
        document = self._documents.pop(uri, None)
        if document and document.waiting:
            document.waiting.cancel()

    def end(self) -> None:
        """Nothing is to be checked any more."""
        self._checks.shutdown(wait=False, cancel_futures=True)

    async def checked(self, document: Document) -> Checked:
        """What is known of a document's text as it stands now."""
        while document.checked is None:
            if document.waiting is None or document.waiting.done():
                self._schedule(document, 0.0)
            assert document.waiting is not None
            await asyncio.wait([document.waiting])
        return document.checked

    def _schedule(self, document: Document, pause: float) -> None:
        if document.waiting:
            document.waiting.cancel()
        document.waiting = asyncio.get_running_loop().create_task(self._check(document, pause))

    async def _check(self, document: Document, pause: float) -> None:
        await asyncio.sleep(pause)
        texts = {os.path.realpath(one.path): one.text for one in self._documents.values()}
        texts[os.path.realpath(document.path)] = document.text  # another that is nowhere may have the same path
        today = datetime.now(UTC).date()
        started = time.monotonic()
        loop = asyncio.get_running_loop()
        checked = await loop.run_in_executor(self._checks, check_text, document.path, texts, today)
        # A change in the meantime has cancelled this, and waits for a check of its own.
        document.pause = max(PAUSE, time.monotonic() - started)
        document.checked, document.settings = checked, checked.inputs.settings
        if checked.inputs.specs:
            document.units = {name: one.unit for spec in checked.inputs.specs for name, one in spec.indicators.items()}
        self._tell(document)


def path_of(uri: str) -> Path:
    """Where a document is, or would be: what has no file yet is taken as one in the current folder."""
    try:
        name = to_fs_path(uri) or Path(unquote(urlsplit(uri).path)).name
    except ValueError:
        name = ""
    path = Path.cwd() / name.replace("\0", "")
    try:
        return path / "untitled" if path.is_dir() else path
    except OSError:  # a name that is too long, say
        return Path.cwd() / "untitled"
