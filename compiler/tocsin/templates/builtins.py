"""The functions that Go's text/template brings along (text/template/funcs.go)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias
from urllib.parse import quote_plus

from tocsin.templates.format import limited, printed, sprint, sprintf, sprintln
from tocsin.templates.quote import is_printable
from tocsin.templates.values import (
    AnyMap,
    Boxed,
    Byte,
    CallError,
    Data,
    Samples,
    StringMap,
    Value,
    go_bytes,
    go_string,
    is_true,
    type_name,
    unboxed,
)

Type: TypeAlias = Literal["string", "interface {}", "reflect.Value", "*template.sample", "template.queryResult"]
ANY: Type = "interface {}"
VALUE: Type = "reflect.Value"


@dataclass(frozen=True, slots=True)
class Function:
    """A function with the types that Go checks its arguments against; `rest` is that of any number of further ones."""

    run: Callable[..., Value]
    takes: tuple[Type, ...] = ()
    rest: Type | None = None


def _call(function: Value, *_: Value) -> Value:
    function = unboxed(function)
    raise CallError("call of nil" if function is None else f"non-function of type {type_name(function)}")


def _index_of(index: Value, length: int) -> int:
    """An index up to a length. Raises CallError."""
    index = unboxed(index)
    if index is None:
        raise CallError("cannot index slice/array with nil")
    if not isinstance(index, int) or isinstance(index, bool):
        raise CallError(f"cannot index slice/array with type {type_name(index)}")
    if not 0 <= index <= length:
        raise CallError(f"index out of range: {int(index)}")
    return int(index)


def _index(item: Value, *indices: Value) -> Value:
    item = unboxed(item)
    if item is None:
        raise CallError("index of untyped nil")
    for index in indices:
        item = _element(unboxed(item), unboxed(index))
    return item


def _element(item: Value, index: Value) -> Value:
    if item is None:
        raise CallError("index of nil pointer")
    if isinstance(item, StringMap | AnyMap):
        if index is None:
            raise CallError("value is nil; should be of type string")
        if type_name(index) != "string":
            raise CallError(f"value has type {type_name(index)}; should be string")
        return item.get(index, "") if isinstance(item, StringMap) else Boxed(item.get(index))
    if isinstance(item, str):
        data = go_bytes(item)
        place = _index_of(index, len(data))
        if place == len(data):
            raise CallError("reflect: string index out of range")
        return Byte(data[place])
    if isinstance(item, Samples):
        place = _index_of(index, len(item))
        if place == len(item):
            raise CallError("reflect: slice index out of range")
        return item[place]
    raise CallError(f"can't index item of type {_pointed(item)}")


def _pointed(value: Value) -> str:
    """The name of a type, of pointers that of what they point to."""
    return type_name(value).removeprefix("*")


def _slice(item: Value, *indices: Value) -> Value:
    item = unboxed(item)
    if item is None:
        raise CallError("slice of untyped nil")
    if len(indices) > 3:
        raise CallError(f"too many slice indexes: {len(indices)}")
    if isinstance(item, str):
        if len(indices) == 3:
            raise CallError("cannot 3-index slice a string")
    elif not isinstance(item, Samples):
        raise CallError(f"can't slice item of type {type_name(item)}")
    whole = go_bytes(item) if isinstance(item, str) else item
    edges = [0, len(whole), len(whole)]
    for place, index in enumerate(indices):
        edges[place] = _index_of(index, len(whole))
    for low, high in pairwise(edges[: max(len(indices), 2)]):
        if low > high:
            raise CallError(f"invalid slice index: {low} > {high}")
    part = whole[edges[0] : edges[1]]
    return go_string(part) if isinstance(part, bytes) else Samples(part)


def _length(item: Value) -> int:
    item = unboxed(item)
    if item is None:
        raise CallError("reflect: call of reflect.Value.Type on zero Value")
    if isinstance(item, str):
        return len(go_bytes(item))
    if isinstance(item, StringMap | AnyMap | Samples):
        return len(item)
    raise CallError(f"len of type {_pointed(item)}")


def _kind(value: Value) -> str:
    """What a value counts as in comparisons, empty for what is no basic type."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, Byte):
        return "uint"
    for kind, name in ((int, "int"), (float, "float"), (str, "string")):
        if type(value) is kind or (kind is str and isinstance(value, str)):
            return name
    return ""


_WHOLE = {"int", "uint"}
_MAPS = (StringMap, AnyMap)
_INCOMPARABLE = (*_MAPS, Samples, Data)


def _eq(first: Value, *others: Value) -> bool:
    first = unboxed(first)
    if not others:
        raise CallError("missing argument for comparison")
    return any(_equal(first, unboxed(other)) for other in others)


def _equal(first: Value, other: Value) -> bool:
    kinds = {_kind(first), _kind(other)}
    if len(kinds) == 2 and not kinds <= _WHOLE:
        if first is not None and other is not None:
            raise CallError("incompatible types for comparison")
        return False
    if kinds != {""}:
        return bool(first == other)
    if first is None or other is None:
        return first is other
    if isinstance(first, _INCOMPARABLE) or isinstance(other, _INCOMPARABLE):
        one, two = type_name(first), type_name(other)
        if one != two and not (isinstance(first, _MAPS) and isinstance(other, _MAPS)):
            raise CallError(sprintf("non-comparable types %s: %s, %s: %v", [first, one, two, other]))
        raise CallError(sprintf("non-comparable type %s: %s", [other, two]))
    return type(first) is type(other) and bool(first == other)


def _ne(first: Value, other: Value) -> bool:
    return not _eq(first, other)


def _lt(first: Value, other: Value) -> bool:
    first, other = unboxed(first), unboxed(other)
    one, two = _kind(first), _kind(other)
    if not one or not two:
        raise CallError("invalid type for comparison")
    if one != two and not {one, two} <= _WHOLE:
        raise CallError("incompatible types for comparison")
    if one == "bool":
        raise CallError("invalid type for comparison")
    return bool(go_bytes(first) < go_bytes(other) if one == "string" else first < other)


def _le(first: Value, other: Value) -> bool:
    return _lt(first, other) or _eq(first, other)


def _gt(first: Value, other: Value) -> bool:
    return not _le(first, other)


def _ge(first: Value, other: Value) -> bool:
    return not _lt(first, other)


def _plain(values: tuple[Value, ...]) -> str:
    """What escapers print of values."""
    return sprint(["<no value>" if unboxed(value) is None else value for value in values], printed)


_HTML = str.maketrans({"\0": "�", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"})


def _html(*values: Value) -> str:
    return limited(_plain(values).translate(_HTML))


_JS = {"\\": "\\\\", "'": "\\'", '"': '\\"'}


def _js(*values: Value) -> str:
    return limited("".join(_js_escaped(char) for char in _plain(values)))


def _js_escaped(char: str) -> str:
    if char in _JS:
        return _JS[char]
    if char in "<>&=" or char < " " or not (char.isascii() or is_printable(char)):
        return f"\\u{ord(char):04X}"
    return char


def query_escape(text: str) -> str:
    """`url.QueryEscape`."""
    return limited(quote_plus(text, errors="surrogateescape"))


def _urlquery(*values: Value) -> str:
    return query_escape(_plain(values))


BUILTINS = {
    "and": Function(lambda *_: None, (VALUE,), VALUE),  # evaluates its arguments itself, as `or` does
    "or": Function(lambda *_: None, (VALUE,), VALUE),
    "call": Function(_call, (VALUE,), VALUE),
    "eq": Function(_eq, (VALUE,), VALUE),
    "ge": Function(_ge, (VALUE, VALUE)),
    "gt": Function(_gt, (VALUE, VALUE)),
    "html": Function(_html, (), ANY),
    "index": Function(_index, (VALUE,), VALUE),
    "js": Function(_js, (), ANY),
    "le": Function(_le, (VALUE, VALUE)),
    "len": Function(_length, (VALUE,)),
    "lt": Function(_lt, (VALUE, VALUE)),
    "ne": Function(_ne, (VALUE, VALUE)),
    "not": Function(lambda value: not is_true(value), (VALUE,)),
    "print": Function(lambda *values: sprint(values), (), ANY),
    "printf": Function(lambda format, *values: sprintf(format, values), ("string",), ANY),
    "println": Function(lambda *values: sprintln(values), (), ANY),
    "slice": Function(_slice, (VALUE,), VALUE),
    "urlquery": Function(_urlquery, (), ANY),
}
