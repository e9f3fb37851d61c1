"""Machine code to files and back: beside the package, or in the user's cache where that is not writable."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.util import source_hash
from pathlib import Path
from typing import Any

import llvmlite

from tocsin.kernels.machine_code.load import Code, processor
from tocsin.kernels.machine_code.signature import Signature, text_of

FOLDER = "TOCSIN_CACHE_DIR"
"""The variable of the environment that says where else."""

KERNELS = Path(__file__).parent.parent


def name_of(function: Callable[..., Any], signature: Signature) -> str:
    """The name of a kernel's machine code: a file's, and its function's."""
    return f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}.{_sum(text_of(signature).encode())}"


def read(name: str, origin: str) -> Code | None:
    """What was written under that name and is of that origin; None where there is none."""
    for folder in folders():
        try:
            head, _, file = (folder / name).read_bytes().partition(b"\n")
            told = json.loads(head)
            if told["origin"] == origin and told["sum"] == _sum(file):
                return Code(name, tuple(told["returns"]), file)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
    return None


def write(code: Code, origin: str) -> None:
    """Keep code for other processes, whole or not at all. Where no folder is writable, it is not kept."""
    head = json.dumps({"origin": origin, "returns": code.returns, "sum": _sum(code.file)})
    for folder in folders():
        new = folder / f".{code.name}.{os.getpid()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            new.write_bytes(head.encode() + b"\n" + code.file)
            new.replace(folder / code.name)
            return
        except OSError:
            with suppress(OSError):
                new.unlink()


@cache
def origin_of(path: str) -> str:
    """Of what the machine code of a kernel in that file is made, and for what: where any of that is another, so is it.

    The sources of all kernels, for they call each other.
    """
    return _sum(_common().encode() + Path(path).read_bytes())


@cache
def _common() -> str:
    sources = sorted(one for room in (KERNELS, KERNELS / "machine_code") for one in room.glob("*.*"))
    made = [one.read_bytes() for one in sources]
    made.append(repr((llvmlite.__version__, processor(), object.__basicsize__)).encode())
    return _sum(b"\0".join(made))


@cache
def folders() -> tuple[Path, ...]:
    if chosen := os.environ.get(FOLDER):
        return (Path(chosen),)
    beside = KERNELS / "__pycache__"
    try:
        return beside, Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tocsin"
    except RuntimeError:  # a user without a name and a home, as in a container
        return (beside,)


def _sum(file: bytes) -> str:
    """As Python tells whether a source is what a module was compiled of; OpenSSL takes longer to load than all here."""
    return source_hash(file).hex()
