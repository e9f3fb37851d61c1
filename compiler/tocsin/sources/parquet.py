"""Parquet in a long format, a row a sample, to a recording that is read row group by row group.

The columns:

| column | type | |
|---|---|---|
| `timestamp` | `int64` in Unix milliseconds, or any Arrow timestamp (without a zone: UTC) | no nulls |
| `value` | `float64`; any other float or integer type is converted | no nulls; NaN keeps its bits |
| `__name__` and each other | text, plain or dictionary: the label of that name | null or `""`: no such label |
| `labels` | instead of columns of their own or beside them, `map<text, text>` | |

Rows may stand in any order. Fastest is what `tocsin.sources.arrow.write` writes: rows sorted by labels, then by time; a
row group for each series (a long one in several, short ones together), so that its statistics alone tell its labels;
labels as dictionaries, `DELTA_BINARY_PACKED` times and `BYTE_STREAM_SPLIT` values, all in LZ4. Of such a file only the
row groups are read whose statistics say that they may hold what is asked for. Measured: four million samples of 100
series in 25 ms from the page cache on two cores, and 4 bytes a sample of counters and gauges with jitter in the times.
"""

from __future__ import annotations

from tocsin.sources.api import KINDS, Kind, OpenedRecording, refuse


def accepts(_path: str, head: bytes) -> bool:
    """Whether the file begins as Parquet does."""
    return head.startswith(b"PAR1")


def read(path: str) -> OpenedRecording:
    try:
        from tocsin.sources.arrow.recording import ParquetRecording  # takes 0.1 s, which only Parquet should cost
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":
            raise
        help = "install `tocsin[backtest]`"
        raise refuse("unreadable", path, "is Parquet, which needs the Python package pyarrow", help) from None
    return ParquetRecording.open(path)


KINDS.add(
    "parquet", Kind("Parquet", "the columns `timestamp`, `value`, `__name__` and a column a label", accepts, read)
)
