"""The load in every form that somebody reads, made once per folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.bench import load

from tocsin.engine.semantics import Grid
from tocsin.series import Series
from tocsin.sources.arrow.write_rows import write_arrow

STEP = 60_000


@dataclass(frozen=True)
class Week:
    """The load in memory, and `folder` with it in files; it may last more or less than a week."""

    folder: Path
    metrics: tuple[Series, ...]
    days: int

    @property
    def parquet(self) -> str:
        return str(self.folder / "recording.parquet")

    @property
    def arrow(self) -> str:
        return str(self.folder / "recording.arrow")

    @property
    def text(self) -> Path:
        """OpenMetrics, which is there only until Prometheus has it."""
        return self.folder / "recording.om"

    @property
    def grid(self) -> Grid:
        """Every minute, the first after a minute: 10,080 steps in a week, where Prometheus allows 11,000."""
        return Grid(load.START + STEP, load.START + self.days * load.DAY, STEP)


def prepare(folder: Path, series: int, days: int) -> Week:
    folder.mkdir(parents=True, exist_ok=True)
    week = Week(folder, tuple(load.fleet(series, days)), days)
    if not Path(week.parquet).exists():
        load.write_parquet(week.metrics, folder / "new.parquet")
        (folder / "new.parquet").rename(week.parquet)
    if not Path(week.arrow).exists():
        write_arrow([load.together(week.metrics)], str(folder / "new.arrow"))
        (folder / "new.arrow").rename(week.arrow)
    if not (folder / "prometheus").exists():
        week.text.unlink(missing_ok=True)
        for number, one in enumerate(week.metrics, 1):
            load.write_openmetrics(one, week.text, last=number == len(week.metrics))
    return week
