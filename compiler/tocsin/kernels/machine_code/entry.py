"""An address of machine code to a function that Python calls, without the interpreter lock."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from tocsin.kernels.machine_code.signature import Signature

GOOD = (0, -2)
"""The statuses of a kernel that returned a value, and of one that returned None."""


class Entry:
    """A kernel for one signature; `returns` are the types of its values: none, one, or those of a tuple."""

    __slots__ = ("_function", "_names", "_result")

    def __init__(self, address: int, signature: Signature, returns: Sequence[str]) -> None:
        arguments = [_ctype(one) if isinstance(one, np.dtype) else ctypes.py_object for one in signature]
        fields = [(f"value{i}", _ctype(np.dtype(one))) for i, one in enumerate(returns)]
        self._names = [name for name, _ in fields]
        self._result = type("Result", (ctypes.Structure,), {"_fields_": fields})
        value = [ctypes.c_void_p] if returns else []
        self._function = ctypes.CFUNCTYPE(ctypes.c_int, *value, *arguments)(address)

    def __call__(self, arguments: Sequence[Any]) -> Any:
        """Raises MemoryError where there is none for what the kernel allocates."""
        if not self._names:
            if self._function(*arguments) not in GOOD:
                raise MemoryError
            return None
        result = self._result()
        if self._function(ctypes.addressof(result), *arguments) not in GOOD:
            raise MemoryError
        values = tuple([getattr(result, name) for name in self._names])
        return values if len(values) > 1 else values[0]


def _ctype(dtype: np.dtype[Any]) -> type[Any]:
    found: type[Any] = np.ctypeslib.as_ctypes_type(dtype)
    return found
