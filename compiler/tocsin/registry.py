"""Open sets that are found by walking a package: adding a member is adding a file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
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


LISTED = 12
"""How many names a person reads through to find the one that was meant."""

ALIKE = 3
"""How many letters two names share that is no chance."""


def suggest(name: str, known: Iterable[str]) -> str:
    """`did you mean ...?` for the nearest known name, or a list of what is known where none is near.

    Of a long list only the names that contain the word or begin alike, else its first and how many others there are.

    >>> suggest("sevrity", ["severity", "summary"])
    'did you mean `severity`?'
    >>> suggest("burn", [*"abcdefghijkl", "ShopFastBurn", "ShopSlowBurn"])
    'similar are `ShopFastBurn`, `ShopSlowBurn`'
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if not near and len(names) > LISTED:
        alike = _alike(name.lower(), names)
        if len(alike) > 1:
            return f"similar are {_listed(alike)}"
        near = alike
    if near:
        return f"did you mean `{near[0]}`?"
    return f"known are {_listed(names)}" if names else ""


def _alike(word: str, names: Sequence[str]) -> list[str]:
    """The names that contain a word, or else those that begin like it, in whatever case."""
    if len(word) < ALIKE:
        return []
    within = [name for name in names if word in name.lower()]
    return within or [name for name in names if name.lower().startswith(word[:ALIKE])]


def _listed(names: Sequence[str]) -> str:
    others = len(names) - LISTED
    shown = ", ".join(f"`{name}`" for name in names[:LISTED])
    return f"{shown} and {others:,} other{'s' * (others > 1)}" if others > 0 else shown
