"""A class with annotated fields to a dataclass, as Python's own `dataclass` makes it, in a fifth of the time.

That one writes six methods of each class as texts and compiles them one by one, a quarter of a millisecond a class:
36 of the 200 ms of a `tocsin check`, and more of a backtest. Here only `__init__` is a text, which every object pays
for; the others are closures over the fields. Fields, slots and what `dataclasses` offers for them (`field`, `replace`,
`fields`) are Python's. `InitVar` and `order=True` are left to it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, eq=True, slots=False):
        """The class with `__init__`, `__repr__`, `__eq__` and `__hash__`, as the options of Python's own mean."""
        if cls is None:
            return partial(dataclass, frozen=frozen, eq=eq, slots=slots)
        cls.__doc__ = cls.__doc__ or cls.__name__  # else Python makes one of the signature, at the price of all of this
        written = set(cls.__dict__)
        made = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(cls)
        for name, method in _methods(made, frozen=frozen, eq=eq).items():
            if name not in written or (name == "__hash__" and cls.__hash__ is None):  # so Python marks an own `__eq__`
                setattr(made, name, method)
        return made


def _methods(cls: type, *, frozen: bool, eq: bool) -> dict[str, Any]:
    fields = dataclasses.fields(cls)
    methods: dict[str, Any] = {"__init__": _init(cls, fields, frozen=frozen), "__repr__": _repr}
    if eq:
        methods["__eq__"] = _equal(_values([field.name for field in fields if field.compare]))
        hashed = [field.name for field in fields if (field.compare if field.hash is None else field.hash)]
        methods["__hash__"] = _hash(_values(hashed)) if frozen else None
    if frozen:
        methods |= {"__setattr__": _refuse, "__delattr__": _refuse, "__getstate__": _state, "__setstate__": _restore}
    return methods


def _init(cls: type, fields: tuple[dataclasses.Field[Any], ...], *, frozen: bool) -> Callable[..., None]:
    """The one method that is a text: Python has no faster way to take arguments by their names."""
    names: dict[str, Any] = {"__name__": cls.__module__, "__set": object.__setattr__}
    first, last, body = ["self"], ["*"], []
    for field in fields:
        value = name = field.name
        if field.default_factory is not dataclasses.MISSING:
            names |= {f"__default_{name}": dataclasses.MISSING, f"__make_{name}": field.default_factory}
            value = f"__make_{name}()"
            value = f"{value} if {name} is __default_{name} else {name}" if field.init else value
        elif field.default is not dataclasses.MISSING:
            names[f"__default_{name}"] = field.default
            value = name if field.init else f"__default_{name}"
        if field.init:
            (last if field.kw_only else first).append(
                f"{name}=__default_{name}" if f"__default_{name}" in names else name
            )
        if field.init or value != name:
            body.append(f"__set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = ", ".join(first + (last if len(last) > 1 else []))
    exec(f"def __init__({parameters}):\n " + "\n ".join(body or ["pass"]), names)
    init: Callable[..., None] = names.pop("__init__")
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__annotations__ = {field.name: field.type for field in fields if field.init} | {"return": None}
    return init


def _values(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """What makes a tuple of these attributes; `attrgetter` does so only of two and more."""
    if len(names) > 1:
        return attrgetter(*names)
    if not names:
        return lambda _self: ()
    only = attrgetter(names[0])
    return lambda self: (only(self),)


def _equal(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any, object], bool]:
    def equal(self: Any, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return equal


def _hash(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any], int]:
    return lambda self: hash(values(self))


def _repr(self: Any) -> str:
    shown = [f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr]
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _refuse(_self: Any, name: str, *_value: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot change field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
