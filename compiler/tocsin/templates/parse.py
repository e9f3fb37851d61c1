"""A template to its tree, or to the fault that Go's text/template finds first, in its words."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from tocsin.templates.quote import number_value, quoted, unquoted
from tocsin.templates.scan import Kind, Token, scan
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

DEPTH = 60
"""How deep blocks and parentheses may nest. Go has no such limit; Python's stack does."""


class TemplateSyntaxError(Exception):
    """A template that does not parse; `culprit` is the token to blame, `message` is without name and line."""

    def __init__(self, name: str, line: int, message: str, culprit: Token) -> None:
        super().__init__(f"template: {name}:{line}: {message}")
        self.message = message
        self.culprit = culprit


def parse(text: str, name: str, functions: Collection[str], compat: int = 3) -> Template:
    """Parse a template. Raises TemplateSyntaxError.

    `functions` are the names that may be called; `compat` 2 is Go 1.19, without `else with`.
    """
    parser = _Parser(name, text, functions, compat)
    body = parser.file()
    parser.add(name, body)
    return Template(name, text, body, parser.defined)


_OPERANDS: frozenset[Kind] = frozenset(
    {"bool", "rune", "dot", "field", "name", "number", "raw", "string", "variable", "("}
)


@dataclass(slots=True)
class _Parser:
    """Goes over the tokens once; faults are placed at the last token seen, as Go places them."""

    name: str
    text: str
    functions: Collection[str]
    compat: int
    tokens: list[Token] = field(default_factory=list)
    at: int = 0
    seen: int = 0
    scope: list[str] = field(default_factory=lambda: ["$"])
    ranges: int = 0
    depth: int = 0
    action: int = -1
    defined: dict[str, Body] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tokens = list(scan(self.text, self.compat))

    # Tokens.

    def next(self) -> Token:
        token = self.tokens[min(self.at, len(self.tokens) - 1)]
        self.seen = max(self.seen, self.at)
        self.at += 1
        return token

    def next_word(self) -> Token:
        while (token := self.next()).kind == "space":
            pass
        return token

    def peek(self) -> Token:
        token = self.next()
        self.at -= 1
        return token

    def peek_word(self) -> Token:
        token = self.next_word()
        self.at -= 1
        return token

    def fault(self, message: str, culprit: Token | None = None) -> TemplateSyntaxError:
        last = self.tokens[min(self.seen, len(self.tokens) - 1)]
        line = 1 + self.text.count("\n", 0, last.start)
        return TemplateSyntaxError(self.name, line, message, culprit or last)

    def unexpected(self, token: Token, context: str) -> TemplateSyntaxError:
        if token.kind != "error":
            return self.fault(f"unexpected {token} in {context}", token)
        extra = ""
        started = 1 + self.text.count("\n", 0, self.action)
        if self.action >= 0 and started != 1 + self.text.count("\n", 0, token.start):
            place = f" started at {self.name}:{started}"
            extra = place if token.value.endswith(" action") else f" in action{place}"
        return self.fault(f"{token.value}{extra}", token)

    def expect(self, context: str, *kinds: Kind) -> Token:
        token = self.next_word()
        if token.kind not in kinds:
            raise self.unexpected(token, context)
        return token

    def is_keyword(self, token: Token, word: str) -> bool:
        return token.kind == "keyword" and token.value == word

    # Blocks.

    def file(self) -> Body:
        nodes: list[Node] = []
        while self.peek().kind != "end":
            before = self.at
            if self.next().kind == "open" and self.is_keyword(self.next_word(), "define"):
                self.definition()
                continue
            self.at = before
            node = self.text_or_action()
            if isinstance(node, str):
                raise self.fault(f"unexpected {{{{{node}}}}}")
            nodes.append(node)
        return tuple(nodes)

    def definition(self) -> None:
        context = "define clause"
        name = self.string_of(self.expect(context, "string", "raw"))
        self.expect(context, "close")
        self.add(name, self.separate(context))

    def separate(self, context: str) -> Body:
        """The body of a template of its own: it sees no variables of the one around it."""
        outer, self.scope, self.ranges = (self.scope, self.ranges), ["$"], 0
        body, end = self.items()
        self.scope, self.ranges = outer
        if end != "end":
            raise self.fault(f"unexpected {{{{{end}}}}} in {context}")
        return body

    def add(self, name: str, body: Body) -> None:
        if _is_empty(self.defined.get(name, ())):
            self.defined[name] = body
        elif not _is_empty(body):
            raise self.fault(f"template: multiple definition of template {quoted(name)}")

    def items(self) -> tuple[Body, str]:
        """The nodes up to an `end` or `else`, and which of them it is."""
        self.deeper()
        nodes: list[Node] = []
        while self.peek_word().kind != "end":
            node = self.text_or_action()
            if isinstance(node, str):
                self.depth -= 1
                return tuple(nodes), node
            nodes.append(node)
        raise self.fault("unexpected EOF")

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEPTH:
            raise self.fault(f"nested deeper than {DEPTH} levels, which is not supported")

    def text_or_action(self) -> Node | str:
        token = self.next_word()
        if token.kind == "text":
            return Words(token.value)
        if token.kind != "open":
            raise self.unexpected(token, "input")
        self.action = token.start
        node = self.act()
        self.action = -1
        return node

    def act(self) -> Node | str:
        token = self.next_word()
        controls: dict[str, Callable[[], Node | str]] = {
            "block": self.block,
            "break": lambda: self.jump("break"),
            "continue": lambda: self.jump("continue"),
            "else": self.otherwise,
            "end": self.end,
            "if": lambda: self.branch("if"),
            "range": lambda: self.branch("range"),
            "template": self.call,
            "with": lambda: self.branch("with"),
        }
        if token.kind == "keyword" and token.value in controls:
            return controls[token.value]()
        self.at -= 1
        return Action(token.start, self.pipeline("command", "close"))

    def end(self) -> str:
        self.expect("end", "close")
        return "end"

    def otherwise(self) -> str:
        """`else`; an `if` that follows is left for the branch that it continues."""
        token = self.peek_word()
        if self.is_keyword(token, "if") or (self.compat > 2 and self.is_keyword(token, "with")):
            return "else"
        self.expect("else", "close")
        return "else"

    def jump(self, word: str) -> Jump:
        token = self.next_word()
        if token.kind != "close":
            raise self.unexpected(token, f"{{{{{word}}}}}")
        if not self.ranges:
            raise self.fault(f"{{{{{word}}}}} outside {{{{range}}}}")
        return Jump(word)

    def branch(self, word: str) -> Branch:
        known = len(self.scope)
        pipe = self.pipeline(word, "close")
        self.ranges += word == "range"
        body, end = self.items()
        self.ranges -= word == "range"
        other: Body = ()
        if end == "else":
            chained = word == "if" or (word == "with" and self.compat > 2)
            if chained and self.is_keyword(self.peek_word(), word):
                self.next_word()
                self.deeper()
                other = (self.branch(word),)
                self.depth -= 1
            else:
                other, end = self.items()
                if end != "end":
                    raise self.fault(f"expected end; found {{{{{end}}}}}")
        del self.scope[known:]
        return Branch(word, pipe, body, other)

    def block(self) -> Call:
        context = "block clause"
        token = self.next_word()
        name = self.template_name(token, context)
        pipe = self.pipeline(context, "close")
        self.add(name, self.separate(context))
        return Call(token.start, name, pipe)

    def call(self) -> Call:
        context = "template clause"
        token = self.next_word()
        name = self.template_name(token, context)
        if self.next_word().kind == "close":
            return Call(token.start, name, None)
        self.at -= 1
        return Call(token.start, name, self.pipeline(context, "close"))

    def template_name(self, token: Token, context: str) -> str:
        if token.kind not in ("string", "raw"):
            raise self.unexpected(token, context)
        return self.string_of(token)

    # Pipelines.

    def pipeline(self, context: str, closing: Kind) -> Pipe:
        start = self.peek_word().start
        sets, assigns = self.declarations(context)
        commands: list[Command] = []
        while (token := self.next_word()).kind != closing:
            if token.kind not in _OPERANDS and not self.is_keyword(token, "nil"):
                raise self.unexpected(token, context)
            self.at -= 1
            commands.append(self.command())
        if not commands:
            raise self.fault(f"missing value for {context}")
        for stage, command in enumerate(commands[1:], 2):
            if isinstance(command.args[0], Bool | Dot | Nil | Number | String):
                raise self.fault(f"non executable command in pipeline stage {stage}")
        return Pipe(start, tuple(commands), sets, assigns)

    def declarations(self, context: str) -> tuple[tuple[str, ...], bool]:
        """The variables before `:=` or `=`, and whether it is `=`."""
        sets: list[str] = []
        while self.peek_word().kind == "variable":
            before = self.at
            variable = self.next_word()
            follower = self.next_word()
            if follower.kind in ("=", ":="):
                self.scope.append(variable.value)
                return (*sets, variable.value), follower.kind == "="
            if not (follower.kind == "char" and follower.value == ","):
                self.at = before
                break
            sets.append(variable.value)
            self.scope.append(variable.value)
            if context != "range" or len(sets) > 1:
                raise self.fault(f"too many declarations in {context}")
            if self.peek_word().kind not in ("variable", "close", ")"):
                raise self.fault("range can only initialize variables")
        return tuple(sets), False

    def command(self) -> Command:
        start = self.peek_word().start
        args: list[Operand] = []
        while True:
            self.peek_word()
            operand = self.operand()
            if operand is not None:
                args.append(operand)
            token = self.next()
            if token.kind == "space":
                continue
            if token.kind in ("close", ")"):
                self.at -= 1
            elif token.kind != "|":
                raise self.unexpected(token, "operand")
            break
        if not args:
            raise self.fault("empty command")
        return Command(start, tuple(args))

    def operand(self) -> Operand | None:
        node = self.term()
        if node is None or self.peek().kind != "field":
            return node
        start, names = self.peek().start, []
        while self.peek().kind == "field":
            names.append(self.next().value[1:])
        if isinstance(node, Field | Variable):
            return replace(node, start=start, names=(*node.names, *names))
        if isinstance(node, Pipe | Name):
            return Chain(start, node, tuple(names))
        raise self.fault(f"unexpected . after term {quoted(str(node))}")

    def term(self) -> Operand | None:
        token = self.next_word()
        match token.kind:
            case "name":
                if token.value not in self.functions:
                    raise self.fault(f"function {quoted(token.value)} not defined", token)
                return Name(token.start, token.value)
            case "dot":
                return Dot(token.start)
            case "variable":
                if token.value not in self.scope:
                    raise self.fault(f"undefined variable {quoted(token.value)}", token)
                return Variable(token.start, (token.value,))
            case "field":
                return Field(token.start, (token.value[1:],))
            case "bool":
                return Bool(token.start, token.value == "true")
            case "number" | "rune":
                return self.number(token)
            case "(":
                self.deeper()
                pipe = self.pipeline("parenthesized pipeline", ")")
                self.depth -= 1
                return pipe
            case "string" | "raw":
                return String(token.start, token.value, self.string_of(token))
        if self.is_keyword(token, "nil"):
            return Nil(token.start)
        self.at -= 1
        return None

    def string_of(self, token: Token) -> str:
        try:
            return unquoted(token.value)
        except ValueError as error:
            raise self.fault(str(error)) from None

    def number(self, token: Token) -> Number:
        if token.value.endswith("i"):
            raise self.fault(f"complex numbers are not supported: {token.value}")
        try:
            return Number(token.start, token.value, number_value(token.value))
        except ValueError as error:
            raise self.fault(str(error)) from None


def _is_empty(body: Body) -> bool:
    """Whether a template holds nothing but space, so that another may define it."""
    return all(isinstance(node, Words) and not node.text.strip() for node in body)
