"""Open sets that are found by walking a package: adding a member is adding a file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Named members of one open set, in the order of their names."""

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._members: dict[str, T] = {}

    def add(self, name: str, member: T) -> T:
        """Register a member; a name that is taken is a mistake in the program, not in its input."""
        if name in self._members:
            raise ValueError(f"two definitions of {self._noun} {name!r}")
        self._members[name] = member
        return member

    def get(self, name: str) -> T | None:
        return self._members.get(name)

    def __getitem__(self, name: str) -> T:
        return self._members[name]

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._members))

    def __len__(self) -> int:
        return len(self._members)


def discover(package: str) -> None:
    """Import every module of a package, so that its members register themselves; an import error is fatal."""
    for module in modules(package):
        importlib.import_module(module)


def modules(package: str) -> list[str]:
    """The names of all modules of a package, which is imported itself, and they are not."""
    root = importlib.import_module(package)
    return [f"{package}.{module.name}" for module in pkgutil.iter_modules(root.__path__)]


def packages(package: str) -> list[str]:
    """The names of all packages in a package, which is imported itself, and they are not."""
    root = importlib.import_module(package)
    return [f"{package}.{module.name}" for module in pkgutil.iter_modules(root.__path__) if module.ispkg]


def suggest(name: str, known: Iterable[str]) -> str:
    """`did you mean ...?` for the nearest known name, or a list of what is known where none is near.

    >>> suggest("sevrity", ["severity", "summary"])
    'did you mean `severity`?'
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"known are {', '.join(f'`{one}`' for one in names)}" if names else ""
