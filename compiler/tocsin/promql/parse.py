"""PromQL text to the frozen tree of `ast`, every node with its place.

The library `promql-parser` decides on grammar and types. Its trees hold no places and its lexer, regular expressions
and numbers are not Go's, so it sees the expression with placeholders for its literals, and the values are read from
the tokens, which are walked beside its tree: both are in the order of the text.
"""

from __future__ import annotations

from typing import Final

import promql_parser as library

from tocsin.diagnostics import Problem, ProblemError, Text
from tocsin.labels import is_plain_name
from tocsin.promql.ast import TRIMS, Expr
from tocsin.promql.ast import WINDOW as WINDOW
from tocsin.promql.convert import convert
from tocsin.promql.durations import read_durations
from tocsin.promql.faults import explain, unfinished
from tocsin.promql.literals import string_value
from tocsin.promql.names import EXTENDED, MODIFIERS
from tocsin.promql.scan import Token, postfixes, refuse, scan, scan_before, too_deep
from tocsin.promql.selectors import read_braces
from tocsin.promql.walk import Walk


def parse(text: Text | str) -> Expr:
    """The tree of an expression, as Prometheus parses it. Raises ProblemError with the place of the fault.

    Set operators have the cardinality many-to-many. Unary plus leaves no node, and a sign before a number is part of
    the number, as in Prometheus. `{"name"}` is a name; `{__name__="name"}` stays a matcher. The place of the selector
    in a range selector is that of its name and braces, for its offset stands after the range.
    """
    return _parse(text, windowed=False)


def parse_windowed(text: Text | str) -> Expr:
    """As `parse`, of text in which `$window` may stand for a duration; there the tree holds `WINDOW`."""
    return _parse(text, windowed=True)


def _parse(given: Text | str, windowed: bool) -> Expr:
    text = Text.of(given) if isinstance(given, str) else given
    try:
        return _parse_tokens(text, *_tokens(text, windowed))
    except RecursionError:  # within the limit, but called with little of Python's stack left
        too_deep(text)


def _tokens(text: Text, windowed: bool) -> tuple[Walk, list[str]]:
    """The tokens with what their literals are, and what the library sees of them."""
    try:
        tokens = scan(text, windowed)
        if not tokens:
            refuse(text, 0, len(text.value), "no expression found in input")
        return _read(text, tokens, windowed)
    except ProblemError as late:
        raise _earlier(text, windowed, late.problem) or late from None


def _earlier(text: Text, windowed: bool, late: Problem) -> ProblemError | None:
    """The fault of grammar that stands before one of a token, if any: Prometheus reads from left to right."""
    if late.code in ("promql/too-long", "promql/too-deep"):
        return None
    at_the_end = late.message.startswith(("unclosed", "unexpected end"))
    tokens = scan_before(text, windowed, late.span.end + len(late.span.source.text) if at_the_end else late.span.start)
    try:
        pieces = _read(text, tokens, windowed)[1]
    except ProblemError:
        return None
    return unfinished(text, tokens, pieces, _refusal)


def _read(text: Text, tokens: list[Token], windowed: bool) -> tuple[Walk, list[str]]:
    modifiers = postfixes(tokens)
    walk = Walk(text, tokens, read_braces(text, tokens), read_durations(text, tokens, modifiers))
    return walk, _pieces(walk, modifiers, windowed)


def _parse_tokens(text: Text, walk: Walk, pieces: list[str]) -> Expr:
    tokens = walk.tokens
    try:
        tree: object = library.parse("".join(pieces))
    except ValueError as refusal:
        raise explain(text, tokens, pieces, str(refusal), _refusal) from None
    return convert(tree, walk)


def _refusal(text: str) -> str | None:
    """What the library has against a text."""
    try:
        library.parse(text)
    except ValueError as refusal:
        return str(refusal)
    return None


def _pieces(walk: Walk, modifiers: frozenset[int], windowed: bool) -> list[str]:
    """What the library sees of each token, with a space where there was one.

    Of braces it sees the same matcher always, of durations `1m`, and of `anchored` and `smoothed` nothing.
    """
    pieces: list[str] = []
    hidden, listed = 0, False
    for index, token in enumerate(walk.tokens):
        shown = _shown(walk.text, token, windowed)
        if token.text in ("(", ")"):
            listed = token.text == "(" and index > 0 and walk.tokens[index - 1].word in _LISTS
        elif listed and ":" in token.text and token.kind == "identifier":
            shown = _hidden(token.text)  # the library takes no such label, Prometheus 3 does
        if index in walk.braces:
            hidden = walk.braces[index].end
            shown = '{_="_"}'
        elif index in walk.durations:
            hidden = walk.durations[index].end
            shown = " 1m"
        elif index < hidden or (index in modifiers and token.word in EXTENDED):
            shown = ""
        apart = index and walk.tokens[index - 1].end < token.start
        # `and.5` are two words, which the placeholder of a number must not make one.
        gap = " " if apart or (pieces and shown[:1].isalnum() and pieces[-1][-1:].isalnum()) else ""
        pieces.append(gap + shown)
    return pieces


_LISTS: Final = MODIFIERS | {"by", "without"}

_PLACEHOLDERS: Final = {
    "number": "1",
    "duration": "1m",
    "window": "1m",
    # As names the library does not know them.
    **{word: f"_{word}" for word in EXTENDED},
    # Such as `bool` makes them, the comparisons take the same operands; only of two scalars there is nothing to trim.
    **{trim: f"{trim.strip('/')} bool" for trim in TRIMS},
}


def _shown(text: Text, token: Token, windowed: bool) -> str:
    if token.kind != "string":
        return _PLACEHOLDERS.get(token.kind) or _PLACEHOLDERS.get(token.word, token.text)
    value = string_value(text, token)
    if windowed and "$window" in value:
        refuse(text, token.start, token.end, "`$window` stands for a duration and cannot stand in a string")
    # The library compares the labels of `on` and `group_left`; no other text that is in quotes has a meaning for it.
    return f'"{value if is_plain_name(value) else _hidden(value)}"'


def _hidden(name: str) -> str:
    """Another name for each name, which the library takes."""
    return f"_{name.encode().hex()}"
