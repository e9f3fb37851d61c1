"""PromQL text to tokens with their places, refusing what is too long or too deep to hand to a parser.

The lexical rules are those of prometheus/promql/parser/lex.go. A window that is yet to be chosen, `$window`, is a
token of its own where it is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Literal, NamedTuple, NoReturn, TypeAlias, cast

from tocsin.diagnostics import Problem, ProblemError, Text
from tocsin.promql.ast import ARITHMETIC, COMPARISONS, SET_OPERATORS, TRIMS
from tocsin.promql.names import AGGREGATIONS, EXTENDED, MODIFIERS

Kind: TypeAlias = Literal["identifier", "number", "duration", "window", "string", "symbol"]

MAX_LENGTH = 32 * 1024
MAX_DEPTH = 200
"""Levels of a tree. Python allows 1,000 frames, and whoever walks a tree may use two or three of them a level."""

# The library dies (a stack overflow, no exception) at 5,000 operands in a stack of 8 MiB and survives 4,000.
_MAX_OPERATORS = 1000


class Token(NamedTuple):
    """Characters `start` to `end` of the text; `word` is what to compare with keywords, which have no case.

    The word of a symbol is the symbol, and that of a literal is empty.
    """

    kind: Kind
    text: str
    start: int
    end: int
    word: str


def refuse(text: Text, start: int, end: int, message: str, code: str = "syntax", help: str = "") -> NoReturn:
    """Raise the problem that characters `start` to `end` are not PromQL."""
    raise ProblemError(Problem(f"promql/{code}", message, text.at(start, end), help=help))


def scan(text: Text, windowed: bool = False) -> list[Token]:
    """The tokens of an expression, without comments; brackets are balanced and nothing is too deep.

    Raises ProblemError. `windowed` allows `$window` where a duration can stand.
    """
    if len(text.value) > MAX_LENGTH:
        message = f"the expression has {len(text.value)} characters, at most {MAX_LENGTH} are read"
        refuse(text, 0, len(text.value), message, "too-long")
    tokens = []
    opened: list[Token] = []
    for token in _tokens(text, windowed, opened):
        tokens.append(token)
        _track(text, token, opened)
    if opened:
        last = opened[-1]
        message = f"unclosed left {_NAMES[last.text]}"
        refuse(text, last.start, last.end, "unexpected end of input inside braces" if last.text == "{" else message)
    if _depth(tokens) > _MAX_OPERATORS:
        too_deep(text)
    return tokens


def scan_before(text: Text, windowed: bool, end: int) -> list[Token]:
    """The tokens before a place in the source and before the first fault; none of the last braces or brackets that are
    open there, and none at all where they are too deep.
    """
    tokens: list[Token] = []
    opened: list[Token] = []
    with suppress(ProblemError):
        for token in _tokens(text, windowed, opened):
            if text.at(token.start, token.end).start >= end:
                break
            _track(text, token, opened)
            tokens.append(token)
    cut = next((token.start for token in opened if token.text != "("), len(text.value))
    closing = [Token("symbol", ")", cut, cut, ")") for token in opened if token.start < cut]
    tokens = [token for token in tokens if token.start < cut]
    return tokens if _depth([*tokens, *closing]) <= _MAX_OPERATORS else []


def too_deep(text: Text) -> NoReturn:
    refuse(text, 0, len(text.value), f"the expression is nested more than {MAX_DEPTH} levels deep", "too-deep")


_LITERALS = r"""
    (?P<skip>[ \t\r\n]+|\#[^\r\n]*)
  | (?P<string>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'|`[^`]*`)
  | (?P<duration>(?:[0-9]+(?:ms|[smhdwy]))+)(?![a-zA-Z0-9_])
  | (?P<number>0[xX][0-9a-fA-F_]+|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]+)?)(?![a-zA-Z0-9_.])
  | (?P<window>\$window)(?![a-zA-Z0-9_])
  | (?P<symbol>==|!=|</|>/|<=|>=|=~|!~|::|[-+*/%^<>=@,(){}\[\]:])
"""
_OUTSIDE = re.compile(r"(?P<identifier>[a-zA-Z_:][a-zA-Z0-9_:]*) |" + _LITERALS, re.VERBOSE)
_INSIDE = re.compile(r"(?P<identifier>[a-zA-Z_][a-zA-Z0-9_]*) |" + _LITERALS, re.VERBOSE)


def _tokens(text: Text, windowed: bool, opened: Sequence[Token]) -> Iterator[Token]:
    value, place = text.value, 0
    while place < len(value):
        inside = opened[-1].text if opened else "("
        match = (_OUTSIDE if inside == "(" else _INSIDE).match(value, place)
        if match is None or (match.lastgroup == "window" and not windowed):
            _unknown(text, place, " inside braces" if inside == "{" else "")
        kind, piece, start, place = match.lastgroup, match.group(), place, match.end()
        word = piece if kind == "symbol" else piece.lower() if kind == "identifier" else ""
        if word in ("inf", "nan") and inside != "{":
            kind, word = "number", ""
        if kind != "skip":
            yield Token(cast(Kind, kind), piece, start, place, word)


def _unknown(text: Text, place: int, where: str) -> NoReturn:
    char = text.value[place]
    if char in "\"'`":
        refuse(text, place, len(text.value), f"unterminated {'raw' if char == '`' else 'quoted'} string")
    if char == "!":
        after = text.value[place + 1 : place + 2] or "\ufffd"  # as Go writes the end
        refuse(text, place, place + 1, f"unexpected character after '!'{where}: {after!r}")
    number = None if where else re.compile(r"\.?[0-9][a-zA-Z0-9_.]*").match(text.value, place)
    if number is not None and re.fullmatch(r"0[xX]|[0-9_.]+[eE]", number.group()):
        message = f"error parsing number: strconv.ParseFloat: parsing `{number.group()}`: invalid syntax"
        refuse(text, place, number.end(), message)
    if number is not None:
        refuse(text, place, number.end(), f"bad number or duration syntax: `{number.group()}`")
    refuse(text, place, place + 1, f"unexpected character{where}: {char!r}")


def described(token: Token) -> str:
    """A token in the words of Prometheus (`Item.desc`)."""
    word = token.word
    if not token.text:
        return "end of input"
    if word in AGGREGATIONS:
        return f"<aggr:{token.text}>"
    if word in _KEYWORDS:
        return f"<{token.text}>"
    if word in _OPERATORS | {"=~", "!~", "@"}:
        return f"<op:{token.text}>"
    if token.kind == "symbol" or word in _PREPROCESSORS:
        return f"`{token.text}`"
    colon = token.kind == "identifier" and ":" in token.text
    return f"{'metric ' if colon else ''}{token.kind} `{token.text}`"


_KEYWORDS = MODIFIERS | EXTENDED | {"by", "without", "offset"}
_PREPROCESSORS = {"start", "end", "step", "range", "min_of", "max_of"}

_NAMES = {"(": "parenthesis", "[": "bracket", "{": "brace", ")": "parenthesis", "]": "bracket", "}": "brace"}
_PAIRS = {")": "(", "]": "[", "}": "{"}


def _track(text: Text, token: Token, opened: list[Token]) -> None:
    """Keep the brackets that are open at a token."""
    if token.kind != "symbol":
        return
    inside = opened[-1].text if opened else ""
    if inside == "{" and token.text in "()[]":
        refuse(text, token.start, token.end, f"unexpected character inside braces: {token.text!r}")
    if token.text in _PAIRS:
        if inside != _PAIRS[token.text]:
            right = f"unexpected right {_NAMES[token.text]} `{token.text}`"
            refuse(text, token.start, token.end, "unexpected character: '}'" if token.text == "}" else right)
        opened.pop()
    elif token.text in _NAMES:
        if token.text != "(" and inside not in ("", "("):
            refuse(text, token.start, token.end, f"unexpected left {_NAMES[token.text]} `{token.text}`")
        opened.append(token)


_OPERATORS = COMPARISONS | SET_OPERATORS | ARITHMETIC | TRIMS


def _depth(tokens: Sequence[Token]) -> int:
    """No less than the depth of the tree: in each pair of brackets, its operators and its deepest brackets."""
    levels = [[0, 0, 0]]  # operators since the last comma, deepest brackets since then, depth of what came before
    for token in tokens:
        level = levels[-1]
        if token.word in _OPERATORS:
            level[0] += 1
        elif token.text in ("(", "[", "{"):
            level[0] += token.text == "["
            levels.append([0, 0, 0])
        elif token.text in (")", "]", "}", ","):
            level[:] = 0, 0, max(level[2], level[0] + level[1] + 1)
            if token.text != ",":
                levels.pop()
                levels[-1][1] = max(levels[-1][1], level[2])
    return max(levels[-1][2], levels[-1][0] + levels[-1][1])


_LISTED = MODIFIERS | {"by", "without", "fill", "fill_left", "fill_right"}
"""What parentheses can follow that hold no operand."""


def postfixes(tokens: Sequence[Token]) -> frozenset[int]:
    """The indices of `offset`, `anchored` and `smoothed` where they follow an operand; elsewhere they are names."""
    found: set[int] = set()
    listed: list[bool] = []
    operand, before = False, ""
    for index, token in enumerate(tokens):
        if token.text in _PAIRS:
            operand = not listed.pop()
        elif token.text in _NAMES:
            listed.append(token.text == "(" and before in _LISTED)
            operand = False
        elif token.word in EXTENDED | {"offset"} and operand:
            found.add(index)
            operand = token.word != "offset"
        elif token.kind == "identifier":
            operand = token.word not in MODIFIERS | {"atan2"} and not (operand and token.word in SET_OPERATORS)
        else:
            operand = token.kind != "symbol"
        before = token.word
    return frozenset(found)
