"""The parts of a template; `str` writes an expression as Go's messages show it (text/template/parse/node.go)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tocsin.templates.quote import quoted


@dataclass(frozen=True, slots=True)
class Dot:
    """`.`; `start` is an offset into the template, here and below."""

    start: int

    def __str__(self) -> str:
        return "."


@dataclass(frozen=True, slots=True)
class Nil:
    """`nil`."""

    start: int

    def __str__(self) -> str:
        return "nil"


@dataclass(frozen=True, slots=True)
class Bool:
    """`true` or `false`."""

    start: int
    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is written, and its value where nothing asks for another type."""

    start: int
    text: str
    value: int | float

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class String:
    """A string as it is written, and its value."""

    start: int
    text: str
    value: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a function."""

    start: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Field:
    """`.A.B`."""

    start: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


@dataclass(frozen=True, slots=True)
class Variable:
    """`$x.A.B`; the first name has its `$`."""

    start: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Chain:
    """`(pipeline).A.B`, or a function's name with fields."""

    start: int
    of: Pipe | Name
    names: tuple[str, ...]

    def __str__(self) -> str:
        inner = f"({self.of})" if isinstance(self.of, Pipe) else str(self.of)
        return ".".join([inner, *self.names])


@dataclass(frozen=True, slots=True)
class Command:
    """An operand, or a function with its arguments."""

    start: int
    args: tuple[Operand, ...]

    def __str__(self) -> str:
        return " ".join(f"({arg})" if isinstance(arg, Pipe) else str(arg) for arg in self.args)


@dataclass(frozen=True, slots=True)
class Pipe:
    """Commands of which each takes the value of the one before; `sets` are variables, declared or assigned."""

    start: int
    commands: tuple[Command, ...]
    sets: tuple[str, ...] = ()
    assigns: bool = False

    def __str__(self) -> str:
        head = f"{', '.join(self.sets)} {'=' if self.assigns else ':='} " if self.sets else ""
        return head + " | ".join(map(str, self.commands))


Operand: TypeAlias = Dot | Nil | Bool | Number | String | Name | Field | Variable | Chain | Pipe


@dataclass(frozen=True, slots=True)
class Words:
    """Text outside of actions."""

    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """`{{ pipeline }}`."""

    start: int
    pipe: Pipe

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


@dataclass(frozen=True, slots=True)
class Branch:
    """`if`, `with` or `range`; `other` is what stands after `else`."""

    word: str
    pipe: Pipe
    body: Body
    other: Body = ()


@dataclass(frozen=True, slots=True)
class Jump:
    """`break` or `continue`."""

    word: str


@dataclass(frozen=True, slots=True)
class Call:
    """`{{ template "name" pipeline }}`."""

    start: int
    name: str
    pipe: Pipe | None

    def __str__(self) -> str:
        return f"{{{{template {quoted(self.name)}{'' if self.pipe is None else f' {self.pipe}'}}}}}"


Node: TypeAlias = Words | Action | Branch | Jump | Call
Body: TypeAlias = tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template and the templates that it defines."""

    name: str
    text: str
    body: Body
    defined: Mapping[str, Body]
