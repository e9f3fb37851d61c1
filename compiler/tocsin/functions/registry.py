"""The functions by name, with the types of their arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from tocsin.functions.values import Value
from tocsin.promql.ast import ValueType
from tocsin.registry import Registry

F = TypeVar("F", bound=Callable[..., Value])

SCALAR, VECTOR, MATRIX, STRING = ValueType.SCALAR, ValueType.VECTOR, ValueType.MATRIX, ValueType.STRING

Treatment: TypeAlias = Literal["refused", "ignored", "understood"]
"""What a function does about native histograms among its samples: it cannot be evaluated, Prometheus leaves them out,
or it looks at no value and so is right for them too. A function that computes with them is in `NATIVE` besides."""


@dataclass(frozen=True, slots=True)
class Function:
    """A PromQL function: `implementation(steps, *arguments)`.

    The last `optional` arguments may be left out; with `repeated` the last one may come any number of times.
    """

    implementation: Callable[..., Value]
    args: tuple[ValueType, ...]
    returns: ValueType
    optional: int = 0
    repeated: bool = False
    histograms: Treatment = "refused"

    def accepts(self, types: tuple[ValueType, ...]) -> bool:
        """Whether arguments of these types fit."""
        expected = self.args
        if self.repeated and len(types) >= len(expected) - 1:
            expected = (*expected[:-1], *[expected[-1]] * (len(types) - len(expected) + 1))
        fewest = len(expected) - (0 if self.repeated else self.optional)
        return fewest <= len(types) <= len(expected) and types == expected[: len(types)]


FUNCTIONS: Registry[Function] = Registry("function")

NATIVE: Registry[Callable[..., Value]] = Registry("function of native histograms")
"""What takes the place of a function's implementation where native histograms are among its samples."""


def function(
    name: str,
    args: tuple[ValueType, ...],
    returns: ValueType,
    optional: int = 0,
    repeated: bool = False,
    histograms: Treatment = "refused",
) -> Callable[[F], F]:
    """Register an implementation under its PromQL name."""

    def register(implementation: F) -> F:
        FUNCTIONS.add(name, Function(implementation, args, returns, optional, repeated, histograms))
        return implementation

    return register


def native(name: str) -> Callable[[F], F]:
    """Register what a function does where native histograms are among its samples."""

    def register(implementation: F) -> F:
        NATIVE.add(name, implementation)
        return implementation

    return register
