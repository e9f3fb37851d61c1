"""The one way a kernel is compiled: cached on disk, without the interpreter lock, its arithmetic as written."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a loop. Division by zero gives an infinity or NaN; never `fastmath`, which would reorder sums.

    The cache of a kernel notices changes of its own file only: after a change to a kernel that others call (such as
    `neumaier`), remove the `__pycache__` beside it.
    """
    return cast("Callable[P, R]", njit(cache=True, nogil=True, error_model="numpy")(function))
