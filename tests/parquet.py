"""Small Parquet files, and recordings as bits to compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.labels import Labels
from tocsin.promql.ast import Matcher
from tocsin.series import Series
from tocsin.sources.api import OpenedRecording

EVERYTHING = (Matcher("__name__", "=~", ".*"),)

Bits = dict[Labels, list[tuple[int, int]]]
"""Samples as time and the bits of the value."""


def bits(series: Series) -> Bits:
    words = series.values.view(np.uint64)
    return {
        labels: list(zip(series.times[low:high].tolist(), words[low:high].tolist(), strict=True))
        for labels, low, high in zip(series.labels, series.offsets[:-1], series.offsets[1:], strict=True)
    }


def everything(recording: OpenedRecording) -> Series:
    return recording.read(EVERYTHING, *recording.extent)


UP: dict[str, Any] = {"__name__": ["up", "up"], "timestamp": [1000, 2000], "value": [1.0, 0.0]}


def write_columns(path: Path, **columns: Any) -> str:
    pq.write_table(pa.table({**UP, **columns}), path)
    return str(path)
