"""The text of matchers to matchers, by Alertmanager's classic grammar and by the one with UTF-8 names.

0.25 has the classic one (pkg/labels/parse.go). Later releases try both: where only one accepts a text, or they
disagree, the classic one wins if it accepts it (matcher/compat/parse.go).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import re2

from tocsin.diagnostics import Problem, ProblemError, Text
from tocsin.promql.ast import Matcher, MatchOp
from tocsin.promql.literals import string_value
from tocsin.promql.scan import Token
from tocsin.routingfile.release import Release

_SPACE = " \t\n\f\r"
_CLASSIC = re.compile(
    rf"[{_SPACE}]*(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)[{_SPACE}]*(?P<op>=~|=|!=|!~)[{_SPACE}]*(?P<value>(?s:.*?))[{_SPACE}]*"
)
_OPS: dict[str, MatchOp] = {"=": "=", "!=": "!=", "=~": "=~", "!~": "!~"}


def read_matchers(text: Text, release: Release) -> tuple[Matcher, ...]:
    """The matchers of one text, such as `{severity="page", team=~"a|b"}`. Raises ProblemError."""
    if release is Release.OLD:
        return tuple(_classic(text))
    try:
        return tuple(_classic(text))
    except ProblemError as classic:
        try:
            return tuple(_Utf8(text).matchers())
        except ProblemError:
            raise classic from None


def checked(matcher: Matcher, text: Text, start: int, end: int) -> Matcher:
    """The matcher, its regular expression tried. Raises ProblemError."""
    if matcher.op in ("=~", "!~") and (fault := regex_fault(matcher.value)):
        raise _refused(text, start, end, f"not a regular expression: {fault}", "regex")
    return matcher


def regex_fault(pattern: str) -> str | None:
    """What is wrong with a regular expression; it is anchored before it is compiled, so `a)(b` is one."""
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(f"^(?:{pattern})$", options)
    except re2.error as error:
        reason = error.args[0] if error.args else "it is too large"
        return reason.decode() if isinstance(reason, bytes) else str(reason)
    return "invalid escape sequence: `\\C`" if _has_single_byte(pattern) else None


def _has_single_byte(pattern: str) -> bool:
    return any(escape["one"] == "C" for escape in re.finditer(r"(?s)\\Q.*?(?:\\E|$)|\\(?P<one>.)", pattern))


def _refused(text: Text, start: int, end: int, message: str, name: str = "matcher") -> ProblemError:
    help = 'write `label="value"`, with `=`, `!=`, `=~` or `!~`' if name == "matcher" else ""
    return ProblemError(Problem(f"alertmanager/{name}", message, text.at(start, max(end, start + 1)), help=help))


def _classic(text: Text) -> Iterator[Matcher]:
    for start, end in _pieces(text.value):
        match = _CLASSIC.fullmatch(text.value, start, end)
        if match is None:
            raise _refused(text, start, end, f"`{text.value[start:end]}` is not a matcher")
        value = _classic_value(text, match.start("value"), match.end("value"))
        yield checked(Matcher(match["name"], _OPS[match["op"]], value), text, *match.span("value"))


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """What stands between the commas outside of quotes; an empty rest at the end is none."""
    first, end = int(text.startswith("{")), len(text) - (len(text) > text.startswith("{") and text.endswith("}"))
    quoted = escaped = False
    for at in range(first, end):
        char = text[at]
        if char == "," and not quoted:
            yield first, at
            first = at + 1
        elif char == '"':
            quoted, escaped = (quoted, False) if escaped else (not quoted, False)
        elif char != ",":
            escaped = char == "\\" and not escaped
    rest = text[first:end]
    if rest.strip():
        first += len(rest) - len(rest.lstrip())
        yield first, first + len(rest.strip())


def _classic_value(text: Text, start: int, end: int) -> str:
    """A value with or without quotes: `\\"`, `\\\\` and `\\n` are escapes, any other backslash is itself."""
    raw = text.value[start:end]
    quoted = raw.startswith('"')
    raw = raw[quoted:]
    value = []
    at = 0
    while at < len(raw):
        char, after = raw[at], raw[at + 1 : at + 2]
        if char == "\\" and after:
            value.append("\n" if after == "n" else after if after in '"\\' else char + after)
            at += 2
            continue
        if char == '"':
            if not quoted or after:
                raise _refused(text, start + at, end, "the value has a double quote inside", "matcher")
            quoted = False
        else:
            value.append(char)
        at += 1
    if quoted:
        raise _refused(text, start, end, "the value has no closing double quote")
    return "".join(value)


_TOKEN = re.compile(
    r"""\s*(?:(?P<mark>[{},])|(?P<op>=~|!=|!~|=)|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<plain>[^\s{}!=~,\\"'`]+)|(?P<end>$))""",
    re.DOTALL,
)


class _Utf8:
    """The grammar of matcher/parse: names and values are plain or in double quotes with Go's escapes."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._at = 0

    def matchers(self) -> Iterator[Matcher]:
        brace = self._take("mark", "{")
        while self._peek().lastgroup in ("quoted", "plain"):
            yield self._matcher()
            if not self._take("mark", ","):
                break
        if brace and not self._take("mark", "}"):
            raise self._expected("a closing brace")
        if not self._take("end"):
            raise self._expected("a comma or the end")

    def _matcher(self) -> Matcher:
        name, _ = self._word("a label name")
        op = self._peek()
        if op.lastgroup != "op":
            raise self._expected("`=`, `!=`, `=~` or `!~`")
        self._at = op.end()
        value, token = self._word("a value")
        return checked(Matcher(name, _OPS[op["op"]], value), self._text, token.start, token.end)

    def _word(self, what: str) -> tuple[str, Token]:
        match = self._peek()
        kind = match.lastgroup
        if kind not in ("quoted", "plain"):
            raise self._expected(what)
        self._at = match.end()
        token = Token("string", match[kind], *match.span(kind), "")
        if kind == "plain":
            return match[kind], token
        if "\n" in match[kind]:
            raise _refused(self._text, token.start, token.end, "a line break stands in the quotes")
        return string_value(self._text, token), token

    def _peek(self) -> re.Match[str]:
        match = _TOKEN.match(self._text.value, self._at)
        if match is None:
            raise self._expected("a matcher")
        return match

    def _take(self, kind: str, text: str | None = None) -> bool:
        match = self._peek()
        if match.lastgroup != kind or (text is not None and match[kind] != text):
            return False
        self._at = match.end()
        return True

    def _expected(self, what: str) -> ProblemError:
        return _refused(self._text, self._at, self._at + 1, f"expected {what}")
