"""The tokens of an expression, walked beside a tree of it that has no places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from tocsin.diagnostics import Problem, ProblemError, Span, Text
from tocsin.promql.ast import Computed
from tocsin.promql.durations import Duration
from tocsin.promql.names import EXTENDED
from tocsin.promql.scan import Token, described, refuse
from tocsin.promql.selectors import Braces


@dataclass(slots=True)
class Walk:
    """The tokens, and how far they have been read."""

    text: Text
    tokens: list[Token]
    braces: dict[int, Braces]
    durations: dict[int, Duration]
    index: int = 0
    depth: int = 0
    in_info: bool = False

    def peek(self, ahead: int = 0) -> str:
        """The next word, or the one after it; empty before a literal and at the end."""
        index = self.index + ahead
        return self.tokens[index].word if index < len(self.tokens) else ""

    def take(self) -> Token:
        if self.index == len(self.tokens):
            refuse(self.text, len(self.text.value), len(self.text.value), "unexpected end of input")
        self.index += 1
        return self.tokens[self.index - 1]

    def expect(self, word: str) -> None:
        if self.peek() != word:
            self.unexpected()
        self.index += 1

    def accept(self, word: str) -> bool:
        found = self.peek() == word
        self.index += found
        return found

    def sign(self) -> int:
        """The signs before a literal, taken together."""
        sign = 1
        while self.peek() in ("+", "-"):
            sign = -sign if self.take().text == "-" else sign
        return sign

    def duration(self) -> int | Computed:
        """The duration that starts here."""
        found = self.durations.get(self.index)
        if found is None:
            self.unexpected()
        self.index = found.end
        return found.value

    def span(self, start: int) -> Span:
        """The place of the tokens from `start` to here."""
        return self.text.at(self.tokens[start].start, self.tokens[self.index - 1].end)

    def unexpected(self) -> NoReturn:
        token = self.take()
        if token.word in EXTENDED:
            self.refuse(self.index - 1, f"{token.word} modifier not implemented")
        refuse(self.text, token.start, token.end, f"unexpected {described(token)}")

    def refuse(self, start: int, message: str, code: str = "syntax") -> NoReturn:
        """Raise that the tokens from `start` to here are not PromQL."""
        raise ProblemError(Problem(f"promql/{code}", message, self.span(start)))
