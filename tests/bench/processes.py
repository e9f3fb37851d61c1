"""Whole processes: a server that is started, asked and stopped, beside `tocsin query` and `tocsin backtest`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from tests.bench import agree, clock, servers
from tests.bench.rules import RULES, Rule, rule_file
from tests.bench.week import Week, prepare

HEAD = """
Seconds of whole processes; `x P` and `x V`: how many times faster than Prometheus and VictoriaMetrics. The servers:
started on their data, asked for the rules over the range one after the other, the answers read, stopped. Query:
`tocsin query` of the same from an Arrow file in the page cache, the same answers as JSON. Backtest: `tocsin backtest`
of them as alerts, which also tells their states, episodes and noise.
Prometheus agrees where every point of the answers has its bits (under --compat 2).
"""

COLUMNS = "{:<22}{:>9}{:>9}" + 2 * " |{:>9}{:>7}{:>7}"

Start = Callable[[], AbstractContextManager[servers.Server]]


def run(series: int, days: int, only: str, folder: str | None) -> bool:
    """Print the table. True where every answer is Prometheus's."""
    with tempfile.TemporaryDirectory() as temporary:
        week = prepare(Path(folder or temporary), series, days)
        starts: list[Start] = [
            lambda: servers.prometheus(week.folder, week.text),
            lambda: servers.victoria_metrics(week.folder, week.metrics),
        ]
        for start in starts:
            with start():  # which takes the load where it has none yet
                week.text.unlink(missing_ok=True)
        print(f"\n{series} series a metric, {days} days, every 15 s, {len(week.grid.times):,} steps of 1m")
        print(HEAD)
        print(COLUMNS.format("", "Prom.", "VM", *("query", "x P", "x V"), *("backtest", "x P", "x V")))
        rows = [_row(name, rules, week, starts) for name, rules in RULES.items() if only in name]
        return all(rows)


def _row(name: str, rules: Sequence[Rule], week: Week, starts: Sequence[Start]) -> bool:
    grid = week.grid
    exprs = [rule.expr for rule in rules]
    answers: list[bytes] = []

    def served(start: Start) -> None:
        with start() as server:
            answers[:] = [server.query_range(text, grid.start, grid.end, grid.step) for text in exprs]

    # Prometheus last: its answers are those that ours are compared with.
    theirs = [clock.least(partial(served, start)) for start in reversed(starts)][::-1]
    whole = ["--start", str(grid.start // 1000), "--end", str(grid.end // 1000), "--data", week.arrow]
    query = ["query", *exprs, *whole, "--step", f"{grid.step // 1000}s", "--format", "json"]
    path = week.folder / "rules.yaml"
    path.write_text(rule_file(rules))
    backtest = ["backtest", str(path), *whole, "--format", "json"]
    cells: list[str] = []
    for arguments in (query, backtest):
        clock.process(*arguments)  # compiles what is not compiled, and fills the page cache
        ours = clock.least(partial(clock.process, *arguments))
        cells += [f"{ours:.3f}", *(f"{other / ours:.1f}" for other in theirs)]
    print(COLUMNS.format(name, *(f"{one:.3f}" for one in theirs), *cells), flush=True)
    told = clock.answer(*query, "--compat", "2").splitlines()
    same = [_same(one, other, week) for one, other in zip(told, answers, strict=True)]
    return all(same)


def _same(ours: str, theirs: bytes, week: Week) -> bool:
    """Compare the points of two answers. Prints what differs."""
    here, there = (agree.of_json(json.loads(one)["data"]["result"], week.grid) for one in (ours, theirs))
    found = agree.difference(here, there, week.grid)
    said = f"DIFFERS: {found}" if not found.identical else "the same bits" if found.points else "NOTHING TO COMPARE"
    print(f"    {found.points:,} points; Prometheus: {said}", flush=True)
    return found.identical and found.points > 0
