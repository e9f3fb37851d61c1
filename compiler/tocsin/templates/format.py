"""Values to text by Go's package fmt: `Sprint`, `Sprintln`, and the verbs and flags of `Sprintf`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tocsin.templates.numbers import float_text
from tocsin.templates.quote import is_printable, quoted, quoted_rune
from tocsin.templates.times import duration_text, time_text
from tocsin.templates.values import (
    AnyMap,
    Byte,
    Data,
    Duration,
    Histogram,
    Sample,
    Samples,
    StringMap,
    Time,
    UnsupportedTemplateError,
    Value,
    fields,
    go_bytes,
    type_name,
    unboxed,
)

LIMIT = 2**20
"""Characters of a text that a template may make."""


def sprint(values: Sequence[Value], text: Callable[[Value], str] = lambda value: shown(value)) -> str:
    """Values one after the other, with a space between two that are both no strings.

    >>> sprint([1, 2, "a", "b", 3.0, 4.5])
    '1 2ab3 4.5'
    """
    parts: list[str] = []
    for index, value in enumerate(values):
        if index and not isinstance(unboxed(value), str) and not isinstance(unboxed(values[index - 1]), str):
            parts.append(" ")
        parts.append(text(value))
    return limited("".join(parts))


def sprintln(values: Sequence[Value]) -> str:
    return limited(" ".join(shown(value) for value in values) + "\n")


def shown(value: Value) -> str:
    """A value as `%v` writes it."""
    return _Directive("v").text(value)


def printed(value: Value) -> str:
    """A value as an action prints it: of a pointer, what it points to."""
    value = unboxed(value)
    if value is None:
        return "<no value>"
    return shown(value).removeprefix("&") if isinstance(value, Sample) else shown(value)


def limited(text: str) -> str:
    """The text itself. Raises UnsupportedTemplateError where it is too long to go on with."""
    if len(text) > LIMIT:
        raise UnsupportedTemplateError(f"it makes a text of more than {LIMIT:,} characters")
    return text


_INDEX = r"\[(?P<{0}>[^\]]*)\]"
_DIRECTIVE = re.compile(
    r"%(?P<flags>[#0+\- ]*)"
    rf"(?:{_INDEX.format('at_width')}(?=\*|[^\d\]]))?(?P<width>\*|\d+)?"
    rf"(?P<point>\.(?:{_INDEX.format('at_precision')}(?=\*))?(?P<precision>\*|\d*))?"
    rf"(?:{_INDEX.format('at_value')})?(?P<verb>.)?",
    re.DOTALL,
)


def sprintf(format: str, values: Sequence[Value]) -> str:
    """`fmt.Sprintf`; what does not fit stands in the text, as Go writes it.

    >>> sprintf("%5.2f%% of %s", [12.345, 7])
    '12.35% of %!s(int=7)'
    """
    arguments = _Arguments(values)
    parts, last = [], 0
    while (start := format.find("%", last)) >= 0:
        match = _DIRECTIVE.match(format, start)
        assert match is not None
        parts += [format[last:start], _directive(match, arguments)]
        last = match.end()
    return limited("".join([*parts, format[last:], arguments.extra()]))


@dataclass(slots=True)
class _Arguments:
    """The values of a format, taken one after the other, or by `[n]`."""

    values: Sequence[Value]
    next: int = 0
    reordered: bool = False
    good: bool = True

    def seek(self, number: str | None) -> None:
        if number is None:
            return
        self.reordered = True
        index = int(number) - 1 if number.isascii() and number.isdecimal() else -1
        if 0 <= index < len(self.values):
            self.next = index
        else:
            self.good = False

    def number(self) -> int | None:
        """The next value, if it can be a width."""
        value = unboxed(self.values[self.next]) if self.next < len(self.values) else None
        self.next += self.next < len(self.values)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 1_000_000:
            return None
        return int(value)

    def extra(self) -> str:
        if self.reordered or self.next >= len(self.values):
            return ""
        rest = (unboxed(value) for value in self.values[self.next :])
        told = ("<nil>" if value is None else f"{type_name(value)}={shown(value)}" for value in rest)
        return f"%!(EXTRA {', '.join(told)})"


def _directive(match: re.Match[str], arguments: _Arguments) -> str:
    """The text of one `%...`."""
    flags = match["flags"]
    minus, problems = "-" in flags, ""
    arguments.good = True
    arguments.seek(match["at_width"])
    width = None
    if match["width"] == "*":
        width = arguments.number()
        problems += "%!(BADWIDTH)" if width is None else ""
        minus, width = minus or (width or 0) < 0, None if width is None else abs(width)
    elif match["width"]:
        width = int(match["width"][:9])
        arguments.good &= match["at_width"] is None
    written, precision = match["precision"] or "", None
    if match["point"] and written != "*":
        precision = int(written[:9] or 0)
    if written == "*":
        arguments.seek(match["at_precision"])
        given = arguments.number()
        precision = given if given is not None and given >= 0 else None
        problems += "%!(BADPREC)" if given is None else ""
    arguments.seek(match["at_value"])
    verb = match["verb"]
    if verb is None:
        return problems + "%!(NOVERB)"
    if verb == "%":
        return problems + "%"
    if not arguments.good:
        return f"{problems}%!{verb}(BADINDEX)"
    if arguments.next >= len(arguments.values):
        return f"{problems}%!{verb}(MISSING)"
    if max(width or 0, precision or 0) > LIMIT:
        raise UnsupportedTemplateError(f"it makes a text of more than {LIMIT:,} characters")
    value = arguments.values[arguments.next]
    arguments.next += 1
    zero = "0" in flags and not minus
    return problems + _Directive(verb, "+" in flags, minus, "#" in flags, " " in flags, zero, width, precision).text(
        value
    )


@dataclass(frozen=True, slots=True)
class _Directive:
    """A verb with its flags."""

    verb: str
    plus: bool = False
    minus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    width: int | None = None
    precision: int | None = None

    def text(self, value: Value) -> str:
        value = unboxed(value)
        if value is None:
            return self.padded("<nil>") if self.verb in "Tv" else f"%!{self.verb}(<nil>)"
        if self.verb == "T":
            return replace(self, verb="s").string(type_name(value))
        if self.verb == "p":
            raise UnsupportedTemplateError("it prints an address in memory")
        if self.verb == "v" and (self.plus or self.sharp):
            return _Syntax(self).of(value, 0)
        return self.of(value, 0)

    def of(self, value: Value, depth: int) -> str:
        """The text of a value that stands in `depth` others."""
        value = unboxed(value)
        match value:
            case None:
                return "<nil>" if self.verb == "v" else f"%!{self.verb}(<nil>)"
            case Time():
                return self.described(value, time_text(value))
            case Duration():
                return self.described(value, duration_text(value))
            case Histogram():
                return self.described(value, value.text)
            case bool():
                return self.padded("true" if value else "false") if self.verb in "tv" else self.bad(value)
            case int():
                return self.integer(value)
            case float():
                return self.floating(value)
            case str():
                return self.string(value)
            case StringMap() | AnyMap():
                pairs = (f"{self.of(key, depth + 1)}:{self.of(value[key], depth + 1)}" for key in sorted_keys(value))
                return f"map[{' '.join(pairs)}]"
            case Samples():
                return f"[{' '.join(self.of(sample, depth + 1) for sample in value)}]"
            case Sample() if depth and self.verb not in "vbodxX":
                return self.bad(value)
            case Sample() if depth:
                raise UnsupportedTemplateError("it prints an address in memory")
        inner = " ".join(self.of(part, depth + 1) for part in fields(value).values())
        return f"&{{{inner}}}" if isinstance(value, Sample) else f"{{{inner}}}"

    def described(self, value: Value, text: str) -> str:
        """The text of a value that has a method `String`."""
        if self.verb in "vsxXq":
            return self.string(text)
        raise UnsupportedTemplateError(f"it prints a {type_name(value)} with `%{self.verb}`")

    def bad(self, value: Value) -> str:
        return f"%!{self.verb}({type_name(value)}={replace(self, verb='v').of(value, 0)})"

    def padded(self, text: str) -> str:
        if self.width is None:
            return text
        if self.minus:
            return text.ljust(self.width)
        return text.rjust(self.width, "0" if self.zero else " ")

    def string(self, text: str) -> str:
        if self.verb in "vs":
            return self.padded(self.cut(text))
        if self.verb == "q":
            plain = self.cut(text)
            backquoted = self.sharp and "`" not in plain and all(is_printable(c) or c == "\t" for c in plain)
            return self.padded(f"`{plain}`" if backquoted else quoted(plain, ascii_only=self.plus))
        if self.verb in "xX":
            return self.hexadecimal(go_bytes(text)[: self.precision])
        return self.bad_string(text)

    def bad_string(self, text: str) -> str:
        return f"%!{self.verb}({type_name(text)}={self.padded(self.cut(text))})"

    def cut(self, text: str) -> str:
        return text if self.precision is None else text[: self.precision]

    def hexadecimal(self, data: bytes) -> str:
        prefix = f"0{self.verb}" if self.sharp and data else ""
        separator = f" {prefix}" if self.space else ""
        return self.padded(prefix + separator.join(f"{byte:02{self.verb}}" for byte in data))

    def integer(self, value: int) -> str:
        """`fmtInteger`: digits, then the sign and the base before them, then padding."""
        bases = {"v": "d", "d": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
        if self.verb in "cqU":
            return self.rune(value)
        if self.verb not in bases:
            return self.bad(value)
        if self.precision == 0 and value == 0:
            return " " * (self.width or 0)
        sign = "-" if value < 0 else "+" if self.plus else " " if self.space else ""
        wanted = self.precision or 0
        if self.zero and self.width is not None and self.precision is None:
            wanted = self.width - len(sign)
        digits = f"{abs(int(value)):{bases[self.verb]}}".rjust(wanted, "0")
        if self.sharp:
            prefix = {"b": "0b", "o": "" if digits.startswith("0") else "0", "x": "0x", "X": "0X"}.get(self.verb, "")
            digits = prefix + digits
        return replace(self, zero=False).padded(sign + ("0o" if self.verb == "O" else "") + digits)

    def rune(self, value: int) -> str:
        valid = 0 <= value < 0xD800 or 0xE000 <= value <= 0x10FFFF
        if self.verb == "c":
            return self.padded(chr(value) if valid else "�")
        if self.verb == "q":
            return self.padded(quoted_rune(value, ascii_only=self.plus))
        digits = f"{value if value >= 0 else value + 2**64:0{max(4, self.precision or 4)}X}"
        named = f" '{chr(value)}'" if self.sharp and valid and is_printable(chr(value)) else ""
        return replace(self, zero=False).padded(f"U+{digits}{named}")

    def floating(self, value: float) -> str:
        """`fmtFloat`; the shortest digits where the verb is `v` or `g` and no precision is given."""
        verbs = {"v": "g", "F": "f", **{verb: verb for verb in "eEfgG"}}
        if self.verb in "bxX":
            raise UnsupportedTemplateError(f"it prints a float64 with `%{self.verb}`")
        if self.verb not in verbs:
            return self.bad(value)
        verb = verbs[self.verb]
        precision = self.precision if self.precision is not None else None if verb in "gG" else 6
        if self.sharp and value - value == 0:
            text = f"%#.{6 if precision is None else precision}{verb}" % value
        else:
            text = float_text(value, verb, precision)
        sign, number = (text[0], text[1:]) if text[0] in "+-" else ("", text)
        sign = "-" if sign == "-" else "+" if self.plus else " " if self.space else ""
        if value == float("inf"):
            sign = sign or "+"
        finite = value - value == 0
        if self.zero and finite and sign and self.width is not None:
            return sign + number.rjust(self.width - 1, "0")
        return replace(self, zero=self.zero and finite).padded(sign + number)


def sorted_keys(value: Mapping[str, Value]) -> list[str]:
    """The keys of a map in the order in which Go prints and ranges over them."""
    return sorted(value, key=go_bytes)


@dataclass(frozen=True, slots=True)
class _Syntax:
    """`%+v`, with the names of fields, and `%#v`, as Go's source would have it."""

    directive: _Directive

    def of(self, value: Value, depth: int) -> str:
        value = unboxed(value)
        sharp, plain = self.directive.sharp, replace(self.directive, sharp=False, plus=False)
        if sharp and isinstance(value, Time | Duration | Histogram):
            raise UnsupportedTemplateError(f"it prints a {type_name(value)} with `%#v`")
        if isinstance(value, Sample) and depth:
            raise UnsupportedTemplateError("it prints an address in memory")
        match value:
            case None if sharp:
                return "interface {}(nil)" if depth else "<nil>"
            case StringMap() | AnyMap() if sharp:
                pairs = (f"{self.of(key, depth + 1)}:{self.of(value[key], depth + 1)}" for key in sorted_keys(value))
                return f"{type_name(value)}{{{', '.join(pairs)}}}"
            case Samples():
                parts = [self.of(sample, depth + 1) for sample in value]
                return f"{type_name(value)}{{{', '.join(parts)}}}" if sharp else f"[{' '.join(parts)}]"
            case Sample() | Data():
                parts = [f"{name}:{self.of(part, depth + 1)}" for name, part in fields(value).items()]
                name = type_name(value).lstrip("*") if sharp else ""
                pointer = "&" if isinstance(value, Sample) else ""
                return f"{pointer}{name}{{{(', ' if sharp else ' ').join(parts)}}}"
            case str() if sharp:
                return replace(plain, verb="q").string(value)
            case Byte() if sharp:
                return f"0x{int(value):x}"
            case bool() | str() | Time() | Histogram() | Duration():
                return plain.of(value, depth)
            case int() | float():
                return replace(plain, plus=False).of(value, depth)
        return plain.of(value, depth)
