"""How many samples a second are read from TSDB blocks and Parquet in the page cache, beside `promtool tsdb dump`."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tests.bench.clock import least
from tests.bench.load import fleet, together, write_parquet

from tocsin.series import Series
from tocsin.sources.arrow.recording import ParquetRecording
from tocsin.sources.open import open_recording
from tocsin.sources.tsdb.write import write_blocks


def run(count: int, days: int) -> bool:
    """Whether everybody reads the same samples: `count` series of each of three metrics over some days."""
    with tempfile.TemporaryDirectory() as root:
        folder, file = Path(root, "data"), Path(root, "recording.parquet")
        metrics = list(fleet(count, days))
        series = together(metrics)
        write_blocks(series, str(folder))
        (folder / "wal").mkdir()  # promtool 2.42 prints nothing without
        write_parquet(metrics, file)
        samples = len(series.times)
        print(f"{samples / 1e6:.1f} million samples of {len(series.labels)} series, {days} days every 15 s")
        sizes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()), file.stat().st_size
        readers: dict[str, Callable[[], Series]] = {
            "TSDB blocks": lambda: open_recording(str(folder)).read((), 0, 1 << 60),
            "Parquet": lambda: ParquetRecording.open(str(file), keep=0).read((), 0, 1 << 60),
        }
        agreed, taken = True, {}
        for (name, read), size in zip(readers.items(), sizes, strict=True):
            agreed &= _same(read(), series)  # also warms the page cache and the kernels
            taken[name] = least(read, 5)
            speed, bits = samples / taken[name] / 1e6, size / samples
            print(f"{name:<20}{taken[name]:8.3f} s {speed:8.1f} million samples a second, {bits:.2f} bytes each")
        dumped = _dump(folder)
        print(f"{'promtool tsdb dump':<20}{dumped:8.3f} s {samples / dumped / 1e6:8.1f} million samples a second")
        print(f"TSDB blocks are read {dumped / taken['TSDB blocks']:.0f} times as fast as they are dumped", flush=True)
        return agreed


def _same(one: Series, other: Series) -> bool:
    columns = ((one.offsets, other.offsets), (one.times, other.times), (one.values.view("u8"), other.values.view("u8")))
    return one.labels == other.labels and all(np.array_equal(ours, theirs) for ours, theirs in columns)


def _dump(folder: Path) -> float:
    start = time.perf_counter()
    subprocess.run(["promtool", "tsdb", "dump", str(folder)], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
