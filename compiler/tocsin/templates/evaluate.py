"""A template's tree and its data to text, with Go's checks of types and its words for faults.

Follows text/template/exec.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tocsin.templates.builtins import Function, Type
from tocsin.templates.format import LIMIT, printed, sorted_keys
from tocsin.templates.quote import quoted
from tocsin.templates.times import OTHER_METHODS, method
from tocsin.templates.tree import (
    Action,
    Body,
    Bool,
    Branch,
    Call,
    Chain,
    Command,
    Dot,
    Field,
    Jump,
    Name,
    Nil,
    Node,
    Number,
    Operand,
    Pipe,
    String,
    Template,
    Variable,
    Words,
)
from tocsin.templates.values import (
    AnyMap,
    Boxed,
    CallError,
    Duration,
    Histogram,
    Samples,
    StringMap,
    TemplateError,
    Time,
    UnsupportedTemplateError,
    Value,
    fields,
    is_true,
    type_name,
    unboxed,
)

STEPS = 100_000
"""Nodes that one expansion may go through."""

CALLS = 30
"""Templates within templates; Go allows 100,000."""

_ABSENT: Final = object()
"""No value comes from an earlier command of the pipeline."""


class _Jump(Exception):  # noqa: N818 - no fault
    def __init__(self, word: str) -> None:
        self.word = word


def evaluate(template: Template, data: Value, functions: Mapping[str, Function], compat: int = 3) -> str:
    """The text of a template. Raises TemplateError with Go's message, or UnsupportedTemplateError."""
    machine = _Machine(template, functions, compat)
    machine.name, machine.variables = template.name, [["$", data]]
    machine.body(data, template.body)
    return "".join(machine.output)


@dataclass(slots=True)
class _Machine:
    """What Go's `state` holds: `node` is the one that a fault is told about."""

    template: Template
    functions: Mapping[str, Function]
    compat: int
    name: str = ""
    node: Node | Operand | Command | None = None
    variables: list[list[Value]] = field(default_factory=list)
    output: list[str] = field(default_factory=list)
    size: int = 0
    steps: int = 0
    calls: int = 0

    def fault(self, message: str) -> TemplateError:
        node, text = self.node, self.template.text
        start = node.start if node is not None and not isinstance(node, Words | Branch | Jump) else 0
        line = text.rfind("\n", 0, start) + 1
        column = len(text[line:start].encode(errors="surrogateescape"))
        place = f"{self.template.name}:{1 + text.count(chr(10), 0, start)}:{column}"
        return TemplateError(f"template: {place}: executing {quoted(self.name)} at <{node}>: {message}")

    # Blocks.

    def body(self, dot: Value, body: Body) -> None:
        for node in body:
            self.walk(dot, node)

    def walk(self, dot: Value, node: Node) -> None:
        self.step()
        match node:
            case Words():
                self.write(node.text)
            case Action():
                self.node = node
                value = self.pipe(dot, node.pipe)
                if not node.pipe.sets:
                    self.node = node
                    self.write(printed(value))
            case Branch(word="range"):
                self.range(dot, node)
            case Branch():
                self.branch(dot, node)
            case Call():
                self.call(dot, node)
            case Jump():
                raise _Jump(node.word)

    def step(self) -> None:
        self.steps += 1
        if self.steps > STEPS:
            raise UnsupportedTemplateError(f"it takes more than {STEPS:,} steps")

    def write(self, text: str) -> None:
        self.size += len(text)
        if self.size > LIMIT:
            raise UnsupportedTemplateError(f"it makes a text of more than {LIMIT:,} characters")
        self.output.append(text)

    def branch(self, dot: Value, node: Branch) -> None:
        known = len(self.variables)
        try:
            value = self.pipe(dot, node.pipe)
            if is_true(value):
                self.body(value if node.word == "with" else dot, node.body)
            else:
                self.body(dot, node.other)
        finally:
            del self.variables[known:]

    def range(self, dot: Value, node: Branch) -> None:
        known = len(self.variables)
        try:
            value = unboxed(self.pipe(dot, node.pipe))
            elements = self.elements(value)
            inner = len(self.variables)
            for index, element in elements:
                self.step()
                self.set_range(node.pipe, index, element)
                try:
                    self.body(element, node.body)
                except _Jump as jump:
                    if jump.word == "break":
                        break
                del self.variables[inner:]
            if not elements:
                self.body(dot, node.other)
        finally:
            del self.variables[known:]

    def set_range(self, pipe: Pipe, index: Value, element: Value) -> None:
        """Give the variables of a range their values: the last is the element, one before it the index."""
        if not pipe.sets:
            return
        if pipe.assigns and self.compat > 2:  # before Go 1.23 the top of the stack was overwritten
            self.assign(pipe.sets[-1], element)
            if len(pipe.sets) > 1:
                self.assign(pipe.sets[0], index)
            return
        self.variables[-1][1] = element
        if len(pipe.sets) > 1:
            self.variables[-2][1] = index

    def elements(self, value: Value) -> Sequence[tuple[Value, Value]]:
        match value:
            case None:
                return []
            case Samples():
                return list(enumerate(value))
            case StringMap():
                return [(key, value[key]) for key in sorted_keys(value)]
            case AnyMap():
                return [(key, Boxed(value[key])) for key in sorted_keys(value)]
            case int() if self.compat > 2 and not isinstance(value, bool):
                if value > STEPS:
                    raise UnsupportedTemplateError(f"it takes more than {STEPS:,} steps")
                return [(index, index) for index in range(value)]
        raise self.fault(f"range can't iterate over {printed(value)}")

    def call(self, dot: Value, node: Call) -> None:
        self.node = node
        body = self.template.defined.get(node.name)
        if body is None:
            raise self.fault(f"template {quoted(node.name)} not defined")
        if self.calls == CALLS:
            raise UnsupportedTemplateError(f"templates call each other deeper than {CALLS} levels")
        dot = None if node.pipe is None else self.pipe(dot, node.pipe)
        outer, self.variables = (self.name, self.variables), [["$", dot]]
        self.name = node.name
        self.calls += 1
        self.body(dot, body)
        self.calls -= 1
        self.name, self.variables = outer

    # Pipelines.

    def pipe(self, dot: Value, pipe: Pipe) -> Value:
        self.node = pipe
        value: Value = _ABSENT
        for command in pipe.commands:
            value = unboxed(self.command(dot, command, value))
        for name in pipe.sets:
            if pipe.assigns:
                self.assign(name, value)
            else:
                self.variables.append([name, value])
        return value

    def assign(self, name: str, value: Value) -> None:
        for variable in reversed(self.variables):
            if variable[0] == name:
                variable[1] = value
                return
        raise self.fault(f"undefined variable: {name}")

    def variable(self, name: str) -> Value:
        for variable in reversed(self.variables):
            if variable[0] == name:
                return variable[1]
        raise self.fault(f"undefined variable: {name}")

    def command(self, dot: Value, command: Command, final: Value) -> Value:
        self.step()
        first, args = command.args[0], command.args[1:]
        match first:
            case Field() | Chain() | Variable() | Name():
                return self.operand(dot, first, command, args, final)
            case Pipe():
                self.no_arguments(first, args, final)
                return self.pipe(dot, first)
        self.node = first
        self.no_arguments(first, args, final)
        if isinstance(first, Nil):
            raise self.fault("nil is not a command")
        return dot if isinstance(first, Dot) else self.constant(first)

    def operand(
        self,
        dot: Value,
        node: Field | Chain | Variable | Name,
        caller: Operand | Command,
        args: Sequence[Operand],
        final: Value,
    ) -> Value:
        """An operand that may be called; `caller` is what a fault in the call is told about."""
        self.node = node
        match node:
            case Name():
                return self.function(dot, node, caller, args, final)
            case Field():
                return self.chain(dot, node.names, args, final)
            case Variable():
                value = self.variable(node.names[0])
                if len(node.names) == 1:
                    self.no_arguments(node, args, final)
                    return value
                return self.chain(value, node.names[1:], args, final)
            case Chain():
                value = self.argument(dot, None, node.of)
                return self.chain(value, node.names, args, final)

    def no_arguments(self, node: Operand, args: Sequence[Operand], final: Value) -> None:
        if args or final is not _ABSENT:
            raise self.fault(f"can't give argument to non-function {node}")

    def constant(self, node: Bool | Number | String) -> Value:
        self.node = node
        if isinstance(node, Number) and isinstance(node.value, int) and node.value >= 2**63:
            raise self.fault(f"{node} overflows int")
        return node.value

    def chain(self, value: Value, names: Sequence[str], args: Sequence[Operand], final: Value) -> Value:
        for name in names[:-1]:
            value = self.field(value, name, (), _ABSENT)
        return self.field(value, names[-1], args, final)

    def field(self, value: Value, name: str, args: Sequence[Operand], final: Value) -> Value:
        """A field of a struct, an element of a map, or what a method returns."""
        if value is None:
            return None
        typed, value = type_name(value), unboxed(value)
        if value is None:
            raise self.fault(f"nil pointer evaluating {typed}.{name}")
        has_arguments = bool(args) or final is not _ABSENT
        bound = method(value, name)
        if bound is not None:
            given = len(args) + (final is not _ABSENT)
            if given:
                raise self.fault(f"wrong number of args for {name}: want 0 got {given}")
            return bound()
        if isinstance(value, Histogram) or (isinstance(value, Time | Duration) and name in OTHER_METHODS):
            raise UnsupportedTemplateError(f"it takes `{name}` of a {type_name(value)}")
        parts = fields(value)
        if name in parts:
            if has_arguments:
                raise self.fault(f"{name} has arguments but cannot be invoked as function")
            return parts[name]
        if isinstance(value, StringMap | AnyMap):
            if has_arguments:
                raise self.fault(f"{name} is not a method but has arguments")
            return value.get(name, "") if isinstance(value, StringMap) else Boxed(value.get(name))
        raise self.fault(f"can't evaluate field {name} in type {typed}")

    # Calls.

    def function(
        self, dot: Value, node: Name, caller: Operand | Command, args: Sequence[Operand], final: Value
    ) -> Value:
        function, name = self.functions[node.name], node.name
        given, wanted = len(args) + (final is not _ABSENT), len(function.takes)
        if function.rest is not None and given < wanted:
            raise self.fault(f"wrong number of args for {name}: want at least {wanted} got {len(args)}")
        if function.rest is None and given != wanted:
            raise self.fault(f"wrong number of args for {name}: want {wanted} got {given}")
        if name in ("and", "or"):
            return self.logic(dot, name == "or", args, final)
        types = [*function.takes, *[function.rest] * (given - wanted)]
        values = [self.argument(dot, kind, arg) for kind, arg in zip(types, args, strict=False)]
        if final is not _ABSENT:
            values.append(self.typed(final, types[-1]))
        try:
            return function.run(*values)
        except CallError as error:
            self.node = caller
            raise self.fault(f"error calling {name}: {error}") from None

    def logic(self, dot: Value, stops_at: bool, args: Sequence[Operand], final: Value) -> Value:
        """`and` and `or`, which evaluate only what they need."""
        value: Value = None
        for arg in args:
            value = self.argument(dot, "reflect.Value", arg)
            if is_true(value) == stops_at:
                return value
        return value if final is _ABSENT else final

    def argument(self, dot: Value, kind: Type | None, node: Operand) -> Value:
        """The value of an operand as an argument of some type; None is any, as before a field."""
        self.node = node
        match node:
            case Dot():
                return self.typed(dot, kind)
            case Nil():
                if kind == "string":
                    raise self.fault("cannot assign nil to string")
                return None
            case Pipe():
                return self.typed(self.pipe(dot, node), kind)
            case Field() | Variable() | Name() | Chain():
                return self.typed(self.operand(dot, node, node, (), _ABSENT), kind)
        if kind == "string":
            if isinstance(node, String):
                return node.value
            raise self.fault(f"expected string; found {node}")
        if kind in ("*template.sample", "template.queryResult"):
            raise self.fault(f"can't handle {node} for arg of type {kind}")
        return self.constant(node)

    def typed(self, value: Value, kind: Type | None) -> Value:
        """The value, if it is of the type that is asked for."""
        if kind in (None, "interface {}", "reflect.Value"):
            return value
        if value is None:
            if kind == "string":
                raise self.fault("invalid value; expected string")
            return None
        inner = unboxed(value)
        found = type_name(value) if inner is None else type_name(inner)
        if found != kind:
            raise self.fault(f"wrong type for value; expected {kind}; got {found}")
        return inner
