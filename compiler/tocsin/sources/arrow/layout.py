"""The schema of a file to which of its columns are the time, the value and the labels."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import types

from tocsin.labels import NAME
from tocsin.sources.api import refuse

TIME, VALUE, MAP = "timestamp", "value", "labels"

_LABELS = "text columns of labels, `__name__` among them"

_MILLISECOND = {"milliseconds": (1, 1), "microseconds": (1, 1_000), "nanoseconds": (1, 1_000_000)}


@dataclass(frozen=True, slots=True)
class Layout:
    """`labels` are the columns of labels, sorted; `mapped` whether there is a map of labels too.

    `leaves` are the numbers of the columns of the file by name; `scale` (times, by) makes its raw times milliseconds.
    """

    labels: tuple[str, ...]
    mapped: bool
    leaves: dict[str, int]
    scale: tuple[int, int]

    def milliseconds(self, raw: int) -> int:
        """A raw time of the file; what is finer than a millisecond is cut off."""
        times, by = self.scale
        return raw * times // by if raw >= 0 else -(-raw * times // by)


def layout_of(path: str, schema: pa.Schema, columns: pa.ParquetSchema) -> Layout:
    """The layout of a file; raises ProblemError where columns are missing or have another type."""
    labels, mapped = label_columns(path, schema, (TIME, VALUE))
    check_type(path, schema, TIME, is_time(schema.field(TIME).type), "`int64` milliseconds or a timestamp")
    check_type(path, schema, VALUE, is_number(schema.field(VALUE).type), "a float or an integer")
    leaves = {columns.column(leaf).path: leaf for leaf in range(len(columns))}
    unit = json.loads(columns.column(leaves[TIME]).logical_type.to_json()).get("timeUnit", "milliseconds")
    return Layout(labels, mapped, leaves, _MILLISECOND[unit])


def label_columns(path: str, schema: pa.Schema, samples: tuple[str, str]) -> tuple[tuple[str, ...], bool]:
    """The columns of labels, sorted, beside those of the samples, and whether there is a map of labels too."""
    names = schema.names
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise refuse("not-a-recording", path, f"the column `{twice}` is there twice")
    for name in samples:
        if name not in names:
            expected = f"expected are `{samples[0]}`, `{samples[1]}`, and {_LABELS}; the file has {_listed(names)}"
            raise refuse("not-a-recording", path, f"no column `{name}`", expected)
    mapped = MAP in names and types.is_map(schema.field(MAP).type)
    if mapped:
        entry = schema.field(MAP).type
        check_type(path, schema, MAP, _is_text(entry.key_type) and _is_text(entry.item_type), "`map<text, text>`")
    labels = tuple(sorted(name for name in names if name not in samples and not (mapped and name == MAP)))
    for name in labels:
        check_type(path, schema, name, _is_text(schema.field(name).type), "text, as labels are")
    if NAME not in names and not mapped:
        raise refuse("not-a-recording", path, f"no column `{NAME}`", "name the metric of each row in it")
    return labels, mapped


def check_type(path: str, schema: pa.Schema, name: str, right: bool, expected: str) -> None:
    if not right:
        message = f"the column `{name}` is {schema.field(name).type}, expected {expected}"
        raise refuse("not-a-recording", path, message, f"beside the samples there are {_LABELS}")


def is_time(kind: pa.DataType) -> bool:
    return bool(types.is_int64(kind) or types.is_timestamp(kind))


def is_number(kind: pa.DataType) -> bool:
    return bool(types.is_floating(kind) or types.is_integer(kind))


def _is_text(kind: pa.DataType) -> bool:
    if types.is_dictionary(kind):
        kind = kind.value_type
    texts = (types.is_string, types.is_large_string, types.is_string_view, types.is_null)
    return any(test(kind) for test in texts)


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:10])
    return shown + (f" and {len(names) - 10} more" if len(names) > 10 else "")
