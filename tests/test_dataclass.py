"""`tocsin.dataclass` makes what Python's own `dataclass` makes."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field
from typing import Any, ClassVar

import pytest

from tocsin.dataclass import dataclass as ours


def family(dataclass: Callable[..., Any], **options: bool) -> dict[str, Any]:
    """Classes that together have every feature, made by one of the two."""

    @dataclass(**options)
    class Base:
        """With a docstring."""

        note: str | None = field(default=None, compare=False, repr=False, kw_only=True)

    @dataclass(**options)
    class Pair(Base):
        left: int
        right: float = 1.5
        kind: ClassVar[str] = "pair"

        @property
        def both(self) -> float:
            return self.left + self.right

    @dataclass(**options)
    class One(Base):
        value: float

    @dataclass(**options)
    class Nothing:
        pass

    @dataclass(**options)
    class Listed:
        names: list[str] = field(default_factory=list)
        size: int = field(default=3, init=False)
        made: dict[str, int] = field(default_factory=dict, init=False, hash=False)
        weight: int = field(default=0, hash=False)

    @dataclass(**options)
    class Own:
        value: float

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own) and repr(self.value) == repr(other.value)

        def __hash__(self) -> int:
            return 7

        def __repr__(self) -> str:
            return "own"

    @dataclass(**options)
    class OwnEqual:
        value: float

        def __eq__(self, other: object) -> bool:
            return isinstance(other, OwnEqual)

    @dataclass(**options)
    class After:
        seen: list[int]

        def __post_init__(self) -> None:
            self.seen.append(1)

    return {one.__name__: one for one in (Base, Pair, One, Nothing, Listed, Own, OwnEqual, After)}


NAN = float("nan")
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Base", (), {}),
    ("Base", (), {"note": "x"}),
    ("Pair", (1,), {}),
    ("Pair", (1, 2.5), {}),
    ("Pair", (), {"right": 1.5, "left": 1, "note": "y"}),
    ("One", (1.0,), {}),
    ("One", (NAN,), {}),
    ("Nothing", (), {}),
    ("Listed", (), {}),
    ("Listed", (["a"],), {"weight": 2}),
    ("Own", (0.0,), {}),
    ("Own", (-0.0,), {}),
    ("OwnEqual", (1.0,), {}),
    ("OwnEqual", (2.0,), {}),
    ("After", ([],), {}),
]
WRONG: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("Base", ("x",), {}),
    ("Pair", (), {}),
    ("Pair", (1, 2, 3), {}),
    ("Listed", (), {"size": 4}),
]
OPTIONS = [
    {"frozen": frozen, "slots": slots, "eq": eq}
    for frozen in (False, True)
    for slots in (False, True)
    for eq in (False, True)
]


def told(call: Callable[..., object], *given: Any, **named: Any) -> object:
    """What a call gives, or the kind of its error."""
    try:
        return call(*given, **named)
    except (TypeError, AttributeError) as error:
        return type(error)


def vars_of(one: Any) -> str:
    """The values of the fields that are there, in a form where NaN equals NaN."""
    return repr({each.name: getattr(one, each.name, "gone") for each in dataclasses.fields(one)})


def objects(classes: dict[str, Any]) -> list[Any]:
    return [classes[name](*copy.deepcopy(given), **named) for name, given, named in CALLS]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_objects_are_those_of_a_dataclass_of_python(options: dict[str, bool]) -> None:
    own, python = (objects(family(made, **options)) for made in (ours, dataclasses.dataclass))
    if options["eq"]:
        assert list(map(repr, own)) == list(map(repr, python))
    for here, there in zip(own, python, strict=True):
        assert vars_of(here) == vars_of(there)
        assert [here == other for other in own] == [there == other for other in python]
        if options["eq"]:
            assert told(hash, here) == told(hash, there)
        assert hasattr(here, "__dict__") == hasattr(there, "__dict__")
        again = copy.deepcopy(here)
        assert vars_of(again) == vars_of(here)
    for here, there in zip(own, python, strict=True):
        for name in [each.name for each in dataclasses.fields(here)]:
            assert told(setattr, here, name, 3.0) == told(setattr, there, name, 3.0)
            assert told(delattr, here, name) == told(delattr, there, name)
            assert vars_of(here) == vars_of(there)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_classes_are_those_of_python(options: dict[str, bool]) -> None:
    own, python = (family(made, **options) for made in (ours, dataclasses.dataclass))
    for name, made in own.items():
        there = python[name]
        mine, tmine = (inspect.signature(one).parameters.values() for one in (made, there))
        assert [(one.name, one.kind) for one in mine] == [(one.name, one.kind) for one in tmine]
        assert made.__match_args__ == there.__match_args__
        assert made.__dict__.get("__slots__") == there.__dict__.get("__slots__")
        assert [str(one) for one in dataclasses.fields(made)] == [str(one) for one in dataclasses.fields(there)]
        assert made.__init__.__annotations__ == there.__init__.__annotations__
        assert made.__doc__
    for name, given, named in WRONG:
        assert told(own[name], *given, **named) is TypeError
        assert told(python[name], *given, **named) is TypeError


def test_a_frozen_object_refuses_and_can_be_replaced() -> None:
    pair = family(ours, frozen=True, slots=True)["Pair"](1)
    with pytest.raises(FrozenInstanceError, match="left"):
        pair.left = 2
    with pytest.raises(FrozenInstanceError, match="other"):
        pair.other = 2
    with pytest.raises(FrozenInstanceError, match="left"):
        del pair.left
    assert dataclasses.replace(pair, left=2).both == 3.5
    assert (pair.left, pair.right, pair.note) == (1, 1.5, None)


def test_a_default_that_can_change_is_refused() -> None:
    with pytest.raises(ValueError, match="mutable default"):

        @ours(frozen=True, slots=True)
        class Wrong:
            names: list[str] = []  # noqa: RUF012


@ours(frozen=True, slots=True)
class Kept:
    name: str
    size: int = 0


def test_a_frozen_object_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(Kept("a", 2))) == Kept("a", 2)
