"""The one way a kernel is compiled: cached on disk, without the interpreter lock, its arithmetic as written."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit
from numba.core import event

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a loop. Division by zero gives an infinity or NaN; never `fastmath`, which would reorder sums.

    The cache of a kernel notices changes of its own file only: after a change to a kernel that others call (such as
    `neumaier`), remove the `__pycache__` beside it.
    """
    return cast("Callable[P, R]", njit(cache=True, nogil=True, error_model="numpy")(function))


def before_compiling(tell: Callable[[], None]) -> None:
    """Call `tell` once, before the first kernel of this process that is not in the cache is compiled."""
    event.register("numba:compile", _Once(tell))  # type: ignore[no-untyped-call]  # numba has no types


class _Once(event.Listener):
    def __init__(self, tell: Callable[[], None]) -> None:
        self.tell = tell

    def on_start(self, _event: object) -> None:
        event.unregister("numba:compile", self)  # type: ignore[no-untyped-call]
        self.tell()

    def on_end(self, _event: object) -> None:
        """Only the start is told."""
