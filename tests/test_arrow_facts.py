"""What the writer of an Arrow file tells of its samples: true, left behind by a copy, and no way to a crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tocsin.diagnostics import ProblemError
from tocsin.promql.ast import Matcher
from tocsin.series import STALE, Offsets, Series
from tocsin.sources.arrow import mapped_recording
from tocsin.sources.arrow.facts import Facts
from tocsin.sources.arrow.mapped_recording import MappedRecording
from tocsin.sources.arrow.write_rows import write_arrow

UP = Matcher("__name__", "=", "up")


def series(times: list[int], values: list[float]) -> Series:
    return Series(((("__name__", "up"),),), np.array([0, len(times)]), np.array(times), np.array(values))


def told(path: Path) -> list[Facts]:
    with pa.ipc.open_file(str(path)) as file:
        numbers = range(file.num_record_batches)
        return [Facts.told(file.get_batch_with_custom_metadata(number)[1]) for number in numbers]


@pytest.mark.parametrize(
    ("times", "values", "facts"),
    [
        ([1, 2, 3], [1.0, np.nan, 3.0], Facts(rising=True, fresh=True)),
        ([1, 2, 3], [1.0, STALE, 3.0], Facts(rising=True, fresh=False)),
        ([1, 3, 2], [1.0, 2.0, 3.0], Facts(rising=False, fresh=True)),
        ([1, 2, 2], [1.0, 2.0, STALE], Facts()),
    ],
)
def test_what_is_told_is_so(tmp_path: Path, times: list[int], values: list[float], facts: Facts) -> None:
    write_arrow([series(times, values)], str(tmp_path / "r"))
    assert told(tmp_path / "r") == [facts]
    assert Facts.told(facts.metadata) == facts


def test_what_is_told_is_not_looked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def look(_series: Series, rows: Offsets) -> Offsets:
        looked.extend(rows.tolist())
        return np.full(len(rows), -1)

    monkeypatch.setattr(mapped_recording, "first_falls", look)
    write_arrow([series([1, 2], [1.0, 2.0])], str(tmp_path / "r"))
    assert MappedRecording.open(str(tmp_path / "r")).read((UP,), 0, 9).times.tolist() == [1, 2]
    assert looked == []


def test_a_copy_by_another_program_tells_nothing(tmp_path: Path) -> None:
    """It may have changed the samples: here it turns them round."""
    write_arrow([series([1, 2], [1.0, 2.0])], str(tmp_path / "r"))
    with pa.ipc.open_file(str(tmp_path / "r")) as file:
        table = file.read_all()
    turned = pa.array([[2, 1]], table.schema.field("timestamps").type)
    table = table.set_column(table.schema.get_field_index("timestamps"), table.schema.field("timestamps"), turned)
    with pa.ipc.new_file(str(tmp_path / "copy"), table.schema) as copy:
        copy.write_table(table)
    assert told(tmp_path / "copy") == [Facts()]
    with pytest.raises(ProblemError, match="do not rise: 1 comes after 2"):
        MappedRecording.open(str(tmp_path / "copy")).read((UP,), 0, 9)


LIES = """
import sys
import numpy as np
import pyarrow as pa
from tests.fuzz.grammar import OVER_TIME
from tocsin.diagnostics import Text
from tocsin.engine.evaluate import evaluate_range
from tocsin.promql.parse import parse
from tocsin.sources.arrow.facts import Facts
from tocsin.sources.arrow.mapped_recording import MappedRecording

rng = np.random.default_rng(1)
size, path = 400, sys.argv[1]
more = "mad_over_time first_over_time ts_of_max_over_time ts_of_last_over_time".split()
exprs = ["up", *(f"{name}(up[5m])" for name in {*OVER_TIME, *more})]
exprs += ["quantile_over_time(0.5, up[5m])", "predict_linear(up[5m], 60)"]
exprs += ["rate(up[5m] anchored)", "rate(up[5m] smoothed)"]
exprs += ["double_exponential_smoothing(up[5m], 0.5, 0.5)", "max_over_time(up[5m:30s])", "up offset -5m"]
for kind in range(4):
    times = rng.permutation(np.arange(size)) * 1000
    if kind % 2:
        times[rng.integers(size, size=40)] = rng.choice([-(2**63), 2**63 - 1, -1, 0], size=40)
    times[[0, -1]] = (-(2**63), size * 1000) if kind > 1 else (0, size * 1000)
    columns = {"timestamps": pa.array([times.tolist()], pa.large_list(pa.int64()))}
    columns["values"] = pa.array([rng.random(size).tolist()], pa.large_list(pa.float64()))
    batch = pa.RecordBatch.from_pydict({"__name__": ["up"], **columns})
    with pa.ipc.new_file(path, batch.schema) as file:
        file.write_batch(batch, Facts(True, True).metadata)
    recording = MappedRecording.open(path)
    for expr in exprs:
        for step in (1000, 60_000):
            evaluate_range(parse(Text.of(expr)), recording, 0, size * 1000, step)
print("alive")
"""


def test_lies_are_no_way_to_a_crash(tmp_path: Path) -> None:
    """As after damage on a disk: times in no order, and of any size, under a word that they rise."""
    done = subprocess.run(
        [sys.executable, "-c", LIES, str(tmp_path / "r")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr[-2000:]
