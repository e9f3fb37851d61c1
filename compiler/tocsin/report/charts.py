"""A backtest as plotly figures: all episodes on one timeline, and for each alert its values against its threshold.

A figure is the JSON that plotly.js draws. Colours are names of CSS variables, which the page resolves, so that a
figure fits light, dark and print. Text in a figure is escaped, for plotly reads `<b>` and `<a>` in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import isfinite
from typing import Any, TypeAlias

from tocsin.alerts.timeline import Episode
from tocsin.backtest.model import Backtest, Incident, RuleVerdict, Window
from tocsin.backtest.trace import Span, Threshold, Trace
from tocsin.diagnostics import printable
from tocsin.labels import Labels, format_labels
from tocsin.report.numbers import duration, stretch

Figure: TypeAlias = dict[str, Any]

SERIES = 6
"""How many series have a colour of their own."""

_GAP = 0.03
_BREAKS = 4


@dataclass(frozen=True, slots=True)
class Panel:
    """A stretch of time with an x axis of its own; `left` and `right` are shares of the width of the figure."""

    axis: str
    start: int
    end: int
    left: float
    right: float

    def clip(self, start: int, end: int) -> Span | None:
        return (max(start, self.start), min(end, self.end)) if start <= self.end and end >= self.start else None


def panels(window: Window, recorded: Sequence[Span] = ()) -> tuple[Panel, ...]:
    """The window, cut where nothing was recorded for more than a tenth of what was; widths follow the time."""
    spans = sorted(recorded) or [(window.start, window.end)]
    total = sum(end - start for start, end in spans)
    gaps = sorted((later[0] - earlier[1], later[0]) for earlier, later in pairwise(spans))
    cuts = {start for gap, start in gaps[-_BREAKS:] if gap > total / 10}
    joined: list[Span] = []
    for start, end in spans:
        if joined and start not in cuts:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(_place(joined))


def _place(spans: Sequence[Span]) -> Iterator[Panel]:
    longest = max(end - start for start, end in spans)
    sizes = [max(end - start, longest * 0.15, 1) for start, end in spans]
    scale = (1 - _GAP * (len(spans) - 1)) / sum(sizes)
    left = 0.0
    for number, ((start, end), size) in enumerate(zip(spans, sizes, strict=True), 1):
        margin = max((end - start) // 100, 1)
        right = min(1.0, left + size * scale)
        yield Panel(f"x{number}" if number > 1 else "x", start - margin, end + margin, left, right)
        left = right + _GAP


@dataclass(frozen=True, slots=True)
class Stretch:
    """Something that lasted, and what a reader who points at it is told."""

    start: int
    end: int
    text: str


def timeline(backtest: Backtest, parts: Sequence[Panel]) -> Figure:
    """One row for the incidents, one for the non-incidents, each alert with its episodes, and each receiver."""
    rows = [(verdict.rule.name, _bars(verdict, backtest.window, parts)) for verdict in backtest.rules]
    missed = [verdict.incident for verdict in backtest.incidents if not verdict.detected]
    caught = [verdict.incident for verdict in backtest.incidents if verdict.detected]
    rows += [(f"told: {name}", {"--told": marks}) for name, marks in _told(backtest, parts)]
    if backtest.not_incidents:
        quiet = [verdict.incident for verdict in backtest.not_incidents]
        rows.insert(0, ("not incidents", {"--quiet": _named(quiet, "not an incident")}))
    if backtest.incidents:
        found = {"--incident": _named(caught, "caught"), "--missed": _named(missed, "missed")}
        rows.insert(0, ("incidents", found))
    data = [
        _bar(panel, row, colour, stretches)
        for row, (_, kinds) in enumerate(rows)
        for colour, stretches in kinds.items()
        for panel in parts
    ]
    names = [_short(name) for name, _ in rows]
    axis = {"tickvals": list(range(len(rows))), "ticktext": names, "range": [len(rows) - 0.5, -0.5], "fixedrange": True}
    height = 26 * len(rows) + 70
    return _figure([trace for trace in data if trace["y"]], parts, axis, [*_bands(backtest, parts)], height)


_POINTS = 800
"""Into how many pieces the time of a figure is cut: what stands in one piece is drawn as one."""


def _bars(verdict: RuleVerdict, window: Window, parts: Sequence[Panel]) -> Mapping[str, Sequence[Stretch]]:
    states = _states(verdict.episodes, window.end)
    return {f"--{state}": merge(found, _piece(parts)) for state, found in states.items()}


def _piece(parts: Sequence[Panel]) -> int:
    return sum(panel.end - panel.start for panel in parts) // _POINTS


def _states(episodes: Iterable[Episode], end: int) -> dict[str, list[Stretch]]:
    found: dict[str, list[Stretch]] = {"pending": [], "firing": []}
    for episode in episodes:
        over = end if episode.resolved is None else episode.resolved
        fires = over if episode.firing is None else episode.firing
        labels = format_labels(episode.labels)
        found["pending"].append(Stretch(episode.pending, fires, f"pending {labels}"))
        if episode.firing is not None:
            found["firing"].append(Stretch(episode.firing, over, f"firing {labels}"))
    return found


def _told(backtest: Backtest, parts: Sequence[Panel]) -> Iterator[tuple[str, list[Stretch]]]:
    """When each receiver was told, and of what."""
    found: dict[str, list[Stretch]] = {}
    for one in backtest.notifications or ():
        text = f"{one.reason}: {len(one.firing)} firing, {len(one.resolved)} resolved {format_labels(one.group)}"
        found.setdefault(one.receiver, []).append(Stretch(one.at, one.at, text))
    for receiver in sorted(found):
        yield receiver, merge(found[receiver], _piece(parts), "notifications")


def merge(stretches: Iterable[Stretch], distance: int, noun: str = "episodes") -> list[Stretch]:
    """Stretches in order, those that overlap or stand closer than `distance` as one that tells how many it holds."""
    merged: list[tuple[Stretch, int]] = []
    for one in sorted(stretches, key=lambda stretch: (stretch.start, stretch.end)):
        if merged and one.start - merged[-1][0].end <= distance:
            last, count = merged[-1]
            merged[-1] = (Stretch(last.start, max(last.end, one.end), last.text), count + 1)
        else:
            merged.append((one, 1))
    return [
        one if count == 1 else Stretch(one.start, one.end, f"{count} {noun}, the first {one.text}")
        for one, count in merged
    ]


def _named(incidents: Iterable[Incident], verdict: str) -> list[Stretch]:
    return [Stretch(incident.start, incident.end, f"{incident.name}: {verdict}") for incident in incidents]


def _bar(panel: Panel, row: int, colour: str, stretches: Iterable[Stretch]) -> Figure:
    shown = [(one, part) for one in stretches if (part := panel.clip(one.start, one.end))]
    return {
        "type": "bar",
        "orientation": "h",
        "xaxis": panel.axis,
        "base": [start for _, (start, _) in shown],
        "x": [end - start for _, (start, end) in shown],
        "y": [row] * len(shown),
        "width": 0.3 if colour == "--pending" else 0.62,
        "marker": {"color": colour, "line": {"color": colour, "width": 1}},
        "customdata": [
            f"{_escape(one.text)}<br>{stretch(one.start, one.end)} UTC ({duration(one.end - one.start)})"
            for one, _ in shown
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def values(trace: Trace, verdict: RuleVerdict, backtest: Backtest, parts: Sequence[Panel]) -> Figure:
    """The series of an alert over time with its thresholds; a strip above them shows when it was pending and fired."""
    limits = [limit for limit in trace.comparison.thresholds if isfinite(limit.limit)]
    nearest_on_top = range(min(len(trace.frame.labels), SERIES))[::-1]
    data = [_line(trace, row, panel) for panel in parts for row in nearest_on_top]
    shapes = [
        *_bands(backtest, parts),
        *_strip(verdict, backtest.window, parts),
        *(_limit(limit, panel) for limit in limits for panel in parts),
    ]
    axis = {"domain": [0, 0.93], "range": _range(trace, limits), "zeroline": False, "tickformat": "~g"}
    figure = _figure([line for line in data if line["x"]], parts, axis, shapes, 300)
    figure["layout"]["margin"]["r"] = 64
    figure["layout"]["annotations"] = [_mark(limit) for limit in limits]
    return figure


def _line(trace: Trace, row: int, panel: Panel) -> Figure:
    frame = trace.frame
    inside = (frame.times >= panel.start) & (frame.times <= panel.end)
    pairs = zip(frame.values[row, inside].tolist(), frame.present[row, inside].tolist(), strict=True)
    return {
        "type": "scatter",
        "mode": "lines",
        "xaxis": panel.axis,
        "name": _short(format_labels(frame.labels[row]), 120),
        "x": frame.times[inside].tolist(),
        "y": [float(f"{value:.6g}") if there else None for value, there in pairs],
        "line": {"color": f"--series-{row + 1}", "width": 2 if row == 0 else 1.2},
        "hovertemplate": "%{y:.4~g} at %{x|%Y-%m-%d %H:%M:%S}<br>%{fullData.name}<extra></extra>",
    }


def _range(trace: Trace, limits: Iterable[Threshold]) -> list[float]:
    shown = trace.frame.values[:SERIES][trace.frame.present[:SERIES]].tolist() + [limit.limit for limit in limits]
    low, high = min(shown, default=0.0), max(shown, default=1.0)
    margin = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return [low - margin, high + margin]


def _strip(verdict: RuleVerdict, window: Window, parts: Sequence[Panel]) -> Iterator[Figure]:
    for colour, stretches in _bars(verdict, window, parts).items():
        for panel in parts:
            for one in stretches:
                yield from _rectangle(panel, one.start, one.end, colour, (0.955, 1.0), "above")


def _bands(backtest: Backtest, parts: Sequence[Panel]) -> Iterator[Figure]:
    kinds = (("--incident-band", backtest.incidents), ("--quiet-band", backtest.not_incidents))
    for colour, verdicts in kinds:
        merged = merge(_named([verdict.incident for verdict in verdicts], ""), _piece(parts))
        for panel in parts:
            for one in merged:
                yield from _rectangle(panel, one.start, one.end, colour, (0, 1), "below")


def _rectangle(
    panel: Panel, start: int, end: int, colour: str, height: tuple[float, float], layer: str
) -> Iterator[Figure]:
    if part := panel.clip(start, end):
        yield {
            "type": "rect",
            "layer": layer,
            "xref": panel.axis,
            "yref": "paper",
            "x0": part[0],
            "x1": part[1],
            "y0": height[0],
            "y1": height[1],
            "fillcolor": colour,
            "line": {"color": colour, "width": 0 if layer == "below" else 1},
        }


def _limit(limit: Threshold, panel: Panel) -> Figure:
    where = {"xref": panel.axis, "yref": "y", "x0": panel.start, "x1": panel.end, "y0": limit.limit, "y1": limit.limit}
    return {"type": "line", **where, "line": {"color": "--limit", "width": 1.5, "dash": "dash"}}


def _mark(limit: Threshold) -> Figure:
    text = _escape(f"{limit.op} {limit.limit:g}")
    place = {"xref": "paper", "x": 1.003, "xanchor": "left", "yref": "y", "y": limit.limit, "yanchor": "middle"}
    return {"text": text, **place, "showarrow": False, "font": {"color": "--limit"}}


def _figure(data: list[Figure], parts: Sequence[Panel], y: Figure, shapes: list[Figure], height: int) -> Figure:
    layout: Figure = {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 40},
        "barmode": "overlay",
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": "zoom",
        "font": {"color": "--text", "size": 12},
        "paper_bgcolor": "--page",
        "plot_bgcolor": "--raised",
        "hoverlabel": {"bgcolor": "--raised", "bordercolor": "--line", "font": {"color": "--text"}, "align": "left"},
        "yaxis": {"automargin": True, "gridcolor": "--line", "linecolor": "--line", **y},
        "shapes": shapes,
    }
    for panel in parts:
        layout[panel.axis.replace("x", "xaxis")] = {
            "type": "date",
            "domain": [round(panel.left, 5), round(panel.right, 5)],
            "range": [panel.start, panel.end],
            "anchor": "y",
            "gridcolor": "--line",
            "linecolor": "--line",
            "tickangle": 0,
        }
    return {"data": data, "layout": layout}


def legend(trace: Trace) -> tuple[tuple[int, Labels], ...]:
    """The number of each series that is drawn, and its labels."""
    return tuple(enumerate(trace.frame.labels[:SERIES], 1))


def _escape(text: str) -> str:
    return escape(printable(text), quote=False)


def _short(text: str, length: int = 44) -> str:
    return _escape(text if len(text) <= length else text[: length - 1] + "…")
