"""What is wrong with an expression that the library refuses, and where: it gives a message and no place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from tocsin.diagnostics import Problem, ProblemError, Text
from tocsin.promql.names import AGGREGATIONS, FUNCTIONS, RENAMED
from tocsin.promql.scan import Token, described
from tocsin.registry import suggest

Refusal: TypeAlias = Callable[[str], str | None]
"""What the library has against a text, None where it accepts it."""


def explain(text: Text, tokens: Sequence[Token], pieces: Sequence[str], message: str, refusal: Refusal) -> ProblemError:
    """The problem for a message of the library, at the smallest place that can be found for it.

    `pieces` are what the library saw of each token.
    """
    kind = _kind(message)
    if kind == "grammar":
        return _syntax(text, tokens, pieces, refusal)
    start, end = _smallest(tokens, pieces, message, refusal)
    if kind == "unknown-function":
        end = start + 1
    span = text.at(tokens[start].start, tokens[end - 1].end)
    return ProblemError(Problem(f"promql/{kind}", _reworded(message), span, help=_help(message)))


def unfinished(text: Text, tokens: Sequence[Token], pieces: Sequence[str], refusal: Refusal) -> ProblemError | None:
    """The problem of tokens that cannot be the start of an expression; None where they can."""
    return None if _continues(pieces, refusal) else _syntax(text, tokens, pieces, refusal)


_GRAMMAR = re.compile(r"invalid promql query|unexpected |unclosed |invalid syntax|bad number")
_UNKNOWN = re.compile(r"unknown function with name '(.*)'")
_TYPES = re.compile(r"expected type|not allowed in binary|must contain only|only allowed|must use BOOL")


def _kind(message: str) -> str:
    if _UNKNOWN.match(message):
        return "unknown-function"
    if _GRAMMAR.match(message):
        return "grammar"
    return "type" if _TYPES.search(message) else "syntax"


def _reworded(message: str) -> str:
    """The message in Prometheus's words."""
    plain, *quoted = re.split(r"('[^']*')", message)
    words = _types_named(plain) + "".join(part if part[0:1] == "'" else _types_named(part) for part in quoted)
    words = re.sub(r"got: (.*)", r"got `\1`", words)
    words = re.sub(r"aggregate expression '\w+' provided", "aggregate expression provided", words)
    # An aggregation always takes a vector, so another type is that of its parameter.
    words = re.sub(
        r"(expected type (?:scalar|string)) in aggregation expression", r"\1 in aggregation parameter", words
    )
    return re.sub(r"'([^']*)'", r"`\1`", words)


def _types_named(words: str) -> str:
    """The types by their long names."""
    words = re.sub(r"\bmatrix\b(?! instead)", "range vector", words)
    words = re.sub(r"(?<!instant )(?<!range )\bvector\b(?! matcher| matching| selector must)", "instant vector", words)
    words = words.replace("between vectors", "between instant vectors")
    return words.replace("a instant", "an instant").replace("for instant vector selectors", "for vector selectors")


def _help(message: str) -> str:
    unknown = _UNKNOWN.match(message)
    if unknown and unknown[1] in RENAMED:
        return f"Prometheus 3 calls it `{RENAMED[unknown[1]]}`"
    if unknown:
        near = suggest(unknown[1], FUNCTIONS | AGGREGATIONS)
        return near if near.startswith("did you mean") else ""
    if message.startswith("expected type matrix"):
        return "write a range after the selector, such as `[5m]`"
    return "write `bool` after the operator" if "must use BOOL" in message else ""


def _smallest(tokens: Sequence[Token], pieces: Sequence[str], message: str, refusal: Refusal) -> tuple[int, int]:
    """The tokens of the smallest call, aggregation or parenthesised part that is refused with the same message."""
    for start, end in sorted(_parts(tokens), key=lambda part: part[1] - part[0]):
        if refusal("".join(pieces[start:end])) == message:
            return start, end
    return 0, len(tokens)


def _parts(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """The first token of every part that ends with a parenthesis, and the one after its last."""
    opened: list[int] = []
    closed: dict[int, int] = {}
    for index, token in enumerate(tokens):
        if token.text == "(":
            opened.append(index)
        elif token.text == ")":
            first = opened.pop()
            closed[index] = first
            yield _head(tokens, first, closed), index + 1
            yield first + 1, index


def _head(tokens: Sequence[Token], first: int, closed: dict[int, int]) -> int:
    """Where the call or aggregation starts whose arguments start at `first`."""
    before = first - 1
    if before >= 0 and tokens[before].text == ")":
        group = closed[before] - 1
        return group - 1 if group > 0 and tokens[group].word in ("by", "without") else first
    return before if before >= 0 and tokens[before].kind == "identifier" else first


def _syntax(text: Text, tokens: Sequence[Token], pieces: Sequence[str], refusal: Refusal) -> ProblemError:
    """The first token after which no continuation is PromQL, found by bisection."""
    good, bad = 0, len(tokens) + 1
    while bad - good > 1:
        middle = (good + bad) // 2
        if _continues(pieces[:middle], refusal):
            good = middle
        else:
            bad = middle
    end = tokens[-1].end
    token = Token("symbol", "", end, end, "") if good == len(tokens) else tokens[good]
    message, help = f"unexpected {described(token)}{_where(tokens[:good])}", ""
    if token.text in ("=~", "!~"):
        message = f"unexpected character after {token.text[0]!r}: '~'"
    if token.text in ("=~", "!~", "="):
        help = f"`{token.text}` belongs between a label and its value, in braces"
    return ProblemError(Problem("promql/syntax", message, text.at(token.start, token.end), help=help))


def _where(before: Sequence[Token]) -> str:
    """What Prometheus is reading after these tokens, and what it expects there."""
    last = [one.word for one in before[-3:]]
    if last[-1:] == ["@"] or last[-2:] in _IN_AT or last in _IN_AT:
        return " in @, expected timestamp"
    opened, waits, waits_only = _opened(before)
    if opened and opened[-1] in _LISTS:
        return f" in grouping opts, expected {'label' if last[-1] in ('(', ',') else '`,` or `)`'}"
    if waits in _LISTS:
        return " in grouping opts, expected `(`"
    return " in aggregation" if waits_only or any(word in AGGREGATIONS for word in opened) else ""


_IN_AT = (["@", "+"], ["@", "-"], ["@", "start"], ["@", "end"], ["@", "start", "("], ["@", "end", "("])

_LISTS = ("by", "without", "on", "ignoring", "group_left", "group_right")
"""What labels in parentheses follow."""


def _opened(tokens: Sequence[Token]) -> tuple[list[str], str, bool]:
    """The aggregations and the lists of labels whose parentheses are open, "" for other parentheses; the word that
    waits for its own; and whether that is an aggregation with its labels, `sum by (x)`, which can be no metric.
    """
    opened: list[tuple[str, str]] = []
    word, then = "", ""  # what a parenthesis here belongs to, and what there is once it is closed
    for token in tokens:
        if token.text == "(":
            opened.append((word, then))
            word, then = "", ""
        elif token.text == ")":
            word, then = opened.pop()[1], ""
        elif token.word in ("by", "without"):  # elsewhere names
            word, then = (token.word if word else ""), (word if word in AGGREGATIONS else "")
        elif token.word in AGGREGATIONS:
            word, then = token.word, _AGGREGATED
        else:
            word, then = (token.word if token.word in _LISTS else ""), ""
    return [head for head, _ in opened], word, word in AGGREGATIONS and not then


_AGGREGATED = "an aggregation with its arguments"


_NEXT = ("", " a", " 1", " 1m", "1m]", "]", "()", "(a)", "(a) a", "(a)(a)", "(1) a", "a)(a)", ") a", ")(a)")


def _continues(pieces: Sequence[str], refusal: Refusal) -> bool:
    """Whether the text so far can be the start of an expression; faults of type are none of grammar."""
    text = "".join(pieces)
    depth = text.count("(") - text.count(")")
    for more in _NEXT:
        closing = ")" * (depth + more.count("(") - more.count(")"))
        for tail in ("", " a", "(a)"):
            said = refusal(text + more + closing + tail)
            if said is None or _kind(said) != "grammar":
                return True
    return False
