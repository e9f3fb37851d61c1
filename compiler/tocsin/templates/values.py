"""What Go's types are in Python, for the values that a template of Prometheus can meet.

`str`, `bool`, `int`, `float` stand for themselves (bytes that are no UTF-8 are lone surrogates in a `str`), None for
an invalid value or a nil pointer; the other types are below.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Value: TypeAlias = Any
"""Any of the types here; what Go knows at compile time, a template asks at run time."""


class TemplateError(Exception):
    """A template that fails when it is expanded; the message is Go's."""


class UnsupportedTemplateError(Exception):
    """A template that does what is not supported here, so that its text is not known."""


class CallError(Exception):
    """A function of a template returned an error, or panicked; the message is Go's."""


class Byte(int):
    """`uint8`: a byte of a string."""


class Html(str):
    """`template.HTML`."""


@dataclass(frozen=True, slots=True, eq=False)
class Duration:
    """`*time.Duration`."""

    nanoseconds: int


@dataclass(frozen=True, slots=True, eq=False)
class Time:
    """`*time.Time`, in nanoseconds since 1970; like all pointers, it equals only itself."""

    nanoseconds: int


class StringMap(dict[str, str]):
    """`map[string]string`."""


class AnyMap(dict[str, Value]):
    """`map[string]interface {}`."""


@dataclass(frozen=True, slots=True)
class Boxed:
    """A value that Go knows as `interface {}` only, as it does elements of an AnyMap."""

    value: Value


@dataclass(frozen=True, slots=True)
class Histogram:
    """`*histogram.FloatHistogram`, of which templates can take the text."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """`*template.sample`: one element of the result of a query."""

    labels: Mapping[str, str]
    value: float | Histogram


class Samples(tuple[Sample, ...]):
    """`template.queryResult`."""


@dataclass(frozen=True, slots=True)
class Data:
    """What a template of an alert is about; `value` is that of the alert's expression.

    `boxed` is whether Go knows the value as `interface {}` (Prometheus 3) or as `float64` (2.42).
    """

    labels: Mapping[str, str]
    value: float | Histogram
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""
    boxed: bool = True


def fields(value: Value) -> dict[str, Value]:
    """The fields of a struct, or of what a pointer points to; empty for what has none."""
    if isinstance(value, Sample):
        return {"Labels": StringMap(value.labels), "Value": value.value}
    if isinstance(value, Data):
        return {
            "Labels": StringMap(value.labels),
            "ExternalLabels": StringMap(value.external_labels),
            "ExternalURL": value.external_url,
            "Value": Boxed(value.value) if value.boxed else value.value,
        }
    return {}


_NAMES: Iterable[tuple[type, str]] = (
    (bool, "bool"),
    (Byte, "uint8"),
    (int, "int"),
    (float, "float64"),
    (Html, "template.HTML"),
    (str, "string"),
    (StringMap, "map[string]string"),
    (AnyMap, "map[string]interface {}"),
    (Sample, "*template.sample"),
    (Samples, "template.queryResult"),
    (Time, "*time.Time"),
    (Duration, "*time.Duration"),
    (Histogram, "*histogram.FloatHistogram"),
    (Boxed, "interface {}"),
)


def type_name(value: Value) -> str:
    """The name of a value's type, as Go's `%T` prints it."""
    if isinstance(value, Data):
        of = "interface {}" if value.boxed else "float64"
        maps = "Labels map[string]string; ExternalLabels map[string]string"
        return f"struct {{ {maps}; ExternalURL string; Value {of} }}"
    return next(name for kind, name in _NAMES if isinstance(value, kind))


def unboxed(value: Value) -> Value:
    return value.value if isinstance(value, Boxed) else value


def is_true(value: Value) -> bool:
    """Whether a value is not the zero of its type; structs and what pointers point to always are."""
    value = unboxed(value)
    if isinstance(value, Sample | Data | Time | Duration | Histogram):
        return True
    return bool(value)


def go_bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def go_string(data: bytes) -> str:
    return data.decode(errors="surrogateescape")
