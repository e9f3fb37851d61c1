"""A template to tokens: text, and within `{{ }}` words, literals and symbols (Go's text/template/parse/lex.go)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tocsin.templates.quote import quoted

Kind: TypeAlias = Literal[
    "text", "open", "close", "space", "(", ")", "|", "=", ":=", "char", "field", "variable", "dot", "name",
    "keyword", "bool", "number", "rune", "string", "raw", "error", "end",
]  # fmt: skip

KEYWORDS = frozenset({"block", "break", "continue", "define", "else", "end", "if", "range", "nil", "template", "with"})

_SPACE = " \t\r\n"
_CLOSE = re.compile(r"(?P<trim>[ \t\r\n]-)?\}\}")
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?"
    r"|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_QUOTED = {
    '"': ("string", "quoted string", re.compile(r'"(?:\\[^\n]|[^"\\\n])*"')),
    "'": ("rune", "character constant", re.compile(r"'(?:\\[^\n]|[^'\\\n])*'")),
    "`": ("raw", "raw quoted string", re.compile(r"`[^`]*`")),
}
_SYMBOLS: dict[str, Kind] = {"|": "|", "(": "(", ")": ")", "=": "="}


@dataclass(frozen=True, slots=True)
class Token:
    """`start` is an offset into the template; the value of an error is its message."""

    kind: Kind
    value: str
    start: int

    def __str__(self) -> str:
        """As Go's messages name it."""
        if self.kind == "end":
            return "EOF"
        if self.kind == "error":
            return self.value
        if self.kind in ("keyword", "dot"):
            return f"<{self.value}>"
        if self.kind == "close":
            return '"}}"'
        return (
            f"{quoted(self.value[:10])}..."
            if len(self.value.encode(errors="surrogatepass")) > 10
            else quoted(self.value)
        )


def scan(text: str, compat: int = 3) -> Iterator[Token]:
    """The tokens of a template; the last one is an error or the end."""
    at = 0
    while (opening := text.find("{{", at)) >= 0:
        trimmed = _trims(text, opening + 2)
        literal = text[at:opening].rstrip(_SPACE) if trimmed else text[at:opening]
        if literal:
            yield Token("text", literal, at)
        inside = opening + 2 + 2 * trimmed
        if text.startswith("/*", inside):
            end = _comment(text, inside)
            if isinstance(end, Token):
                yield end
                return
            at = end
            continue
        token = Token("open", "{{", opening)
        yield token
        for token in _action(text, inside, compat):
            yield token
        if token.kind == "error":
            return
        at = _after(text, token.start + len(token.value), token.value != "}}")
    if at < len(text):
        yield Token("text", text[at:], at)
    yield Token("end", "EOF", len(text))


def _trims(text: str, at: int) -> bool:
    return text.startswith("-", at) and at + 1 < len(text) and text[at + 1] in _SPACE


def _comment(text: str, start: int) -> int | Token:
    """Where the text goes on after a comment."""
    end = text.find("*/", start + 2)
    if end < 0:
        return Token("error", "unclosed comment", start)
    closing = _CLOSE.match(text, end + 2)
    if closing is None:
        return Token("error", "comment ends before closing delimiter", start)
    return _after(text, closing.end(), closing["trim"] is not None)


def _after(text: str, end: int, trimmed: bool) -> int:
    """Where the text goes on after `}}`: a trim marker before it eats the space that follows."""
    while trimmed and end < len(text) and text[end] in _SPACE:
        end += 1
    return end


def _action(text: str, at: int, compat: int) -> Iterator[Token]:
    """The tokens from after `{{` to the `}}`."""
    depth = 0
    while True:
        closing = _CLOSE.match(text, at)
        if closing is not None:
            yield Token("error", "unclosed left paren", at) if depth else Token("close", closing[0], at)
            return
        token = _token(text, at)
        depth += (token.kind == "(") - (token.kind == ")")
        if depth < 0:
            if compat == 2:  # Go 1.19 gives out the parenthesis before it complains
                yield token
            token = Token("error", "unexpected right paren", at)
        yield token
        if token.kind == "error":
            return
        at = token.start + len(token.value)


def _token(text: str, at: int) -> Token:
    if at >= len(text):
        return Token("error", "unclosed action", at)
    char = text[at]
    if char in _SPACE:
        return _space(text, at)
    if char in _SYMBOLS:
        return Token(_SYMBOLS[char], char, at)
    if char == ":":
        return Token(":=", ":=", at) if text.startswith(":=", at) else Token("error", "expected :=", at)
    if char in _QUOTED:
        return _literal(text, at)
    if char == "$" or (char == "." and (text[at + 1 : at + 2] or "0") not in "0123456789"):
        return _member(text, at)
    if char in "+-.0123456789":
        return _number(text, at)
    if _is_word(char):
        return _word(text, at)
    if " " <= char <= "~":
        return Token("char", char, at)
    return Token("error", f"unrecognized character in action: {_described(char)}", at)


def _space(text: str, at: int) -> Token:
    end = at
    while end < len(text) and text[end] in _SPACE:
        end += 1
    if text.startswith("-}}", end):  # the last space belongs to the trim marker
        end -= 1
    return Token("space", text[at:end], at)


def _literal(text: str, at: int) -> Token:
    kind, name, pattern = _QUOTED[text[at]]
    match = pattern.match(text, at)
    if match is None:
        return Token("error", f"unterminated {name}", at)
    return Token(kind, match[0], at)  # type: ignore[arg-type]  # one of three kinds


def _is_word(char: str) -> bool:
    """Go's letters, decimal digits, and `_`."""
    return char == "_" or char.isalpha() or char.isdecimal()


def _word_end(text: str, at: int) -> int:
    while at < len(text) and _is_word(text[at]):
        at += 1
    return at


def _ends(text: str, end: int) -> bool:
    """Whether a word may end here."""
    return end >= len(text) or text[end] in " \t\r\n.,|:)(" or text.startswith("}}", end)


def _member(text: str, at: int) -> Token:
    """`$`, `$name`, `.` or `.Field`."""
    end = at + 1 if _ends(text, at + 1) else _word_end(text, at + 1)
    if not _ends(text, end):
        return Token("error", f"bad character {_described(text[end])}", at)
    word = text[at:end]
    return Token("variable" if word[0] == "$" else "dot" if word == "." else "field", word, at)


def _word(text: str, at: int) -> Token:
    end = _word_end(text, at)
    if not _ends(text, end):
        return Token("error", f"bad character {_described(text[end])}", at)
    word = text[at:end]
    kind: Kind = "keyword" if word in KEYWORDS else "bool" if word in ("true", "false") else "name"
    return Token(kind, word, at)


def _number(text: str, at: int) -> Token:
    match = _NUMBER.match(text, at)
    end = match.end() if match else at
    if end < len(text) and _is_word(text[end]):
        return Token("error", f"bad number syntax: {quoted(text[at : end + 1])}", at)
    if text[end : end + 1] in ("+", "-"):  # the second part of a complex number
        second = _NUMBER.match(text, end)
        stop = second.end() if second else end
        stop += stop < len(text) and _is_word(text[stop])
        if text[stop - 1] != "i" or (second is not None and stop > second.end()):
            return Token("error", f"bad number syntax: {quoted(text[at:stop])}", at)
        end = stop
    return Token("number", text[at:end], at)


def _described(char: str) -> str:
    """Go's `%#U`."""
    shown = f" '{char}'" if char.isprintable() else ""
    return f"U+{ord(char):04X}{shown}"
