"""Sloth's specs and rules: the shape of the rules that it writes, and its specs as ours."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.diagnostics import Text
from tocsin.duration import format_duration
from tocsin.promql.parse import parse
from tocsin.rules import RecordingRule, RuleGroup

MINUTE = 60_000
WINDOWS = [minutes * MINUTE for minutes in (5, 30, 60, 120, 360, 1440, 4320)]


def recordings(bad: str, total: str, windows: Sequence[int] = WINDOWS, period: str = "30d") -> RuleGroup:
    """The group of an objective's shares of bad events; `$window` stands for the window in the queries.

    Each short window has its own query of the raw series, and the period is the mean of the shortest window's shares.
    """
    rules = []
    for window in windows:
        name = format_duration(window)
        query = f"({bad}) / ({total})".replace("$window", name)
        rules.append(_record(f"slo:sli_error:ratio_rate{name}", query, name))
    shortest = f"slo:sli_error:ratio_rate{format_duration(windows[0])}"
    mean = f"sum_over_time({shortest}[{period}]) / ignoring (sloth_window) count_over_time({shortest}[{period}])"
    rules.append(_record(f"slo:sli_error:ratio_rate{period}", mean, period))
    return RuleGroup("sloth-slo-sli-recordings", tuple(rules))


def _record(name: str, query: str, window: str) -> RecordingRule:
    labels = {"sloth_id": "shop-judged", "sloth_service": "shop", "sloth_slo": "judged", "sloth_window": window}
    return RecordingRule(name, parse(Text.of(query)), labels)
