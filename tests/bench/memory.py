"""How much memory a rule takes over a long history, and that its time grows with series and with days."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tests.bench.synthetic import START, Synthetic

from tocsin.diagnostics import Text
from tocsin.engine.evaluate import evaluate
from tocsin.engine.semantics import Grid
from tocsin.promql.ast import Matcher
from tocsin.promql.parse import parse
from tocsin.series import Series

DAY = 86_400_000
MINUTE = 60_000
LIMIT = 2 << 30

RULES = {
    "error ratio": 'sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) > 0.01',
    "rate of each series": "rate(http_requests_total[5m]) > 100",
    "slope over an hour": "max_over_time(http_requests_total[1h]) - min_over_time(http_requests_total[1h]) > 1e6",
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What an evaluation took: seconds, those of them in which samples were made, and bytes at the peak."""

    seconds: float
    making: float
    peak: int
    present: int


@dataclass(slots=True)
class _Timed:
    """A recording, and how long it was read."""

    recording: Synthetic
    seconds: float = 0.0

    @property
    def extent(self) -> tuple[int, int]:
        return self.recording.extent

    def read(self, matchers: Sequence[Matcher], start: int, end: int) -> Series:
        started = time.perf_counter()
        series = self.recording.read(matchers, start, end)
        self.seconds += time.perf_counter() - started
        return series


def measure(rule: str, series: int, days: int) -> Taken:
    """Evaluate a rule every minute, in a process of its own: the peak is that of the process."""
    arguments = [sys.executable, "-m", "tests.bench.memory", rule, str(series), str(days)]
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)} ended with {done.returncode}\n{done.stderr}")
    return Taken(**json.loads(done.stdout))


def take(rule: str, series: int, days: int) -> Taken:
    """Evaluate a rule in this process."""
    recording, expr = Synthetic(series, days * DAY), parse(Text.of(rule))
    for _results in evaluate([expr], recording, Grid(START, START + 60 * MINUTE, MINUTE)):
        pass  # so that the kernels are compiled, or read from the cache
    timed, started, present = _Timed(recording), time.perf_counter(), 0
    for (result,) in evaluate([expr], timed, Grid(START, START + days * DAY - MINUTE, MINUTE)):
        present += int(result.frame.present.sum())
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Taken(seconds, timed.seconds, peak, present)


def row(rule: str, series: int, days: int) -> Taken:
    taken = measure(rule, series, days)
    samples = Synthetic(series, days * DAY).samples
    own = taken.seconds - taken.making
    print(
        f"{series:>8,} series {days:>4} d {samples / 1e6:>8.1f} M samples {own:>8.2f} s "
        f"{own / samples * 1e9:>7.2f} ns/sample {taken.peak / 2**20:>7,.0f} MiB   (made in {taken.making:.2f} s)",
        flush=True,
    )
    return taken


def main() -> None:
    """Print the tables; ends with 1 where a rule over 30 days of 2,000 series takes 2 GiB or more."""
    print(
        "Memory and time of one rule, evaluated every minute over scrapes of 15 s; samples are made as they are read\n"
    )
    largest = 0
    for name, rule in RULES.items():
        print(f"{name}: {rule}")
        largest = max(largest, row(rule, 2000, 30).peak)
    rule = RULES["error ratio"]
    print("\nThe same rule over more series")
    for series in (250, 500, 1000, 2000):
        row(rule, series, 7)
    print("\nThe same rule over more days")
    for days in (4, 8, 15, 30):
        row(rule, 500, days)
    print(f"\nThe peak over 30 days of 2,000 series: {largest / 2**30:.2f} GiB, below 2 GiB: {largest < LIMIT}")
    sys.exit(largest >= LIMIT)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(asdict(take(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
    else:
        main()
