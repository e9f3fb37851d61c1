"""Pieces of a recording to files that outlive the process: what is whole there need not be asked for again.

Beside the output `x` lies `.x.partial` with a Parquet file a piece and `manifest.jsonl`: what was asked for in its
first line, then a line for each run and each piece. A line is written after its file is; one without an end is none.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from tocsin.diagnostics import ProblemError
from tocsin.series import Series
from tocsin.sources.api import refuse
from tocsin.sources.arrow.recording import ParquetRecording
from tocsin.sources.arrow.write import write_parquet
from tocsin.sources.runs import Piece, Tally

_MANIFEST = "manifest.jsonl"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """What a recording is asked for: `source` without secrets, `since` and `until` as they were given and what that
    means in Unix milliseconds, and the `wanted` selectors as PromQL, each with its first and last time.
    """

    source: str
    since: str
    until: str
    start: int
    end: int
    wanted: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Done:
    """A piece that is whole: of what is wanted with `number`, all from `start` to `end`, both inclusive."""

    number: int
    start: int
    end: int
    samples: int
    names: tuple[str, ...]
    tally: Tally

    @property
    def file(self) -> str:
        return f"{self.number:05}-{self.start}.parquet"


@dataclass(slots=True)
class Partial:
    """The folder of a recording that is being made; `runs` is how often it was begun or resumed."""

    folder: Path
    asked: Asked
    runs: int = 0
    done: list[Done] = field(default_factory=list)

    @staticmethod
    def resume(folder: Path) -> Partial | None:
        """What an earlier run left; None where it left nothing of use. Raises ProblemError."""
        try:
            content = (folder / _MANIFEST).read_bytes()
        except FileNotFoundError:
            return None
        lines = content.split(b"\n")[:-1]
        if not lines:
            return None
        os.truncate(folder / _MANIFEST, sum(len(line) + 1 for line in lines))
        try:
            return _read(folder, [json.loads(line) for line in lines])
        except (ValueError, TypeError, KeyError):
            path = str(folder / _MANIFEST)
            raise refuse("damaged", path, "is no manifest of a recording", "begin anew with --restart") from None

    @staticmethod
    def begin(folder: Path, asked: Asked) -> Partial:
        """An empty folder, whatever was there. Raises OSError."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        partial = Partial(folder, asked)
        partial._append({"version": _VERSION, **asdict(asked)})
        return partial

    def run(self) -> None:
        """Note that a run begins."""
        self.runs += 1
        self._append({"run": self.runs})

    def next(self, number: int, start: int) -> int:
        """From when on samples are missing."""
        return max((one.end + 1 for one in self.done if one.number == number), default=start)

    def add(self, number: int, piece: Piece) -> None:
        """Keep a piece. Raises OSError."""
        names = sorted({name for labels in piece.series.labels for name, _ in labels})
        one = Done(number, piece.start, piece.end, len(piece.series.times), tuple(names), piece.tally)
        if one.samples:
            making = self.folder / "piece"
            write_parquet(piece.series, str(making))
            _sync(making)
            making.replace(self.folder / one.file)
        warnings = sorted(one.tally.warnings)
        self._append({**asdict(one), "tally": {**asdict(one.tally), "warnings": warnings}})
        self.done.append(one)

    def read(self, start: int, end: int) -> Iterator[Series]:
        """What is there of the samples from `start` to `end`, both inclusive, piece by piece."""
        for one in self.done:
            if one.samples and one.start <= end and one.end >= start:
                found = ParquetRecording.open(str(self.folder / one.file), keep=0).read((), start, end)
                if found.labels:
                    yield found

    @property
    def samples(self) -> int:
        return sum(one.samples for one in self.done)

    @property
    def names(self) -> list[str]:
        """The names of all labels."""
        return sorted({name for one in self.done for name in one.names})

    @property
    def tally(self) -> Tally:
        return sum((one.tally for one in self.done), Tally())

    def remove(self) -> None:
        shutil.rmtree(self.folder)

    def _append(self, line: Mapping[str, Any]) -> None:
        with (self.folder / _MANIFEST).open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def check_same(begun: Partial, asked: Asked) -> None:
    """Refuse to go on with a recording that was begun with something else in mind."""
    for one, what in _QUESTIONS.items():
        was, now = getattr(begun.asked, one), getattr(asked, one)
        if was != now:
            shown = "" if one == "wanted" else f": it was {was or 'not given'}"
            message = f"holds a recording that was begun with {what}{shown}"
            raise _other(begun.folder, message)


_QUESTIONS = {
    "source": "another --from",
    "since": "another --since",
    "until": "another --until",
    "start": "another first time",
    "end": "another last time",
    "wanted": "rules that read something else",
}
assert set(_QUESTIONS) == {one.name for one in fields(Asked)}


def _other(folder: Path, message: str) -> ProblemError:
    return refuse("partial", str(folder), message, "give what was given then to go on, or --restart to begin anew")


def _read(folder: Path, lines: list[dict[str, Any]]) -> Partial:
    first, *others = lines
    if first.pop("version") != _VERSION:
        raise _other(folder, "was begun by another version of tocsin")
    wanted = tuple((str(text), int(start), int(end)) for text, start, end in first.pop("wanted"))
    partial = Partial(folder, Asked(**first, wanted=wanted))
    for line in others:
        if "run" in line:
            partial.runs = line["run"]
            continue
        tally = Tally(**line.pop("tally"))
        tally = replace(tally, warnings=frozenset(tally.warnings))
        partial.done.append(Done(**{**line, "names": tuple(line["names"])}, tally=tally))
    return partial


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
