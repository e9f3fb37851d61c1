"""A backtest as one page that asks nothing of the network: numbers, a timeline, and each alert with its values."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from tocsin.alerts.timeline import Episode
from tocsin.backtest.model import Backtest, RuleVerdict
from tocsin.backtest.trace import Span, Trace
from tocsin.diagnostics import printable
from tocsin.labels import Labels, format_labels
from tocsin.promql.print import pretty
from tocsin.report import budgets, charts, numbers
from tocsin.report.charts import Figure
from tocsin.report.delays import AllDelays, Delays, most, told_by
from tocsin.report.notifications import heading, tables
from tocsin.report.text import SEVERITY, columns, rows, totals

FOLDER = Path(__file__).parent
PAGES = 100
"""How many of its pages a section lists."""


@dataclass(frozen=True, slots=True)
class Page:
    """An episode that fired, and the incidents (or non-incidents) that it fired for."""

    episode: Episode
    incidents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One alert, as the template shows it."""

    anchor: str
    verdict: RuleVerdict
    severity: str
    expression: str
    cells: tuple[str, ...]
    pages: tuple[Page, ...]
    annotations: tuple[tuple[str, str], ...]
    series: tuple[tuple[int, Labels], ...]
    omitted: int
    charted: bool
    delays: Delays | None


def render(
    backtest: Backtest,
    traces: Iterable[Trace] = (),
    recorded: Sequence[Span] = (),
    delays: AllDelays = MappingProxyType({}),
) -> str:
    """The page. `traces` are what its alerts compared; `recorded` the stretches of the window with samples.

    `delays` tell of the alerts that come from specs how long they take to fire.
    """
    parts = charts.panels(backtest.window, recorded)
    figures: dict[str, Figure] = {"timeline": charts.timeline(backtest, parts)}
    sections = []
    drawn = [trace for trace in traces if trace.frame.labels]
    for number, (verdict, cells) in enumerate(rows(backtest), 1):
        trace = next((one for one in drawn if (one.group, one.rule) == (verdict.group, verdict.rule)), None)
        section = _section(f"alert-{number}", verdict, cells, backtest, trace, told_by(delays, verdict))
        if trace is not None:
            figures[f"chart-{section.anchor}"] = charts.values(trace, verdict, backtest, parts)
        sections.append(section)
    scripts = (get_plotlyjs(), _read("report.js"))
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            backtest=backtest,
            sections=sections,
            columns=columns(backtest)[2:],
            totals=tuple(totals(backtest)),
            policy=_policy(scripts),
            style=Markup(_read("report.css")),
            scripts=[Markup(script) for script in scripts],
            figures=Markup(embed(figures)),
            budgets=tuple(budgets.tables(backtest.objectives)),
            detected=budgets.detected(backtest.objectives, delays),
            told=_told_of(backtest),
        )
    )


def _told_of(backtest: Backtest) -> Mapping[str, object]:
    """What the section on notifications shows."""
    if backtest.noise is None:
        return {}
    listed = (backtest.notifications or ())[:PAGES]
    return {"heading": heading(backtest), "tables": tuple(tables(backtest.noise)), "listed": listed}


def _section(
    anchor: str,
    verdict: RuleVerdict,
    cells: tuple[str, ...],
    backtest: Backtest,
    trace: Trace | None,
    delays: Delays | None,
) -> Section:
    rule = verdict.rule
    fired = [episode for episode in verdict.episodes if episode.firing is not None]
    told = _told(backtest, verdict)
    first = ("summary", "action", "description", "runbook_url")
    names = [*(name for name in first if name in rule.annotations), *sorted(set(rule.annotations) - set(first))]
    return Section(
        anchor=anchor,
        verdict=verdict,
        severity=rule.labels.get(SEVERITY, ""),
        expression=pretty(rule.expr),
        cells=cells,
        pages=tuple(Page(episode, tuple(told.get(episode, ()))) for episode in fired[:PAGES]),
        annotations=tuple((name, rule.annotations[name]) for name in names),
        series=charts.legend(trace) if trace else (),
        omitted=trace.omitted if trace else 0,
        charted=trace is not None,
        delays=delays,
    )


def _told(backtest: Backtest, verdict: RuleVerdict) -> Mapping[Episode, list[str]]:
    """The incidents and non-incidents that each episode of a rule fired for."""
    told: dict[Episode, list[str]] = {}
    for found in (*backtest.incidents, *backtest.not_incidents):
        for detection in found.detections:
            if (detection.group, detection.rule) == (verdict.group, verdict.rule.name):
                told.setdefault(detection.episode, []).append(found.incident.name)
    return told


def embed(data: object) -> str:
    """JSON that can stand inside a script element: nothing in it ends the element or opens a comment.

    >>> embed("</script>")
    '"\\\\u003c/script\\\\u003e"'
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _policy(scripts: Iterable[str]) -> str:
    """A Content-Security-Policy: no network, and no script but these, which are known by their digests."""
    digests = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters |= {
        "moment": numbers.moment,
        "duration": numbers.duration,
        "share": numbers.share,
        "rate": numbers.rate,
        "labels": format_labels,
        "most": most,
    }
    environment.globals |= {"stretch": numbers.stretch, "false_per_week": numbers.false_per_week}
    environment.tests["web"] = lambda text: str(text).startswith(("https://", "http://"))
    return environment


def _visible(value: object) -> object:
    """Control and direction characters of any text made visible, except for line breaks."""
    return "\n".join(map(printable, value.split("\n"))) if type(value) is str else value
