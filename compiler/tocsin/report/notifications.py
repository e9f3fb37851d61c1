"""The notifications of a backtest as rows of tables, the same for text and page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tocsin.backtest.model import Backtest, Load, Noise, NoisyAlert
from tocsin.report.numbers import NOTHING, duration, rate, share

NOISIEST = 5
"""How many alerts are listed."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A table: its columns, of which the first is a name, and its rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(noise: Noise) -> Iterator[Rows]:
    """By receiver, by owner where one is given, and the noisiest alerts; each only where something was sent."""
    columns = ("notifications", "pages", "pages/week", f"pages by night (22:00-08:00 {noise.zone})")
    if noise.receivers:
        yield Rows(("receiver", *columns), tuple(map(_load, noise.receivers)))
    owners = [owner for owner in noise.owners if owner.notifications]
    if any(owner.name for owner in owners):
        yield Rows(("owner", *columns), tuple(map(_load, owners)))
    alerts = [alert for alert in noise.alerts if alert.notifications][:NOISIEST]
    if alerts:
        titles = ("noisiest alert", "notifications", "share", "time pending", "time firing")
        yield Rows(titles, tuple(map(_alert, alerts)))


def _alert(alert: NoisyAlert) -> tuple[str, ...]:
    times = (duration(alert.pending), duration(alert.firing))
    return alert.verdict.rule.name, f"{alert.notifications}", share(alert.share), *times


def _load(load: Load) -> tuple[str, ...]:
    night = f"{load.by_night}" + (f" ({share(load.by_night / load.pages)})" if load.pages else "")
    return load.name or NOTHING, f"{load.notifications}", f"{load.pages}", rate(load.pages_per_week), night


def heading(backtest: Backtest) -> str:
    """How many notifications there are, and whose."""
    assert backtest.alertmanager is not None
    assert backtest.notifications is not None
    count = len(backtest.notifications)
    release = backtest.alertmanager.semantics.release
    return f"{count or 'no'} notification{'s' * (count != 1)} of Alertmanager {release}"
