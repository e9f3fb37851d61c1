"""Tables of burn rates, ours and those of tocsin.yaml, to the tiers of an objective's alerts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files
from math import ceil

from tocsin.diagnostics import Problems, Source, Span
from tocsin.document import MapNode, Node, Scalar, parse_documents
from tocsin.duration import format_duration
from tocsin.quantity import Unit
from tocsin.spec.values import Values, entries, text

MINUTE = 60_000

DEFAULT = "workbook"


@dataclass(frozen=True, slots=True)
class BurnTier:
    """How fast a budget may be spent: the share `budget` of it in `long`, and as fast in `short`; windows in ms.

    `place` is where it was written.
    """

    name: str
    budget: Decimal
    long: int
    short: int
    severity: str
    keep_firing_for: int
    place: Span

    def burn_rate(self, period: int) -> Decimal:
        """How many times faster than the whole budget in the whole period (Workbook, chapter 5)."""
        return exact(Fraction(self.budget) * period / self.long)


@dataclass(frozen=True, slots=True)
class BurnTable:
    """The tiers for objectives of a `period` in ms, the most urgent first."""

    period: int
    tiers: tuple[BurnTier, ...]

    def scaled(self, period: int, step: int) -> BurnTable:
        """The table for another period: windows in proportion, in whole steps of `step` ms; zero where less is left."""
        if period == self.period:
            return self
        tiers = (
            replace(
                tier,
                long=_shrunk(tier.long, period, self.period, step),
                short=_shrunk(tier.short, period, self.period, step),
            )
            for tier in self.tiers
        )
        return BurnTable(period, tuple(tiers))


def _shrunk(window: int, period: int, of: int, step: int) -> int:
    """Rounded down, so that no burn rate falls below what the table says."""
    return window * period // of // step * step


def exact(value: Fraction) -> Decimal:
    """The decimal number, to twelve digits where it has more: `0.0144`, never `0.014399999999999968`.

    >>> exact(Fraction(144, 10000))
    Decimal('0.0144')
    """
    rounded = Decimal(f"{Decimal(value.numerator) / Decimal(value.denominator):.12g}")
    return rounded.normalize() + 0


@cache
def built_in() -> Mapping[str, BurnTable]:
    """The tables that come with tocsin."""
    problems = Problems()
    written = files("tocsin.spec").joinpath("burn_rates.yaml").read_text()
    (node,) = parse_documents(Source("burn_rates.yaml", written), problems)
    tables = read_tables(node, problems)
    assert not len(problems)
    return tables


def read_tables(node: Node | None, problems: Problems) -> dict[str, BurnTable]:
    """The tables of a mapping by name; their shape is valid. What is faulty in them is reported and left out."""
    reader = _Reader(problems)
    return {key.text.value: table for key, body in entries(node) if (table := reader.table(body))}


class _Reader(Values):
    def table(self, body: Node) -> BurnTable | None:
        assert isinstance(body, MapNode)
        period = self.duration(body, "period")
        if period == 0:
            place = body.get("period") or body
            self.fault("burn-rate", "a period of no time has no budget", place.span, "write `30d`")
        if not period:
            return None
        read = [self._tier(key, tier, period) for key, tier in entries(body.get("tiers"))]
        return BurnTable(period, tuple(tier for tier in read if tier))

    def _tier(self, name: Scalar, body: Node, period: int) -> BurnTier | None:
        assert isinstance(body, MapNode)
        written = body.get("budget")
        budget = self.quantity(written, Unit.RATIO) if written else None
        long, short = self.duration(body, "long"), self.duration(body, "short")
        if budget is None or long is None or short is None:
            return None
        keep = self.duration(body, "keep_firing_for") or 0
        tier = BurnTier(name.text.value, budget.exact, long, short, text(body, "severity"), keep, name.span)
        faults = list(_faults(tier, body, period))
        for message, place, help in faults:
            self.fault("burn-rate", message, place, help)
        return None if faults else tier


def _faults(tier: BurnTier, body: MapNode, period: int) -> Iterator[tuple[str, Span, str]]:
    def place(key: str) -> Span:
        return (body.get(key) or body).span

    if not 0 < tier.budget <= 1:
        yield (
            f"expected a share of the budget above 0% and up to 100%, found `{text(body, 'budget')}`",
            place("budget"),
            "",
        )
        return
    if tier.short < MINUTE:
        yield "a window under a minute judges single scrapes", place("short"), "write `5m`"
        return
    if tier.short >= tier.long:
        help = (
            f"the short window ends the alert; a twelfth of the long one is usual: `{format_duration(tier.long // 12)}`"
        )
        yield "the short window is not shorter than the long one", place("short"), help
        return
    if tier.long > period:
        yield f"the window is longer than the period of {format_duration(period)}", place("long"), ""
    elif tier.burn_rate(period) < 1:
        least = Decimal(ceil(Fraction(tier.long, period) * 10_000)) / 100
        message = f"a burn rate of {tier.burn_rate(period):f} is below 1: it fires where the budget lasts"
        yield (
            message,
            place("budget"),
            f"write `{least.normalize():f}%` or more for a window of {format_duration(tier.long)}",
        )
