"""Scripts to the outcome of each of their evals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.evals import Mismatch, is_float, mismatch
from tests.conformance.script import Clear, Command, Eval, Load, read
from tests.conformance.storage import Storage


@dataclass(frozen=True, slots=True)
class Outcome:
    """An eval of a script; `mismatch` is None where all of its variants gave what is expected."""

    path: Path
    command: Eval
    is_float: bool
    mismatch: Mismatch | None

    def __str__(self) -> str:
        assert self.mismatch is not None
        place, found = f"{self.path}:{self.command.line}", self.mismatch
        return f"{place}: {self.command.expr}: expected {found.expected}, got {found.got}"


def scripts(paths: Iterable[Path]) -> list[Path]:
    """The files, and the scripts of the folders."""
    return [script for path in paths for script in (sorted(path.rglob("*.test")) if path.is_dir() else [path])]


def run(path: Path) -> Iterator[Outcome]:
    """The evals of a script in their order. Raises ScriptError."""
    return outcomes(read(path), path)


def outcomes(commands: Iterable[Command], path: Path) -> Iterator[Outcome]:
    storage = Storage()
    for command in commands:
        match command:
            case Clear():
                storage = Storage()
            case Load():
                storage.load(command)
            case Eval():
                yield Outcome(path, command, is_float(command, storage), mismatch(command, storage))
