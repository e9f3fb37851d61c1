"""What the rules of one objective cost: samples that Prometheus reads for ours, and for those of Sloth and of Pyrra.

All three judge the same counters in a live Prometheus, which has the raw series and what the rules have recorded over
the whole period, and says itself how many samples each expression read.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import requests
from tests import sloth
from tests.bench.load import SCRAPE
from tests.prometheus import serving
from tests.specs import compiled

from tocsin.diagnostics import Text
from tocsin.duration import format_duration
from tocsin.labels import NAME, Labels, from_mapping
from tocsin.promql.parse import parse
from tocsin.promql.print import print_expr
from tocsin.rules import AlertingRule, RecordingRule, Rule, RuleGroup
from tocsin.series import Series
from tocsin.sources.tsdb.write import write_blocks

MINUTE = 60_000
DAY = 1440 * MINUTE
END = 1_777_593_600_000
"""2026-05-01T00:00:00Z."""

BAD, TOTAL = 'http_requests_total{code=~"5.."}', "http_requests_total"
SPEC = f"""service: shop
indicators: {{errors: {{ratio: {{bad: '{BAD}', total: {TOTAL}}}}}}}
objectives: [{{name: judged, indicator: errors, target: 99.9%, period: 30d}}]
"""


@dataclass(frozen=True)
class Cost:
    """Of all rules of one objective: samples and seconds of one evaluation of each, and samples in a minute."""

    rules: int
    samples: int
    seconds: float
    per_minute: float


def run(series: int, days: int = 30) -> bool:
    """Print the table. True where ours read at most a tenth of what Sloth's do."""
    if absent := [name for name in ("prometheus",) if shutil.which(name) is None]:
        sys.exit(f"the benchmark needs {', '.join(absent)}: `make references` says how to get them")
    kinds = {"tocsin": ours(), "Sloth": of_sloth(), "Pyrra": of_pyrra()}
    with tempfile.TemporaryDirectory() as folder:
        data = str(Path(folder) / "data")
        for one in raw(series, days):
            write_blocks(one, data)
        for groups in kinds.values():
            write_blocks(recorded(groups, days), data)
        with serving(Path(folder), ["--query.max-samples=200000000"]) as server:
            costs = {name: measured(server.url, groups) for name, groups in kinds.items()}
    print(f"\nOne objective of {days} days over {series} counters that are scraped every {format_duration(SCRAPE)}\n")
    print(f"{'':<10}{'rules':>8}{'samples an evaluation':>24}{'a minute':>16}{'seconds':>10}{'of Sloth':>11}")
    for name, cost in costs.items():
        share = cost.samples / costs["Sloth"].samples
        numbers = f"{cost.rules:>8}{cost.samples:>24,}{cost.per_minute:>16,.0f}{cost.seconds:>10.3f}{share:>11.1%}"
        print(f"{name:<10}{numbers}", flush=True)
    tenth = costs["tocsin"].samples * 10 <= costs["Sloth"].samples
    return tenth and costs["tocsin"].per_minute * 10 <= costs["Sloth"].per_minute


def ours() -> Sequence[RuleGroup]:
    return [group for group in compiled(SPEC).groups if group.name.startswith("shop-judged")]


def of_sloth() -> Sequence[RuleGroup]:
    """Sloth's groups have no interval of their own: they are evaluated every minute, as Prometheus does by default."""
    bad, total = (f"sum(rate({name}[$window]))" for name in (BAD, TOTAL))
    one = sloth.Objective("shop", "judged", "99.9", bad, total)
    return [sloth.recording_group(one), sloth.metadata_group(one), sloth.alert_group(one)]


PYRRA = (
    # Pyrra's windows and factors for 30 days, long before short; and its waits, which cost nothing.
    (64, 5, 14),
    (386, 32, 7),
    (1543, 129, 2),
    (6171, 386, 1),
)


def of_pyrra() -> Sequence[RuleGroup]:
    """Pyrra's group of error rates, and in a slower one the increase over the period, by code."""
    windows = sorted({window for long, short, _ in PYRRA for window in (long, short)})
    labels = {"slo": "judged"}
    rates = [_recording(f"http_requests:burnrate{_name(one)}", _rates(one), labels) for one in windows]
    alerts = [_burning(long, short, factor) for long, short, factor in PYRRA]
    increase = _recording("http_requests:increase30d", f"sum by (code) (increase({TOTAL}[30d]))", labels)
    absent = _alert(f"absent({TOTAL}) == 1")
    return [
        RuleGroup("judged", (*rates, *alerts), MINUTE // 2),
        RuleGroup("judged-increase", (increase, absent), 5 * MINUTE // 2),
    ]


def _name(minutes: int) -> str:
    return format_duration(minutes * MINUTE)


def _rates(window: int) -> str:
    bad, total = (f"sum(rate({name}[{_name(window)}]))" for name in (BAD, TOTAL))
    return f"{bad} / {total}"


def _burning(long: int, short: int, factor: int) -> AlertingRule:
    pair = (f'http_requests:burnrate{_name(window)}{{slo="judged"}}' for window in (short, long))
    return _alert(" and ".join(f"{rate} > ({factor} * (1-0.999))" for rate in pair))


def _recording(name: str, expr: str, labels: dict[str, str]) -> RecordingRule:
    return RecordingRule(name, parse(Text.of(expr)), labels)


def _alert(expr: str) -> AlertingRule:
    return AlertingRule("ErrorBudgetBurn", parse(Text.of(expr)))


def raw(count: int, days: int) -> Iterator[Series]:
    """The counters of a fleet: a fifth of them count errors. Twenty at a time, for memory."""
    rng = np.random.default_rng(7)
    grid = np.arange(END - days * DAY + SCRAPE, END + 1, SCRAPE)
    labels = [
        {NAME: TOTAL, "code": ("200", "204", "302", "404", "500")[index % 5], "instance": f"10.0.0.{index // 5}:9100"}
        for index in range(count)
    ]
    for first in range(0, count, 20):
        part = sorted(from_mapping({**one, "job": "shop"}) for one in labels[first : first + 20])
        values = np.cumsum(rng.integers(0, 40, (len(part), len(grid))), axis=1).astype(np.float64)
        yield _columns(part, grid - 5_000, values)


def recorded(groups: Sequence[RuleGroup], days: int) -> Series:
    """What the rules have recorded, at each of their evaluations; how many samples there are is all that matters."""
    rows: list[tuple[Labels, int]] = []
    for group in groups:
        for rule in group.rules:
            if isinstance(rule, RecordingRule):
                labels = from_mapping({**rule.labels, NAME: rule.name})
                codes = ("200", "204", "302", "404", "500") if "increase" in rule.name else ("",)
                rows += [
                    (from_mapping({**dict(labels), **({"code": code} if code else {})}), group.interval or MINUTE)
                    for code in codes
                ]
    times = [np.arange(END - days * DAY + step, END + 1, step) for _, step in sorted(rows)]
    return Series(
        tuple(labels for labels, _ in sorted(rows)),
        np.cumsum([0, *map(len, times)]),
        np.concatenate(times),
        np.concatenate([np.full(len(one), 0.001) for one in times]),
    )


def _columns(labels: Sequence[Labels], times: np.ndarray, values: np.ndarray) -> Series:
    offsets = np.arange(len(labels) + 1) * len(times)
    return Series(tuple(labels), offsets, np.tile(times, len(labels)), values.ravel())


def measured(url: str, groups: Sequence[RuleGroup]) -> Cost:
    """Every rule asked once, at the end of the period."""
    rules, samples, seconds, minute = 0, 0, 0.0, 0.0
    for group in groups:
        for rule in group.rules:
            stats = _stats(url, rule)
            read = int(stats["samples"]["totalQueryableSamples"])
            rules, samples = rules + 1, samples + read
            seconds += stats["timings"]["execTotalTime"]
            minute += read * MINUTE / (group.interval or MINUTE)
    return Cost(rules, samples, seconds, minute)


def _stats(url: str, rule: Rule) -> dict[str, dict[str, float]]:
    form = {"query": print_expr(rule.expr), "time": f"{END / 1000:.3f}", "stats": "all"}
    reply = requests.post(f"{url}/api/v1/query", data=form, timeout=600).json()
    if reply["status"] != "success":
        raise SystemExit(f"{rule.name}: {reply['error']}")
    found: dict[str, dict[str, float]] = reply["data"]["stats"]
    return found
