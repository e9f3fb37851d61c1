"""The templates of an alert to what they read: labels, fields, and queries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tocsin.diagnostics import Span
from tocsin.lint.api import Subject
from tocsin.templates.expand import PREFIX, tree
from tocsin.templates.tree import Action, Body, Branch, Call, Command, Field, Name, Operand, Pipe, String, Variable


@dataclass(frozen=True, slots=True)
class Written:
    """A text of an alert: `name` is `labels.NAME` or `annotations.NAME`."""

    name: str
    text: str
    place: Span

    def at(self, start: int, shown: str) -> Span:
        """Where a piece of the text stands, all of the text where a file spells it otherwise."""
        before = self.text.count(shown, 0, start)
        whole, offset = self.place.text, -1
        for _ in range(before + 1):
            offset = whole.find(shown, offset + 1)
            if offset < 0:
                return self.place
        first = self.place.start + offset
        return Span(self.place.source, first, first + len(shown))


def texts(subject: Subject) -> Iterator[Written]:
    """The texts of an alert that are templates."""
    for kind, written in (("labels", subject.rule.labels), ("annotations", subject.rule.annotations)):
        for name, text in written.items():
            if "{{" in text:
                yield Written(f"{kind}.{name}", text, subject.place(f"{kind}.{name}", kind))


@dataclass(frozen=True, slots=True)
class Read:
    """A path that a template reads, from what is given to it: `("Labels", "job")`. `guarded` where it is asked first
    whether it is there."""

    path: tuple[str, ...]
    start: int
    shown: str
    guarded: bool = False


_ALIASES = {"$labels": "Labels", "$value": "Value", "$externalLabels": "ExternalLabels", "$externalURL": "ExternalURL"}


def reads(text: str) -> list[Read]:
    """What a template reads, in the order of the text."""
    template = tree(text)
    if template is None:
        return []
    found = [read for read in _body(template.body, dot=True) if read.start >= 0]
    asked = {read.path for read in found if read.guarded}
    return [read for read in found if read.path not in asked]


def _body(body: Body, dot: bool) -> Iterator[Read]:
    """`dot` says whether `.` is still what was given to the template."""
    for node in body:
        match node:
            case Action(pipe=pipe) | Call(pipe=Pipe() as pipe):
                yield from _pipe(pipe, dot, False)
            case Branch(word=word, pipe=pipe, body=inner, other=other):
                yield from _pipe(pipe, dot, word != "range")
                yield from _body(inner, dot and word == "if")
                yield from _body(other, dot)


def _pipe(pipe: Pipe, dot: bool, guarded: bool) -> Iterator[Read]:
    for command in pipe.commands:
        match command.args:
            case (Name(name="index"), Variable(names=("$labels",)) as start, String(value=label), *_):
                yield Read(("Labels", label), start.start - len(PREFIX), str(start), guarded)
        for arg in command.args:
            yield from _operand(arg, dot, guarded)


def _operand(arg: Operand, dot: bool, guarded: bool) -> Iterator[Read]:
    match arg:
        case Pipe():
            yield from _pipe(arg, dot, guarded)
        case Field(names=names) if dot:
            yield Read(names, arg.start - len(PREFIX), str(arg), guarded)
        case Variable(names=("$", *rest)) if rest:
            yield Read(tuple(rest), arg.start - len(PREFIX), str(arg), guarded)
        case Variable(names=(name, *rest)) if name in _ALIASES:
            yield Read((_ALIASES[name], *rest), arg.start - len(PREFIX), str(arg), guarded)


def queries(text: str) -> Iterator[tuple[str, int, str]]:
    """The constant queries of a template, with the offset and the text of each as it was written."""
    template = tree(text)
    for pipe in _pipes(template.body) if template else ():
        for command, after in zip(pipe.commands, (*pipe.commands[1:], None), strict=True):
            literal = _query(command, after)
            if literal:
                yield literal.value, literal.start - len(PREFIX), literal.text


def _query(command: Command, after: Command | None) -> String | None:
    match command.args:
        case (Name(name="query"), String() as literal):
            return literal
        case (String() as literal,) if after and isinstance(after.args[0], Name) and after.args[0].name == "query":
            return literal
        case (Name(name="printf"), String() as literal, *_) if after and str(after) == "query":
            return literal
    return None


def _pipes(body: Body) -> Iterator[Pipe]:
    for node in body:
        match node:
            case Action(pipe=pipe) | Call(pipe=Pipe() as pipe):
                yield from _inner(pipe)
            case Branch(pipe=pipe, body=inner, other=other):
                yield from _inner(pipe)
                yield from _pipes(inner)
                yield from _pipes(other)


def _inner(pipe: Pipe) -> Iterator[Pipe]:
    yield pipe
    for command in pipe.commands:
        for arg in command.args:
            if isinstance(arg, Pipe):
                yield from _inner(arg)
