"""What a recording holds as a line of text, and how far it has come as a bar on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from tocsin.diagnostics import printable
from tocsin.labels import format_labels
from tocsin.record.oddities import Leap
from tocsin.record.run import Recorded, Tell
from tocsin.report.numbers import duration, moment, stretch


def summary(recorded: Recorded, path: Path) -> str:
    """What was recorded to a path.

    >>> summary(Recorded(2, 1, 1_681_333_550_000, 1_681_334_000_000, {(("__name__", "up"),)}), Path("r.parquet"))
    'r.parquet: 1 series, 2 samples, 2023-04-12 21:05:50 to 21:13:20 UTC, 1 staleness marker'
    """
    assert recorded.start is not None
    assert recorded.end is not None
    odd = {
        "staleness marker": recorded.markers,
        "out-of-order sample": recorded.tally.backward,
        "duplicate": recorded.tally.repeated,
        "contradicting sample": recorded.tally.contradicting,
        "native histogram": recorded.tally.histograms,
    }
    first = ", ".join(
        [
            f"{printable(str(path))}: {len(recorded.series):,} series",
            f"{recorded.samples:,} sample{'s' * (recorded.samples != 1)}",
            f"{stretch(recorded.start, recorded.end)} UTC",
            *(f"{count:,} {what}{'s' * (count != 1)}" for what, count in odd.items() if count),
            *(f"{count} {what}" for what, count in (("runs", recorded.runs),) if count > 1),
        ]
    )
    return "\n".join([first, *(f"  {line}" for line in _odd_series(recorded))])


def _odd_series(recorded: Recorded) -> Iterator[str]:
    """Labels that changed, gaps and jumps of clocks: how many, and one of each."""
    for one in recorded.relabelled:
        told = f"{one.count:,} series went on under another `{one.label}`"
        change = f"{format_labels(one.before)} as {format_labels(one.after)}"
        yield f"{printable(told)}: {printable(change)}, {moment(one.time)} UTC"
    if recorded.gaps:
        longest = max(recorded.gaps, key=lambda leap: leap.end - leap.start)
        yield f"{_times(recorded.gaps, 'gap')} of targets, the longest {_leap(longest)}"
    if recorded.jumps:
        first = min(recorded.jumps, key=lambda leap: leap.start)
        yield f"{_times(recorded.jumps, 'clock jump')}, the first {_leap(first)}"


def _times(leaps: Sequence[Leap], what: str) -> str:
    return f"{len(leaps):,} {what}{'s' * (len(leaps) != 1)}"


def _leap(leap: Leap) -> str:
    job, instance = leap.target
    name = printable(format_labels((("instance", instance), ("job", job))))
    return f"{duration(leap.end - leap.start)} of {name}, {stretch(leap.start, leap.end)} UTC"


@contextmanager
def progress(file: TextIO) -> Iterator[Tell]:
    """Shows how much of the time is fetched, on a terminal only."""
    if not file.isatty():
        yield lambda _done, _whole, _samples: None
        return
    shown = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[samples]:,} samples"), TimeRemainingColumn())
    with Progress(*shown, console=Console(file=file), transient=True) as bar:
        task = bar.add_task("", samples=0)
        yield lambda done, whole, samples: bar.update(task, completed=done, total=whole, samples=samples)
