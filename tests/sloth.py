"""Sloth's specs and rules: the shape of the rules that it writes, and its specs as ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from tocsin.diagnostics import Problems, Source, Text
from tocsin.document import MapNode, parse_documents
from tocsin.duration import format_duration, parse_duration
from tocsin.promql.parse import parse
from tocsin.rulefile import read_groups
from tocsin.rules import AlertingRule, RecordingRule, RuleGroup

CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpus" / "sloth"

MINUTE = 60_000


@dataclass(frozen=True)
class Pair:
    """Two windows in ms that must both burn `factor` times too fast."""

    short: int
    long: int
    factor: float


Pairs = dict[str, tuple[Pair, Pair]]
"""What Sloth joins by `or` in its alerts `page` and `ticket`."""


def _pairs(*rows: tuple[int, int, float]) -> Pairs:
    pairs = [Pair(short * MINUTE, long * MINUTE, factor) for short, long, factor in rows]
    return {"page": (pairs[0], pairs[1]), "ticket": (pairs[2], pairs[3])}


WORKBOOK = _pairs((5, 60, 14.4), (30, 360, 6), (120, 1440, 3), (360, 4320, 1))


@dataclass(frozen=True)
class Objective:
    """An objective of Sloth: `$window` stands for the window in its queries; `good`: `part` counts good events."""

    service: str
    name: str
    target: str
    part: str
    total: str
    good: bool = False
    alerts: bool = True

    @property
    def id(self) -> str:
        return f"{self.service}-{self.name}"

    @property
    def ratio(self) -> str:
        return f"1 - (({self.part}) / ({self.total}))" if self.good else f"({self.part}) / ({self.total})"


def read(path: Path) -> list[Objective]:
    """The objectives of a spec of Sloth, of its custom resource, or of OpenSLO."""
    return [one for document in yaml.safe_load_all(path.read_text()) for one in _objectives(document)]


def _objectives(document: dict[str, Any]) -> Iterator[Objective]:
    body = document.get("spec", document)
    if str(document.get("apiVersion", "")).startswith("openslo"):
        for index, one in enumerate(body["objectives"]):
            good, total = (_windowed(one["ratioMetrics"][key]["query"]) for key in ("good", "total"))
            name = f"{document['metadata']['name']}-{index}"
            yield Objective(body["service"], name, f"{one['target'] * 100:g}", good, total, good=True, alerts=False)
        return
    for one in body["slos"]:
        events, alerting = one["sli"]["events"], one["alerting"]
        bad, total = (_windowed(events.get(f"{key}_query") or events[f"{key}Query"]) for key in ("error", "total"))
        silent = (alerting.get("page_alert") or alerting.get("pageAlert") or {}).get("disable", False)
        yield Objective(body["service"], one["name"], f"{one['objective']:g}", bad, total, alerts=not silent)


def _windowed(query: str) -> str:
    return re.sub(r"\{\{\s*\.window\s*\}\}", "$window", " ".join(query.split()))


_RATE = r"sum\( ?rate\((\w+)(\{[^}]*\})?\[\$window\]\) ?\)"


def indicator(one: Objective) -> str:
    """The indicator of ours that says the same: counters where the queries are sums of rates of them."""
    part, total = re.fullmatch(_RATE, one.part), re.fullmatch(_RATE, one.total)
    key = "good" if one.good else "bad"
    if part and total:
        return f"{{ratio: {{{key}: {_quoted(part)}, total: {_quoted(total)}}}}}"
    slower = re.fullmatch(rf"\( {_RATE} - {_RATE} \)", one.part)
    if slower and total:
        bound = re.search(r'le="([0-9.]+)",?', slower[4])
        assert bound
        assert slower[4].replace(bound[0], "") == slower[2] == total[2]
        name = slower[1].removesuffix("_count")
        return f"{{latency: {{histogram: '{name}{slower[2]}', within: {float(bound[1]) * 1000:g}ms}}}}"
    return f"{{ratio: {{{key}: '{one.part}', total: '{one.total}'}}}}"


def _quoted(selector: re.Match[str]) -> str:
    return f"'{selector[1]}{selector[2] or ''}'"


def spec(objectives: Sequence[Objective], period: str = "30d", table: str = "") -> str:
    """Ours for the objectives of one service."""
    lines = [f"service: {objectives[0].service}", "indicators:"]
    lines += [f"  {one.name}: {indicator(one)}" for one in objectives]
    burn = f", burn_rates: {table}" if table else ""
    lines += ["objectives:"]
    lines += [
        f"- {{name: {one.name}, indicator: {one.name}, target: {one.target}%, period: {period}{burn}}}"
        for one in objectives
    ]
    return "\n".join([*lines, ""])


def generated(path: Path) -> list[RuleGroup]:
    """The rules that Sloth wrote, as rule files or as custom resources."""
    problems = Problems()
    nodes = parse_documents(Source(path.name, path.read_text()), problems)
    bodies = [(isinstance(node, MapNode) and node.get("spec")) or node for node in nodes]
    found = [group for body in bodies for group in read_groups(body, problems)]
    assert not len(problems)
    return found


def windows(path: Path) -> tuple[str, Pairs, dict[str, str]]:
    """A table of windows: its period, its pairs, and the share of the budget that each of ours has."""
    body = yaml.safe_load(path.read_text())["spec"]
    period, rows, shares = body["sloPeriod"], [], {}
    for tier, (alert, speed) in zip(TIERS, product(("page", "ticket"), ("quick", "slow")), strict=True):
        row = body[alert][speed]
        short, long = parse_duration(row["shortWindow"]), parse_duration(row["longWindow"])
        factor = row["errorBudgetPercent"] / 100 * parse_duration(period) / long
        rows.append((short // MINUTE, long // MINUTE, factor))
        shares[tier] = f"{row['errorBudgetPercent']}%"
    return period, _pairs(*rows), shares


TIERS = ("fast", "medium", "slow", "longterm")


def recordings(bad: str, total: str, pairs: Pairs = WORKBOOK, period: str = "30d") -> RuleGroup:
    """The shares of bad events in all windows, and their mean over the period."""
    return recording_group(Objective("shop", "judged", "99", bad, total), pairs, period)


def recording_group(one: Objective, pairs: Pairs = WORKBOOK, period: str = "30d") -> RuleGroup:
    """Each short window has its own query of the raw series; the period is the mean of the shortest window's shares."""
    windows = sorted({window for both in pairs.values() for pair in both for window in (pair.short, pair.long)})
    rules = []
    for window in windows:
        name = format_duration(window)
        rules.append(_record(one, f"slo:sli_error:ratio_rate{name}", one.ratio.replace("$window", name), name))
    shortest = f"slo:sli_error:ratio_rate{format_duration(windows[0])}{_matchers(one)}"
    mean = f"sum_over_time({shortest}[{period}]) / ignoring (sloth_window) count_over_time({shortest}[{period}])"
    rules.append(_record(one, f"slo:sli_error:ratio_rate{period}", mean, period))
    return RuleGroup(f"sloth-slo-sli-recordings-{one.id}", tuple(rules))


def alert_group(one: Objective, pairs: Pairs = WORKBOOK) -> RuleGroup:
    """Two alerts of two pairs of windows each."""
    rules = []
    for severity, both in pairs.items():
        expr = " or ".join(
            "("
            + " and ".join(
                f"max({_over(one, window, pair.factor)}) without (sloth_window)" for window in (pair.short, pair.long)
            )
            + ")"
            for pair in both
        )
        rules.append(AlertingRule(one.id, parse(Text.of(expr)), labels={"sloth_severity": severity}))
    return RuleGroup(f"sloth-slo-alerts-{one.id}", tuple(rules))


def metadata_group(one: Objective, period: str = "30d") -> RuleGroup:
    """What Sloth tells of an objective, and its burn rates by the shares of bad events."""
    key, of = "sloth_id, sloth_slo, sloth_service", _matchers(one)
    per_budget = f"/ on({key}) group_left slo:error_budget:ratio{of}"
    texts = {
        "slo:objective:ratio": f"vector({1 - budget(one)!r})",
        "slo:error_budget:ratio": f"vector(1-{1 - budget(one)!r})",
        "slo:time_period:days": f"vector({period.removesuffix('d')})",
        "slo:current_burn_rate:ratio": f"slo:sli_error:ratio_rate5m{of} {per_budget}",
        "slo:period_burn_rate:ratio": f"slo:sli_error:ratio_rate{period}{of} {per_budget}",
        "slo:period_error_budget_remaining:ratio": f"1 - slo:period_burn_rate:ratio{of}",
        "sloth_slo_info": "vector(1)",
    }
    rules = (RecordingRule(name, parse(Text.of(text)), _labels(one)) for name, text in texts.items())
    return RuleGroup(f"sloth-slo-meta-recordings-{one.id}", tuple(rules))


def _over(one: Objective, window: int, factor: float) -> str:
    return f"slo:sli_error:ratio_rate{format_duration(window)}{_matchers(one)} > ({factor!r} * {budget(one)!r})"


def budget(one: Objective) -> float:
    """As Sloth has it in its rules, with what binary fractions do to it: 0.0009999999999999432."""
    return (100 - float(one.target)) / 100


def _labels(one: Objective) -> dict[str, str]:
    return {"sloth_id": one.id, "sloth_service": one.service, "sloth_slo": one.name}


def _matchers(one: Objective) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in _labels(one).items()) + "}"


def _record(one: Objective, name: str, query: str, window: str) -> RecordingRule:
    return RecordingRule(name, parse(Text.of(query)), {**_labels(one), "sloth_window": window})
