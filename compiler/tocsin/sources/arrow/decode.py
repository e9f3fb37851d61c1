"""Row groups of a Parquet file to series, each series once and in the order of its times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tocsin.diagnostics import Problem, Severity
from tocsin.labels import NAME, Labels, format_labels, from_mapping
from tocsin.series import Series, Times, Values
from tocsin.sources.api import refuse
from tocsin.sources.arrow.groups import Group
from tocsin.sources.arrow.layout import MAP, TIME, VALUE, Layout
from tocsin.sources.memory import Columns, sort

Codes = npt.NDArray[np.int64]
Read = Callable[[Sequence[Group], Sequence[str]], pa.Table]


@dataclass(frozen=True, slots=True)
class Decoded:
    """The series of a row group, in any order, and what is odd about them but can be lived with."""

    series: Series
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Texts:
    """A label of N rows: row i has the text `texts[codes[i]]`."""

    label: str
    codes: Codes
    texts: Sequence[str]


def decode(path: str, layout: Layout, read: Read, groups: Sequence[Group]) -> list[Decoded]:
    """The samples of row groups, decoded together; the arrays of all share their memory."""
    table = read(groups, (TIME, VALUE))
    times, values = times_of(path, table, groups[0]), _values_of(path, table, groups[0])
    found, first = [], 0
    for group in groups:
        rows = slice(first, first + group.rows)
        found.append(_decode(path, layout, read, group, times[rows], values[rows]))
        first += group.rows
    return found


def times_of(path: str, table: pa.Table, first: Group) -> Times:
    """int64[N] milliseconds."""
    column = _without_nulls(path, table, TIME, first)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ms", column.type.tz), safe=False).cast(pa.int64())
    times: Times = column.to_numpy()
    return times


def _values_of(path: str, table: pa.Table, first: Group) -> Values:
    values: Values = _without_nulls(path, table, VALUE, first).cast(pa.float64(), safe=False).to_numpy()
    return values


def _without_nulls(path: str, table: pa.Table, name: str, first: Group) -> pa.ChunkedArray:
    column = table.column(name)
    if column.null_count:
        row = first.before + int(np.argmax(column.is_null().to_numpy())) + 1
        raise refuse("bad-sample", path, f"the column `{name}` is null in row {row:,}", "leave such rows out")
    return column


def _decode(path: str, layout: Layout, read: Read, group: Group, times: Times, values: Values) -> Decoded:
    fixed = {label: group.constant(label) for label in layout.labels}
    common = {label: text for label, text in fixed.items() if text}
    varying = [label for label, text in fixed.items() if text is None]
    if not varying and not layout.mapped:
        starts, owner, labels = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64), [from_mapping(common)]
    else:
        table = read([group], [*varying, *([MAP] if layout.mapped else [])])
        texts = [_texts(path, label, table.column(label)) for label in varying]
        if layout.mapped:
            texts += _map_texts(path, group, table.column(MAP), {*common, *varying})
        starts, owner, labels = _runs(texts, common, group.rows)
    nameless = next(
        (index for index, one in enumerate(labels) if not one or all(pair[0] != NAME for pair in one)), None
    )
    if nameless is not None:
        row = group.before + int(starts[np.argmax(owner == nameless)]) + 1
        raise refuse("bad-sample", path, f"no metric name in column `{NAME}` in row {row:,}")
    return _ordered(path, starts, owner, labels, times, values)


def _ordered(path: str, starts: Codes, owner: Codes, labels: Sequence[Labels], times: Times, values: Values) -> Decoded:
    """Runs of rows as series: as they stand where each series is one run in the order of time, else sorted."""
    rising = times[1:] > times[:-1]
    rising[starts[1:] - 1] = True
    if len(labels) == len(owner) and rising.all():
        return Decoded(Series(tuple(labels[index] for index in owner), np.append(starts, len(times)), times, values))
    rows = np.repeat(owner, np.diff(np.append(starts, len(times))))
    return settle(path, labels, rows, times, values)


def settle(path: str, labels: Sequence[Labels], owner: Codes, times: Times, values: Values) -> Decoded:
    """Rows in any order as series. Of several samples of a series at one time the first is kept, and a warning tells.

    Row i is a sample of `labels[owner[i]]`.
    """
    order = np.argsort(times, kind="stable")
    result = sort(Columns(labels, owner[order], times[order], values[order], order))
    problems = []
    for found, what in ((result.contradicting, "another value"), (result.repeated, "the same value again")):
        if found is not None:
            one = f"`{format_labels(labels[owner[found.line]])}` at {times[found.line] / 1000:.3f}"
            message = f"{one} has {what}: the first in the file is kept, {found.count:,} dropped"
            problems.append(replace(refuse("out-of-order", path, message).problem, severity=Severity.WARNING))
    return Decoded(result.series, tuple(problems))


def _texts(path: str, label: str, column: pa.ChunkedArray) -> _Texts:
    """A column of text as codes; both a null and a code of null are the code of `""`."""
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    array = column.unify_dictionaries().combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # without rows, or too large for one array of the type
        array = pa.concat_arrays(array.chunks)
    texts = [*_strings(path, label, array.dictionary), ""]
    array.validate(full=True)  # a damaged file may have codes beyond its dictionary
    codes = array.indices.cast(pa.int64()).fill_null(len(texts) - 1).to_numpy()
    return _Texts(label, codes, texts)


def _strings(path: str, label: str, array: pa.Array) -> list[str]:
    try:
        return [text or "" for text in array.to_pylist()]
    except UnicodeDecodeError:
        raise refuse("bad-sample", path, f"the column `{label}` holds text that is not UTF-8") from None


def _map_texts(path: str, group: Group, column: pa.ChunkedArray, taken: set[str]) -> list[_Texts]:
    """A column of maps as one column for each of the keys in it."""
    array = column.combine_chunks()
    edges = array.offsets.to_numpy()
    row_of = np.repeat(np.arange(group.rows), np.diff(edges))
    entries = (part.slice(edges[0], edges[-1] - edges[0]) for part in (array.keys, array.items))
    keys, items = (_texts(path, MAP, pa.chunked_array([part])) for part in entries)
    found = []
    for code, key in enumerate(keys.texts):
        at = keys.codes == code
        rows = row_of[at]
        if not len(rows):
            continue
        if (again := rows[1:] == rows[:-1]).any() or key in taken:
            row = group.before + int(rows[1:][again][0] if again.any() else rows[0]) + 1
            raise refuse("bad-sample", path, f"the label `{key}` is given twice in row {row:,}")
        codes = np.full(group.rows, len(items.texts) - 1, dtype=np.int64)
        codes[rows] = items.codes[at]
        found.append(_Texts(key, codes, items.texts))
    return found


def _runs(columns: Sequence[_Texts], common: dict[str, str], rows: int) -> tuple[Codes, Codes, list[Labels]]:
    """The first rows of runs of equal labels, which labels each run has, and the distinct labels.

    Only the runs and the distinct labels are looked at in Python or sorted, not the rows.
    """
    changed = np.zeros(rows, dtype=np.bool_)
    changed[0] = True
    for column in columns:
        changed[1:] |= column.codes[1:] != column.codes[:-1]
    starts = np.flatnonzero(changed)
    key, size = np.zeros(len(starts), dtype=np.int64), 1
    for column in columns:
        if size * len(column.texts) >= 1 << 62:
            kinds, key = np.unique(key, return_inverse=True)
            size = len(kinds)
        key, size = key * len(column.texts) + column.codes[starts], size * len(column.texts)
    _, examples, kind = np.unique(key, return_index=True, return_inverse=True)
    indices: dict[Labels, int] = {}
    index_of = []
    for row in starts[examples]:
        own = {column.label: column.texts[column.codes[row]] for column in columns}
        index_of.append(indices.setdefault(from_mapping(common | own), len(indices)))
    return starts, np.array(index_of, dtype=np.int64)[kind], list(indices)
