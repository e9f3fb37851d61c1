"""The rules of the benchmark: each set is what a team would write in one group, every rule a comparison as alerts have.

A comparison lets few samples through, so that nobody is timed at writing JSON. The values without it are timed apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ERRORS = 'sum by (job) (rate(http_requests_total{{code=~"5.."}}[{0}])) / sum by (job) (rate(http_requests_total[{0}]))'


@dataclass(frozen=True)
class Rule:
    """An alert's `value` and what it is compared with; `expr` is both."""

    value: str
    bound: str

    @property
    def expr(self) -> str:
        return f"{self.value} > {self.bound}"


def ratio(window: str) -> str:
    return f"({ERRORS.format(window)})"


def burn(factor: float, long: str, short: str) -> Rule:
    """Of a budget of 0.1 %: both windows burn `factor` times too fast."""
    bound = f"{factor * 0.001:g}"
    return Rule(f"({ratio(long)} > {bound} and {ratio(short)})", bound)


RULES: Mapping[str, Sequence[Rule]] = {
    "rate 5m": (Rule("rate(http_requests_total[5m])", "2.2"),),
    "rate 1h": (Rule("rate(http_requests_total[1h])", "2.06"),),
    "rate 6h": (Rule("rate(http_requests_total[6h])", "2.025"),),
    "error ratio 5m": (Rule(ratio("5m"), "0.02"),),
    "max_over_time 1h": (Rule("max_over_time(queue_seconds[1h])", "3.6"),),
    "avg_over_time 1h": (Rule("avg_over_time(queue_seconds[1h])", "2.55"),),
    "quantile_over_time 1h": (Rule("quantile_over_time(0.9, queue_seconds[1h])", "3"),),
    "histogram_quantile 5m": (
        Rule("histogram_quantile(0.99, sum by (job, le) (rate(http_request_duration_seconds_bucket[5m])))", "0.42"),
    ),
    "ten thresholds": tuple(Rule(ratio("5m"), f"{0.01 * step:g}") for step in range(1, 11)),
    "burn rate, 8 windows": (
        burn(14.4, "1h", "5m"),
        burn(6, "6h", "30m"),
        burn(3, "1d", "2h"),
        burn(1, "3d", "6h"),
    ),
}
"""Sets of rules by name. The burn rates are those of the SRE workbook, chapter 5, table 5-8."""


def rule_file(rules: Sequence[Rule]) -> str:
    """A rule file with one group of alerts, evaluated every minute."""
    lines = ["groups:", "- name: bench", "  interval: 1m", "  rules:"]
    for number, rule in enumerate(rules):
        lines += [f"  - alert: Bench{number}", f"    expr: '{rule.expr}'", "    for: 5m"]
    return "\n".join([*lines, ""])
