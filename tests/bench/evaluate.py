"""Rules over a week: seconds of Prometheus, VictoriaMetrics and tocsin side by side, and whether they agree."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from tests.bench import agree, clock, load, servers
from tests.bench.rules import RULES, Rule, rule_file
from tests.bench.week import Week, prepare

from tocsin.diagnostics import Text
from tocsin.engine.evaluate import evaluate, evaluate_range
from tocsin.engine.semantics import Semantics
from tocsin.promql.ast import Expr
from tocsin.promql.parse import parse
from tocsin.series import Recording
from tocsin.sources.memory import MemoryRecording
from tocsin.sources.open import open_recording

HEAD = """
Seconds; `x P` and `x V`: how many times faster than Prometheus and VictoriaMetrics. The servers: range queries of the
rules with the answers read, nothing cached; below, of their values without the bound, as recording rules have them and
graphs: the servers are then also timed at writing JSON. Memory: evaluation alone. Parquet, Arrow: from the opening of a
file in the page cache to the last value. Process: `tocsin backtest` of the rules on the Arrow file, with Python's
start, the states of the alerts and the answer as JSON.
Prometheus agrees where every point of every value has its bits (under --compat 2); VictoriaMetrics means other things
by the same words.
"""

COLUMNS = "{:<22}{:>8}{:>8}" + 4 * " |{:>8}{:>7}{:>6}"


@dataclass(frozen=True)
class Bench:
    """Everything that is measured on; without `memory` only whole processes are."""

    week: Week
    memory: Recording | None
    prometheus: servers.Server
    victoria: servers.Server


def run(series: int, days: int, only: str, folder: str | None, whole: bool) -> bool:
    """Print the table; `whole` measures whole processes only. True where every result agrees with Prometheus's."""
    chosen = {name: rules for name, rules in RULES.items() if only in name}
    if absent := [name for name in ("prometheus", "promtool", "victoria-metrics") if shutil.which(name) is None]:
        sys.exit(f"the benchmark needs {', '.join(absent)}: `make references` says how to get them")
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        week = prepare(Path(folder or temporary), series, days)
        prometheus = stack.enter_context(servers.prometheus(week.folder, week.text))
        week.text.unlink(missing_ok=True)
        victoria = stack.enter_context(servers.victoria_metrics(week.folder, week.metrics))
        memory = None if whole else MemoryRecording(load.together(week.metrics))
        bench = Bench(week, memory, prometheus, victoria)
        print(f"\n{series} series a metric, {days} days, every 15 s, {len(week.grid.times):,} steps of 1m")
        print(HEAD)
        print(
            COLUMNS.format(
                "", "Prom.", "VM", *chain(*((one, "x P", "x V") for one in ("memory", "Parquet", "Arrow", "process")))
            )
        )
        agreed = [_row(name, rules, bench) for name, rules in chosen.items()]
        if not whole:
            _cold(chosen, week)
    return all(agreed)


def _row(name: str, rules: Sequence[Rule], bench: Bench) -> bool:
    theirs, ours = _times([rule.expr for rule in rules], bench)
    process = _cells(_process({name: rules}, bench.week), theirs)
    print(COLUMNS.format(name, *_both(theirs, ours), *process), flush=True)
    if bench.memory is not None:
        print(
            COLUMNS.format("  values", *_both(*_times([rule.value for rule in rules], bench)), "", "", ""), flush=True
        )
    return _agree(rules, bench)


def _times(texts: Sequence[str], bench: Bench) -> tuple[list[float], list[float | None]]:
    """The seconds of both servers, and ours in memory, from Parquet and from an Arrow file."""
    grid = bench.week.grid
    times = grid.start, grid.end, grid.step
    theirs = [_served(server, texts, times) for server in (bench.prometheus, bench.victoria)]
    if (memory := bench.memory) is None:
        return theirs, [None, None, None]
    exprs = [parse(Text.of(text)) for text in texts]
    sources: list[Callable[[], Recording]] = [lambda: memory]
    sources += [partial(open_recording, path) for path in (bench.week.parquet, bench.week.arrow)]
    return theirs, [_evaluated(exprs, source, bench) for source in sources]


def _both(theirs: Sequence[float], ours: Sequence[float | None]) -> list[str]:
    return [f"{one:.3f}" for one in theirs] + [cell for one in ours for cell in _cells(one, theirs)]


def _served(server: servers.Server, texts: Sequence[str], times: tuple[int, int, int]) -> float:
    """A rule after the other, as a rule group has them."""
    return clock.least(lambda: [server.query_range(text, *times) for text in texts])


def _cells(ours: float | None, theirs: Sequence[float]) -> list[str]:
    return ["-", "", ""] if ours is None else [f"{ours:.3f}", *(f"{other / ours:.1f}" for other in theirs)]


def _evaluated(exprs: Sequence[Expr], recording: Callable[[], Recording], bench: Bench) -> float:
    def measured() -> None:
        for _ in evaluate(exprs, recording(), bench.week.grid):
            pass

    measured()  # compiles, or loads what is compiled
    return clock.least(measured)


def _process(chosen: dict[str, Sequence[Rule]], week: Week, runs: int = 3, **env: str) -> float:
    """A backtest of all rules of some sets."""
    path = week.folder / "rules.yaml"
    path.write_text(rule_file([rule for rules in chosen.values() for rule in rules]))
    start, end = (str(time // 1000) for time in (week.grid.start, week.grid.end))
    data = ["--data", week.arrow, "--start", start, "--end", end, "--format", "json"]

    def measured() -> float:
        return clock.process("backtest", str(path), *data, env=env)

    if not env:
        measured()  # compiles what is not compiled, and fills the page cache
    return clock.least(measured, runs)


def _cold(chosen: dict[str, Sequence[Rule]], week: Week) -> None:
    """One process for all rules, without and with compiled kernels."""
    with tempfile.TemporaryDirectory() as empty:
        cold = _process(chosen, week, 1, NUMBA_CACHE_DIR=empty)
        warm = _process(chosen, week, 1, NUMBA_CACHE_DIR=empty)
    print("\nAll these rules in one process, with the kernels compiled first, and with them compiled before:")
    print(f"{'cold':<22}{cold:8.3f}\n{'warm':<22}{warm:8.3f}\n{'Python alone':<22}{clock.interpreter():8.3f}")


def _agree(rules: Sequence[Rule], bench: Bench) -> bool:
    """Compare all values; in the large, only those that exceed their bound. Prints what differs."""
    grid = bench.week.grid
    recording = bench.memory or open_recording(bench.week.arrow)
    prometheus = victoria = agree.SAME
    for text in sorted({rule.value if bench.memory else rule.expr for rule in rules}):
        result = evaluate_range(parse(Text.of(text)), recording, grid.start, grid.end, grid.step, Semantics(compat=2))
        ours = agree.of_frame(result.frame)
        for server in (bench.prometheus, bench.victoria):
            theirs = agree.of_json(server.result(text, grid.start, grid.end, grid.step), grid)
            if server is bench.prometheus:
                prometheus += agree.difference(ours, theirs, grid)
            else:
                victoria += agree.difference(agree.without_names(ours), agree.without_names(theirs), grid)
    same = (
        ("the same bits" if prometheus.points else "NOTHING TO COMPARE")
        if prometheus.identical
        else f"DIFFERS: {prometheus}"
    )
    told = f"{victoria.presence:,} on one side only, {victoria.percent:,} more than 1 % apart"
    print(f"    {prometheus.points:,} points; Prometheus: {same}; VictoriaMetrics: {told}", flush=True)
    return prometheus.identical and prometheus.points > 0
