"""Rules over a week: seconds of Prometheus, VictoriaMetrics and tocsin side by side, and whether they agree."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
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
file in the page cache to the last value.
Prometheus agrees where every point of every value has its bits (under --compat 2); VictoriaMetrics means other things
by the same words.
"""

COLUMNS = "{:<22}{:>8}{:>8}" + 3 * " |{:>8}{:>7}{:>6}"


@dataclass(frozen=True)
class Bench:
    """Everything that is measured on."""

    week: Week
    memory: Recording
    prometheus: servers.Server
    victoria: servers.Server


def run(series: int, days: int, only: str, folder: str | None) -> bool:
    """Print the table. True where every result agrees with Prometheus's."""
    chosen = {name: rules for name, rules in RULES.items() if only in name}
    if absent := [name for name in ("prometheus", "promtool", "victoria-metrics") if shutil.which(name) is None]:
        sys.exit(f"the benchmark needs {', '.join(absent)}: `make references` says how to get them")
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        week = prepare(Path(folder or temporary), series, days)
        prometheus = stack.enter_context(servers.prometheus(week.folder, week.text))
        week.text.unlink(missing_ok=True)
        victoria = stack.enter_context(servers.victoria_metrics(week.folder, week.metrics))
        bench = Bench(week, MemoryRecording(load.together(week.metrics)), prometheus, victoria)
        print(f"\n{series} series a metric, {days} days, every 15 s, {len(week.grid.times):,} steps of 1m")
        print(HEAD)
        ours = chain(*((one, "x P", "x V") for one in ("memory", "Parquet", "Arrow")))
        print(COLUMNS.format("", "Prom.", "VM", *ours))
        agreed = [_row(name, rules, bench) for name, rules in chosen.items()]
        _cold(chosen, week)
    return all(agreed)


def _row(name: str, rules: Sequence[Rule], bench: Bench) -> bool:
    for what, texts in ((name, [rule.expr for rule in rules]), ("  values", [rule.value for rule in rules])):
        print(COLUMNS.format(what, *_both(*_times(texts, bench))), flush=True)
    return _agree(rules, bench)


def _times(texts: Sequence[str], bench: Bench) -> tuple[list[float], list[float]]:
    """The seconds of both servers, and ours in memory, from Parquet and from an Arrow file."""
    grid = bench.week.grid
    times = grid.start, grid.end, grid.step
    theirs = [_served(server, texts, times) for server in (bench.prometheus, bench.victoria)]
    exprs = [parse(Text.of(text)) for text in texts]
    sources: list[Callable[[], Recording]] = [lambda: bench.memory]
    sources += [partial(open_recording, path) for path in (bench.week.parquet, bench.week.arrow)]
    return theirs, [_evaluated(exprs, source, bench) for source in sources]


def _both(theirs: Sequence[float], ours: Sequence[float]) -> list[str]:
    return [f"{one:.3f}" for one in theirs] + [cell for one in ours for cell in _cells(one, theirs)]


def _served(server: servers.Server, texts: Sequence[str], times: tuple[int, int, int]) -> float:
    """A rule after the other, as a rule group has them."""
    return clock.least(lambda: [server.query_range(text, *times) for text in texts])


def _cells(ours: float, theirs: Sequence[float]) -> list[str]:
    return [f"{ours:.3f}", *(f"{other / ours:.1f}" for other in theirs)]


def _evaluated(exprs: Sequence[Expr], recording: Callable[[], Recording], bench: Bench) -> float:
    def measured() -> None:
        for _ in evaluate(exprs, recording(), bench.week.grid):
            pass

    measured()  # compiles, or loads what is compiled
    return clock.least(measured)


def _cold(chosen: Mapping[str, Sequence[Rule]], week: Week) -> None:
    """One process for all rules, without and with compiled kernels."""
    path = week.folder / "rules.yaml"
    path.write_text(rule_file([rule for rules in chosen.values() for rule in rules]))
    whole = "--start", str(week.grid.start // 1000), "--end", str(week.grid.end // 1000), "--format", "json"
    print("\nAll these rules in one process, with the kernels compiled first, and with them compiled before:")
    with tempfile.TemporaryDirectory() as empty:
        for what in ("cold", "warm"):
            env = {"TOCSIN_CACHE_DIR": empty}
            print(f"{what:<22}{clock.process('backtest', str(path), '--data', week.arrow, *whole, env=env):8.3f}")
    print(f"{'Python alone':<22}{clock.interpreter():8.3f}")


def _agree(rules: Sequence[Rule], bench: Bench) -> bool:
    """Compare all values. Prints what differs."""
    grid = bench.week.grid
    prometheus = victoria = agree.SAME
    for text in sorted({rule.value for rule in rules}):
        result = evaluate_range(
            parse(Text.of(text)), bench.memory, grid.start, grid.end, grid.step, Semantics(compat=2)
        )
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
