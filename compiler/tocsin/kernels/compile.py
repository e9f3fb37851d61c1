"""The one way a kernel is compiled: once on a machine, without the interpreter lock, its arithmetic as written."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from threading import Lock
from typing import Generic, ParamSpec, TypeVar, cast

from tocsin.kernels.machine_code.entry import Entry
from tocsin.kernels.machine_code.signature import Signature, signature_of

P = ParamSpec("P")
R = TypeVar("R")

_one_at_a_time = Lock()
_listeners: list[Callable[[], None]] = []


class Kernel(Generic[R]):
    """A loop written in Python and called as machine code, which it has for each signature that it is called with."""

    def __init__(self, function: Callable[..., R]) -> None:
        update_wrapper(self, function)
        self.function = function
        self._entries: dict[Signature, Entry] = {}

    def __call__(self, *arguments: object) -> R:
        """By position only, for machine code has no names. Raises MemoryError where the loop finds none to allocate."""
        signature = signature_of(arguments)
        entry = self._entries.get(signature) or self._entry(signature)
        return cast("R", entry(arguments))

    @property
    def _numba_type_(self) -> object:
        """What numba asks a global of a function that it compiles: what it is."""
        from tocsin.kernels.machine_code.translate import type_of

        return type_of(self.function)

    def _entry(self, signature: Signature) -> Entry:
        from tocsin.kernels.machine_code import store  # with LLVM, of which whoever calls no kernel needs nothing
        from tocsin.kernels.machine_code.load import load

        with _one_at_a_time:
            if signature not in self._entries:
                name = store.name_of(self.function, signature)
                origin = store.origin_of(self.function.__code__.co_filename)
                code = store.read(name, origin)
                if code is None:
                    from tocsin.kernels.machine_code.translate import translate  # with numba, a third of a second

                    while _listeners:
                        _listeners.pop()()
                    code = translate(self.function, signature, name)
                    store.write(code, origin)
                self._entries[signature] = load(code, signature)
            return self._entries[signature]


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a loop. Division by zero gives an infinity or NaN; never `fastmath`, which would reorder sums."""
    return cast("Callable[P, R]", Kernel(function))


def before_compiling(tell: Callable[[], None]) -> None:
    """Call `tell` once, before the first kernel of this process that was not compiled before is."""
    _listeners.append(tell)
