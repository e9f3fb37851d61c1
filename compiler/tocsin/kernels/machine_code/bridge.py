"""A signature to the function in LLVM's language that stands between a caller in C's way and a kernel in numba's.

An array comes as a pointer to NumPy's `PyArrayObject` (https://numpy.org/doc/stable/reference/c-api/types-and-structures.html)
and is handed on as numba's array structure, laid out as arguments: owner, parent, items, bytes of an item, data, shape,
strides (numba/core/datamodel/models.py, `ArrayModel`). A kernel returns a status, and its value through its first
argument (numba/core/callconv.py, `CPUCallConv`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tocsin.kernels.machine_code.signature import Array, Signature

HEAD = object.__basicsize__
DATA, DIMENSIONS, STRIDES = HEAD, HEAD + 16, HEAD + 24
"""Bytes from the start of a `PyArrayObject` to its fields `data`, `dimensions` and `strides`."""

_TYPES = {"b": "i8", "i": "i{}", "u": "i{}", "f": "double"}


def function(name: str, kernel: str, signature: Signature, returns: bool) -> str:
    """The function `name`, which calls `kernel`; its first argument is where the value goes if it `returns` one."""
    parameters = ["ptr %value"] if returns else []
    body, handed = ["  %error = alloca ptr"], ["ptr %value", "ptr %error"]
    if not returns:
        body.append("  %value = alloca ptr")
    for i, one in enumerate(signature):
        if isinstance(one, np.dtype):
            parameters.append(f"{_type(one)} %a{i}")
            if one.kind == "b":
                body.append(f"  %a{i}.bit = trunc i8 %a{i} to i1")
            handed.append(f"i1 %a{i}.bit" if one.kind == "b" else f"{_type(one)} %a{i}")
        else:
            parameters.append(f"ptr %a{i}")
            body += _fields(f"%a{i}", one)
            handed += _array(f"%a{i}", one)
    status = f'  %status = call i32 @"{kernel}"({", ".join(handed)})'
    return "\n".join([f"define i32 @{name}({', '.join(parameters)}) {{", *body, status, "  ret i32 %status", "}"])


def declaration(kernel: str, signature: Signature) -> str:
    """`kernel` as the bridge calls it."""
    types = ["ptr", "ptr"]
    for one in signature:
        if isinstance(one, np.dtype):
            types.append("i1" if one.kind == "b" else _type(one))
        else:
            types += ["ptr", "ptr", "i64", "i64", "ptr", *2 * one[1] * ["i64"]]
    return f'declare i32 @"{kernel}"({", ".join(types)})'


def _type(dtype: np.dtype[Any]) -> str:
    return _TYPES[dtype.kind].format(8 * dtype.itemsize)


def _fields(array: str, kind: Array) -> Iterator[str]:
    """Load what is handed on of an array, each number into a name of its own."""
    for field, at in (("data", DATA), ("shape", DIMENSIONS), ("strides", STRIDES)):
        yield f"  {array}.{field}.at = getelementptr i8, ptr {array}, i64 {at}"
        yield f"  {array}.{field} = load ptr, ptr {array}.{field}.at"
    items = "1"
    for k in range(kind[1]):
        for field in ("shape", "strides"):
            yield f"  {array}.{field}.{k}.at = getelementptr i64, ptr {array}.{field}, i64 {k}"
            yield f"  {array}.{field}.{k} = load i64, ptr {array}.{field}.{k}.at"
        yield f"  {array}.items.{k} = mul i64 {items}, {array}.shape.{k}"
        items = f"{array}.items.{k}"


def _array(array: str, kind: Array) -> Iterator[str]:
    dtype, dimensions, _ = kind
    items = f"{array}.items.{dimensions - 1}" if dimensions else "1"
    yield from ("ptr null", "ptr null", f"i64 {items}", f"i64 {dtype.itemsize}", f"ptr {array}.data")
    for field in ("shape", "strides"):
        yield from (f"i64 {array}.{field}.{k}" for k in range(dimensions))
