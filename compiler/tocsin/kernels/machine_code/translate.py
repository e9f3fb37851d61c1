"""A kernel and a signature to machine code, by numba and LLVM."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from numba import from_dtype, njit, types
from numba.extending import intrinsic, overload
from numba.np.numpy_support import as_dtype

from tocsin.kernels.fused import fused
from tocsin.kernels.machine_code.bridge import declaration, function
from tocsin.kernels.machine_code.load import Code, target
from tocsin.kernels.machine_code.signature import ALIGNED, CONTIGUOUS, Array, Signature

_BARE: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Nothing around the kernel that would need Python, or numba's runtime."""

RUNTIME = Path(__file__).parent / "runtime.ll"


def translate(kernel: Callable[..., Any], signature: Signature, name: str) -> Code:
    """`kernel` as a function `name`. What numba raises passes: a kernel that it refuses is its author's mistake."""
    arguments = tuple(_type(one) for one in signature)
    dispatcher = _dispatcher(kernel)
    dispatcher.compile(arguments)
    compiled = dispatcher.overloads[arguments]
    returns = _returns(compiled.signature.return_type)
    own = compiled.fndesc.llvm_func_name
    bridge = "\n".join((declaration(own, signature), function(name, own, signature, bool(returns))))
    module = llvm.parse_assembly(dispatcher.inspect_llvm(arguments))
    for part in (bridge, RUNTIME.read_text()):
        module.link_in(llvm.parse_assembly(part))
    return Code(name, returns, _assembled(module, name))


def _assembled(module: llvm.ModuleRef, name: str) -> bytes:
    """An object file of which other files see the function `name` alone. Raises LookupError for what is nowhere."""
    process = ctypes.CDLL(None)
    for one in (*module.functions, *module.global_variables):
        if not one.is_declaration:
            if one.name != name:
                one.linkage = llvm.Linkage.internal
        elif not one.name.startswith("llvm.") and not hasattr(process, one.name):
            raise LookupError(f"the kernel {name} needs `{one.name}`, which only numba's own runtime has")
    return bytes(target().emit_object(module))


def type_of(kernel: Callable[..., Any]) -> types.Type:
    """What numba takes a kernel for that another one calls."""
    return types.Dispatcher(_dispatcher(kernel))


@cache
def _dispatcher(kernel: Callable[..., Any]) -> Any:
    return njit(error_model="numpy", **_BARE)(kernel)


def _type(one: Array | np.dtype[Any]) -> Any:
    if isinstance(one, np.dtype):
        return from_dtype(one)
    dtype, dimensions, layout = one
    return types.Array(_type(dtype), dimensions, "C" if layout & CONTIGUOUS else "A", aligned=bool(layout & ALIGNED))


def _returns(value: types.Type) -> tuple[str, ...]:
    if value is types.none:
        return ()
    values: Any = value if isinstance(value, types.BaseTuple) else (value,)
    return tuple(as_dtype(one).str for one in values)


@intrinsic
def _fused(_typing: Any, a: Any, b: Any, c: Any) -> Any:  # noqa: ARG001 - numba compiles by the names
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


# A function that gives the function to compile: numba compares their arguments, annotations and all.
overload(fused)(lambda a, b, c: lambda a, b, c: _one_instruction(a, b, c))  # noqa: ARG005 - by their names
_one_instruction: Any = _fused
