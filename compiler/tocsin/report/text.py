"""A backtest as a table for people: on a terminal in colour, elsewhere as plain text that is never cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tocsin.backtest.model import Backtest, IncidentVerdict, RuleVerdict, Score
from tocsin.diagnostics import printable
from tocsin.report import budgets
from tocsin.report.notifications import Rows, heading, tables
from tocsin.report.numbers import NOTHING, duration, false_per_week, rate, share, stretch

SEVERITY = "severity"
COLUMNS = ("alert", SEVERITY, "fired", "precision", "recall", *budgets.TIMES, "fired/week", "false/week")

_NEVER_CUT = 10_000
"""Columns of an output that is not a terminal."""


def write(backtest: Backtest, file: TextIO) -> None:
    """Write the alerts, incidents missed and non-incidents that fired one, then objectives and notifications."""
    console = Console(file=file, highlight=False, width=None if file.isatty() else _NEVER_CUT)
    console.print(Text(_window(backtest), style="dim"))
    console.print(_table(backtest))
    for text in _incidents(backtest):
        console.print(text)
    for rows in budgets.tables(backtest.objectives):
        console.print("", _plain(rows), sep="\n")
    if backtest.noise is not None:
        console.print(Text(f"\n{heading(backtest)}", style="bold"))
        for rows in tables(backtest.noise):
            console.print("", _plain(rows), sep="\n")


def _plain(rows: Rows) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for number, title in enumerate(rows.columns):
        table.add_column(title, justify="right" if number else "left", overflow="fold", no_wrap=number == 0)
    for row in rows.rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table


def _window(backtest: Backtest) -> str:
    window = backtest.window
    whole = window.end - window.start
    observed = "" if backtest.observed >= whole else f", of which {duration(backtest.observed)} are recorded"
    return f"{stretch(window.start, window.end)} UTC ({duration(whole)}{observed})"


def _table(backtest: Backtest) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=True, header_style="bold", footer_style="bold")
    *some, whole = totals(backtest)
    for title, total in zip(columns(backtest), whole, strict=True):
        words = title in ("alert", SEVERITY)
        table.add_column(title, Text(total), justify="left" if words else "right", overflow="fold", no_wrap=not words)
    for verdict, cells in rows(backtest):
        names = (verdict.rule.name, verdict.rule.labels.get(SEVERITY, ""))
        quiet = "" if verdict.score.fired else "dim"
        table.add_row(*(Text(printable(name)) for name in names), *map(Text, cells), style=quiet)
    table.add_section()
    for row in some:
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table


def columns(backtest: Backtest) -> tuple[str, ...]:
    """The columns of the table; pages are known where notifications are."""
    return COLUMNS if backtest.noise is None else (*COLUMNS, "pages/week")


def rows(backtest: Backtest) -> Iterator[tuple[RuleVerdict, tuple[str, ...]]]:
    """The alerts, each with what stands in the columns after its name and severity."""
    noise = backtest.noise
    paged = {id(one.verdict): (rate(one.pages_per_week),) for one in noise.alerts} if noise else {}
    for verdict in backtest.rules:
        yield verdict, (*_cells(verdict.score), *paged.get(id(verdict), ()))


def totals(backtest: Backtest) -> Iterator[tuple[str, ...]]:
    """The last rows of the table: each severity where there are several, and all alerts."""
    noise = backtest.noise
    paged = {one.name: (rate(one.pages_per_week),) for one in noise.severities} if noise else {}
    if len(backtest.severities) > 1:
        for name, score in backtest.severities:
            yield "all of", name or NOTHING, *_cells(score), *paged.get(name, ())
    # A page wakes one owner.
    pages = [one.pages_per_week for one in noise.owners] if noise else []
    whole = None if None in pages else sum(filter(None, pages))
    yield "all alerts", "", *_cells(backtest.score), *((rate(whole),) if noise else ())


def _cells(score: Score) -> tuple[str, ...]:
    return (
        f"{score.fired}" + (f" (+{score.lost} lost)" if score.lost else ""),
        share(score.precision),
        share(score.recall),
        duration(score.time_to_detect),
        duration(score.time_to_reset),
        rate(score.fired_per_week),
        rate(false_per_week(score)),
    )


def _incidents(backtest: Backtest) -> Iterator[Text]:
    missed = [verdict for verdict in backtest.incidents if not verdict.detected]
    woken = [verdict for verdict in backtest.not_incidents if verdict.detected]
    if backtest.incidents:
        yield _heading(missed, f"missed {len(missed)} of {len(backtest.incidents)} incidents", "red")
        yield from map(_line, missed)
    if backtest.not_incidents:
        yield _heading(woken, f"fired for {len(woken)} of {len(backtest.not_incidents)} non-incidents", "yellow")
        yield from map(_line, woken)


def _heading(found: Sequence[IncidentVerdict], text: str, colour: str) -> Text:
    return Text(text + (":" if found else ""), style=f"bold {colour}" if found else "bold green")


def _line(verdict: IncidentVerdict) -> Text:
    incident = verdict.incident
    rules = ", ".join(dict.fromkeys(detection.rule for detection in verdict.detections))
    details = "  ".join(f"{name}={value}" for name, value in (*incident.labels, *incident.details))
    parts = (stretch(incident.start, incident.end), incident.name, rules and f"by {rules}", details)
    return Text("  " + "  ".join(printable(part) for part in parts if part))
