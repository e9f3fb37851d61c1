"""What a target is: compiled specs to artifacts, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tocsin.plan.emit import Compiled
from tocsin.registry import Registry
from tocsin.spec.settings import Settings

MARK = "# Compiled by tocsin"
"""How every artifact begins, so that one that is no longer wanted is known as ours."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file to write: its path below the output folder, and its text."""

    path: str
    text: str


Writer: TypeAlias = Callable[[Sequence[Compiled], Settings], Iterator[Artifact]]

TARGETS: Registry[Writer] = Registry("target")


def target(name: str) -> Callable[[Writer], Writer]:
    """Registers a writer of artifacts; its files lie in the folder of its name."""

    def register(write: Writer) -> Writer:
        return TARGETS.add(name, write)

    return register
