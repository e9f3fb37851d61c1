"""What stands in braces to matchers, each validated as Prometheus does, the regular expressions by RE2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn, cast, get_args

from tocsin.diagnostics import Text
from tocsin.labels import NAME, quote
from tocsin.promql.ast import Matcher, MatchOp
from tocsin.promql.literals import string_value
from tocsin.promql.match import accepts, regex_fault
from tocsin.promql.scan import Token, described, refuse


@dataclass(frozen=True, slots=True)
class Braces:
    """`{"name", label="value"}`; `end` is the index of the token after the closing brace."""

    name: str | None
    matchers: tuple[Matcher, ...]
    end: int

    def matches_everything(self) -> bool:
        """Whether a series without labels would be selected."""
        return not self.name and all(accepts(matcher, "") for matcher in self.matchers)


def set_twice(first: str, second: str) -> str:
    return f"metric name must not be set twice: {quote(first)} or {quote(second)}"


def read_braces(text: Text, tokens: Sequence[Token]) -> dict[int, Braces]:
    """The matchers of every pair of braces, by the index of the opening one. Raises ProblemError."""
    return {index: _braces(text, tokens, index) for index, token in enumerate(tokens) if token.text == "{"}


def _braces(text: Text, tokens: Sequence[Token], start: int) -> Braces:
    name: str | None = None
    matchers: list[Matcher] = []
    index = start + 1
    while tokens[index].text != "}":
        token = tokens[index]
        if token.kind == "string" and tokens[index + 1].word in (",", "}"):
            first, name = name, _named(text, token)
            if first is not None:
                refuse(text, token.start, token.end, set_twice(first, name))
            index += 1
        else:
            matchers.append(_matcher(text, tokens, index))
            index += 3
        index = _next(text, tokens, index)
    second = next((matcher.value for matcher in matchers if matcher.label == NAME), None)
    if name is not None and second is not None:
        refuse(text, tokens[start].start, tokens[index].end, set_twice(name, second))
    return Braces(name, tuple(matchers), index + 1)


def _next(text: Text, tokens: Sequence[Token], index: int) -> int:
    token = tokens[index]
    if token.word == "or":
        message = "`or` between matchers is MetricsQL, Prometheus refuses it"
        refuse(text, token.start, token.end, message, help='write `{a=~"x|y"}`, or `or` between two selectors')
    if token.word not in (",", "}"):
        _unexpected(text, token, "`,` or `}`")
    return index + (token.text == ",")


def _matcher(text: Text, tokens: Sequence[Token], index: int) -> Matcher:
    label, op = tokens[index], tokens[index + 1]
    if label.kind not in ("identifier", "string"):
        _unexpected(text, label, "identifier or `}`")
    if op.text == "==":
        op = op._replace(start=op.start + 1, text="=", word="=")
        _unexpected(text, op, "string")
    if op.text not in get_args(MatchOp):
        _unexpected(text, op, "label matching operator")
    value = tokens[index + 2]
    if value.kind != "string":
        _unexpected(text, value, "string")
    matcher = Matcher(_named(text, label), cast(MatchOp, op.text), string_value(text, value))
    if matcher.op in ("=~", "!~"):
        _check_regex(text, value, matcher.value)
    return matcher


def _named(text: Text, token: Token) -> str:
    name = token.text if token.kind == "identifier" else string_value(text, token)
    if not name:
        refuse(text, token.start, token.end, "a name must not be empty")
    return name


def _check_regex(text: Text, token: Token, pattern: str) -> None:
    fault = regex_fault(pattern)
    if fault:
        refuse(text, token.start, token.end, f"error parsing regexp: {fault}", "regex")


def _unexpected(text: Text, token: Token, expected: str) -> NoReturn:
    if token.kind not in ("identifier", "string") and token.text[0] not in "=!,}{":
        refuse(text, token.start, token.end, f"unexpected character inside braces: {token.text[0]!r}")
    shown = f"identifier `{token.text}`" if token.kind == "identifier" else described(token)  # no keywords in braces
    refuse(text, token.start, token.end, f"unexpected {shown} in label matching, expected {expected}")
