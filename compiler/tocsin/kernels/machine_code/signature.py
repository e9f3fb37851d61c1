"""Arguments to the types that a kernel is compiled for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = tuple[np.dtype[Any], int, int]
"""The type of the elements, the number of dimensions, and what of `LAYOUT` holds."""

Signature: TypeAlias = tuple[Array | np.dtype[Any], ...]

CONTIGUOUS, ALIGNED = 0x1, 0x100
LAYOUT = CONTIGUOUS | ALIGNED
"""Of an array's flags (`NPY_ARRAY_C_CONTIGUOUS`, `NPY_ARRAY_ALIGNED`), those that make other machine code."""

_SCALARS: dict[type, np.dtype[Any]] = {bool: np.dtype(np.bool_), int: np.dtype(np.int64), float: np.dtype(np.float64)}
_SCALARS |= {one: np.dtype(one) for one in (np.bool_, np.int64, np.float64, np.uint64, np.uint32, np.int32, np.uint8)}


def signature_of(arguments: Sequence[object]) -> Signature:
    """Raises KeyError for an argument that is neither an array nor a number."""
    return tuple(
        [
            (one.dtype, one.ndim, one.flags.num & LAYOUT) if isinstance(one, np.ndarray) else _SCALARS[type(one)]
            for one in arguments
        ]
    )


def text_of(signature: Signature) -> str:
    """For names of files: the same for the same signature, in every process."""
    return ",".join(one.str if isinstance(one, np.dtype) else f"{one[0].str}:{one[1]}:{one[2]:x}" for one in signature)
